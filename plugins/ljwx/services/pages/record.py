"""The forward record as its page shows it: the scores, how they came about, and what the answers would have earned."""

from __future__ import annotations

from dataclasses import dataclass

from ljwx.core.forward.earned import EarnedBy
from ljwx.core.forward.over_time import Course, courses
from ljwx.exceptions import NotFound
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.services.pages.keeper import Keeper
from ljwx.services.scores import KnownRecord, ScoredRecord, earned_from_record, known_record, scored_record


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
    known = known_record(warehouse)
    scored = scored_record(known)
    course = courses(known.settled, warehouse.trading_days(scored.first, scored.last))
    return RecordPage(scored, course, _earned(known))


def _earned(known: KnownRecord) -> tuple[EarnedBy, ...]:
    """What the answers would have earned; nothing while no session follows the first."""
    try:
        return tuple(earned_from_record(known=known))
    except NotFound:
        return ()


def record_keeper(warehouse: WarehouseHook) -> Keeper[RecordPage]:
    """Return what keeps the page until a batch is sealed, a session completed, an outcome settled or an index came."""
    return Keeper(warehouse.record_state, lambda: record_page(warehouse))
