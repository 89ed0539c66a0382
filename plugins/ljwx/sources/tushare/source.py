"""TuShare as a source: its interfaces in canonical frames, and what a tier refuses."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from typing import TYPE_CHECKING

import polars as pl

from ljwx.core.bars import Capability, SourceRows
from ljwx.core.bars.canonical import EVERYTHING
from ljwx.exceptions import NoPermission
from ljwx.sources.base import MarketSource, RateLimiter
from ljwx.sources.rows import Table, fetched_bars, stacked, wire_frame
from ljwx.sources.tushare import rows
from ljwx.sources.tushare.client import TushareClient
from ljwx.sources.tushare.endpoint import read_endpoint

if TYPE_CHECKING:
    from airflow.sdk import Connection

log = logging.getLogger(__name__)


class TushareSource(MarketSource):
    """Calls the interfaces, and remembers what the tier refuses; `daily` is the one interface that every tier has."""

    offers = EVERYTHING

    def __init__(self, client: TushareClient, refused: Iterable[Capability] = ()) -> None:
        super().__init__(refused)
        self._client = client
        self._answered: set[Capability] = set()
        self._has_bars = False

    @classmethod
    def of_connection(
        cls, connection: Connection, limiter: RateLimiter | None = None, refused: Iterable[Capability] = ()
    ) -> TushareSource:
        """Return the source behind a connection whose password is the token."""
        return cls(TushareClient(read_endpoint(connection), limiter), refused)

    def bars(self, sessions: Sequence[date]) -> pl.DataFrame:
        """Return all bars of some sessions.

        :raises NoPermission: the token may not even do that.
        """
        parts = [self._client.daily(day) for day in _days(sessions)]
        self._has_bars = True
        return fetched_bars(wire_frame(stacked(parts)))

    def test(self) -> tuple[bool, str]:
        """Ask for one bar, and say what came of it."""
        return self._client.test()

    def calendar(self, first: date, last: date) -> pl.DataFrame | None:
        """Return the calendar days of a range."""
        table = self._ask(Capability.CALENDAR, lambda: self._client.trade_cal(f"{first:%Y%m%d}", f"{last:%Y%m%d}"))
        return None if table is None else rows.calendar(table)

    def instruments(self) -> SourceRows | None:
        """Return the stocks of all list states."""
        table = self._ask(Capability.INSTRUMENTS, self._client.stock_basic)
        return None if table is None else rows.instruments(wire_frame(table))

    def names(self) -> SourceRows | None:
        """Return the names over time of all stocks."""
        table = self._ask(Capability.NAMES, self._client.namechange)
        return None if table is None else rows.names(wire_frame(table))

    def factors(self, sessions: Sequence[date]) -> SourceRows | None:
        """Return the adjustment factors of some sessions."""
        wire = self._by_day(Capability.FACTORS, self._client.adj_factor, sessions)
        return None if wire is None else rows.factors(wire, _days(sessions))

    def limits(self, sessions: Sequence[date]) -> SourceRows | None:
        """Return the limit prices of some sessions."""
        wire = self._by_day(Capability.LIMITS, self._client.stk_limit, sessions)
        return None if wire is None else rows.limits(wire, _days(sessions))

    def suspensions(self, sessions: Sequence[date]) -> SourceRows | None:
        """Return the suspensions and resumptions of some sessions."""
        wire = self._by_day(Capability.SUSPENSIONS, self._client.suspend_d, sessions)
        return None if wire is None else rows.suspensions(wire, _days(sessions))

    def members(self, index_code: str, first: date, last: date) -> SourceRows | None:
        """Return an index's lists of the days of a range."""
        days = f"{first:%Y%m%d}", f"{last:%Y%m%d}"
        table = self._ask(Capability.MEMBERS, lambda: self._client.index_weight(index_code, *days))
        return None if table is None else rows.members(wire_frame(table), index_code)

    def _by_day(
        self, capability: Capability, interface: Callable[[str], Table], sessions: Sequence[date]
    ) -> pl.DataFrame | None:
        answers = (self._ask(capability, lambda day=day: interface(day)) for day in _days(sessions))  # type: ignore[misc]
        parts = [table for table in answers if table is not None]
        return wire_frame(stacked(parts)) if parts else None

    def _ask(self, capability: Capability, interface: Callable[[], Table]) -> Table | None:
        """Return an interface's answer, or None when the tier does not carry it.

        :raises NoPermission: `daily` is refused as well, or the interface answered before: then it is not the tier.
        """
        if self.lacks(capability):
            return None
        try:
            table = interface()
        except NoPermission as refused:
            if capability in self._answered:
                raise
            self._require_bars()
            self._refused.add(capability)
            log.warning("going on without %s: %s", capability.value, str(refused))
            return None
        self._answered.add(capability)
        return table

    def _require_bars(self) -> None:
        """Distinguish a small tier from a token that is refused everywhere, as one used from too many addresses is."""
        if not self._has_bars:
            self._client.daily(ts_code="000001.SZ", limit=1)
            self._has_bars = True


def _days(sessions: Sequence[date]) -> list[str]:
    return [f"{session:%Y%m%d}" for session in sessions]
