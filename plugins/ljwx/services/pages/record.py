"""The forward record as its page shows it: the scores, how they came about, and what the answers would have earned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

import polars as pl
import polars.selectors as cs

from ljwx.core.forward.chain import Batch
from ljwx.core.forward.earned import EarnedBy
from ljwx.core.forward.over_time import Course, courses
from ljwx.core.forward.settled import SETTLED
from ljwx.exceptions import NotFound
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.services.pages.keeper import Keeper
from ljwx.services.scores import KnownRecord, ScoredRecord, earned_from_record, known_record, scored_record

MOST_ROWS: Final = 500_000
"""Answers that are kept in memory at most: about 40 MB."""


@dataclass(frozen=True)
class RecordPage:
    """Everything that the page shows of the record.

    :param scored: its scores are brief, and so is what models ``earned``; what rules did is not shown.
    """

    scored: ScoredRecord
    courses: tuple[Course, ...]
    earned: tuple[EarnedBy, ...]


class KeptSessions:
    """Reads the answers of the record, and those of sessions that stay as they are only once. Not shared by threads."""

    def __init__(self, warehouse: WarehouseHook, most_rows: int = MOST_ROWS) -> None:
        self._warehouse, self._most_rows = warehouse, most_rows
        self._kept: dict[date, tuple[datetime, pl.DataFrame]] = {}

    def settled(self, batches: Sequence[Batch]) -> pl.DataFrame:
        """Return the answers of all batches beside what came true, as it is known now: a SETTLED frame."""
        known = self._warehouse.settled_sessions()  # first: what is settled meanwhile is read again the next time
        kept = {session: one for session, one in self._kept.items() if known.get(session) == one[0]}
        sessions = [each.session for each in batches if each.session not in kept]
        read = self._warehouse.settled_record(sessions=sessions)
        fresh = {rows.item(0, "session"): rows for rows in read.partition_by("session", maintain_order=True)}
        self._keep(known, kept, fresh)
        whole = fresh | {session: _spelled(rows) for session, (_, rows) in kept.items() if session not in fresh}
        return pl.concat([whole[session] for session in sorted(whole)] or [read])

    def _keep(
        self,
        known: dict[date, datetime],
        kept: dict[date, tuple[datetime, pl.DataFrame]],
        fresh: dict[date, pl.DataFrame],
    ) -> None:
        self._kept, room = kept, self._most_rows - sum(len(rows) for _, rows in kept.values())
        for session, rows in fresh.items():
            if session in known and len(rows) <= room and not _is_open(rows):
                self._kept[session] = known[session], rows.with_columns(cs.string().cast(pl.Categorical))
                room -= len(rows)


def _is_open(rows: pl.DataFrame) -> bool:
    return not rows.filter(pl.col("label").is_null(), pl.col("reason").is_null()).is_empty()


def _spelled(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.cast(SETTLED)


def record_page(warehouse: WarehouseHook, kept: KeptSessions | None = None) -> RecordPage:
    """Work out the page.

    :param kept: what was read before; None: all is read.
    :raises NotFound: there is no record yet.
    """
    known = known_record(warehouse, read=(kept or KeptSessions(warehouse)).settled)
    scored = scored_record(known, brief=True)
    course = courses(known.settled, warehouse.trading_days(scored.first, scored.last))
    return RecordPage(scored, course, _earned(known))


def _earned(known: KnownRecord) -> tuple[EarnedBy, ...]:
    """What the answers would have earned; nothing while no session follows the first."""
    try:
        return tuple(earned_from_record(known=known, brief=True))
    except NotFound:
        return ()


def record_keeper(warehouse: WarehouseHook) -> Keeper[RecordPage]:
    """Return what keeps the page until a batch is sealed, a session completed, an outcome settled or an index came."""
    kept = KeptSessions(warehouse)
    return Keeper(warehouse.record_state, lambda: record_page(warehouse, kept))
