"""The forward record as its page shows it: the scores, how they came about, and what the answers would have earned."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Final

from ljwx.core.forward.over_time import Course, courses
from ljwx.exceptions import NotFound
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.services.analysing.keeping import Kept
from ljwx.services.scores import EarnedBy, ScoredRecord, earned_from_record, scored_record

KEPT_SECONDS: Final = 600.0
"""The record changes once a night; it is worked out anew after so long at most."""


@dataclass(frozen=True)
class RecordPage:
    """Everything that the page shows of the record."""

    scored: ScoredRecord
    courses: tuple[Course, ...]
    earned: tuple[EarnedBy, ...]


def record_page(warehouse: WarehouseHook) -> RecordPage:
    """Work out the page.

    :raises NotFound: there is no record yet.
    """
    scored = scored_record()
    settled = warehouse.settled_record(scored.first)
    return RecordPage(scored, courses(settled, warehouse.trading_days(scored.first, scored.last)), _earned())


def _earned() -> tuple[EarnedBy, ...]:
    """What the answers would have earned; nothing while no session follows the first."""
    try:
        return tuple(earned_from_record())
    except NotFound:
        return ()


class RecordKeeper:
    """Works the page out once for all who look at it; shared by threads."""

    def __init__(self, warehouse: WarehouseHook, seconds: float = KEPT_SECONDS) -> None:
        self._warehouse = warehouse
        self._kept: Kept[None, RecordPage] = Kept(1, seconds)
        self._working = threading.Lock()

    def page(self) -> RecordPage:
        """Return the page.

        :raises NotFound: there is no record yet.
        """
        with self._working:
            return self._kept.get(None) or self._kept.put(None, record_page(self._warehouse))
