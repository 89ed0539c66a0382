"""Bars as they were known at a moment, for those who look at some sessions at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

import polars as pl

from ljwx.warehouse.market.bars import BarsVerbs


@dataclass(frozen=True)
class SessionThen:
    """A session that was complete at a moment.

    :param bars: about how many it has.
    :param featured: whether it had features then.
    """

    session: date
    bars: int
    featured: bool


class VintagesVerbs(BarsVerbs):
    """Verbs of the stage `samples` about bars."""

    def sessions_then(self, known_at: datetime, last: date, feature_version: str) -> list[SessionThen]:
        """Return the sessions up to a day that had bars and were complete at a moment, sorted."""
        wanted = {"known_at": known_at, "last": last, "feature_version": feature_version}
        return self.records(SessionThen, "vintages/sessions", **wanted)

    def bars_then(self, columns: Sequence[str], first: date, last: date, known_at: datetime) -> pl.DataFrame:
        """Return bars as :meth:`bars` does, with ``unfactored``: their factors are not chained yet.

        :param columns: besides ts_code and session.
        """
        return self._read_bars("vintages/bars", tuple(columns), first=first, last=last, known_at=known_at)
