"""TuShare as a source: its interfaces in canonical frames, and what a tier refuses."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from typing import TYPE_CHECKING

import polars as pl

from ljwx.core.bars import Capability, SourceRows
from ljwx.core.bars.canonical import ANNOUNCED, EVERYTHING
from ljwx.exceptions import NoPermission, RateLimited
from ljwx.sources.base import AnswerKeeper, MarketSource, RateLimiter, Terms
from ljwx.sources.rows import Table, fetched_bars, stacked, wire_frame
from ljwx.sources.tushare import rows
from ljwx.sources.tushare.announcements import fetched_announcements
from ljwx.sources.tushare.client import TushareClient
from ljwx.sources.tushare.endpoint import read_endpoint

if TYPE_CHECKING:
    from airflow.sdk import Connection

log = logging.getLogger(__name__)

FACTS = {Capability.VALUATION: rows.valuations, Capability.MONEY_FLOW: rows.money_flows}
BY_DAY = frozenset({Capability.FACTORS, Capability.LIMITS, Capability.SUSPENSIONS, *FACTS})
"""Asked for session by session, by the interface of that name."""
MANY = 100
"""One bad row among so many good ones makes an answer a broken one."""


class TushareSource(MarketSource):
    """Calls the interfaces, and remembers what the tier refuses, or allows so seldom that it has no room for it now.

    `daily` is the one interface that every tier has.
    """

    offers = EVERYTHING
    terms = Terms(
        gives="the whole market, as far as the token's tier reaches",
        lacks="nothing that the pipeline asks for, on the full tier",
        costs="a token with points; more points carry more interfaces and more calls a minute",
        allows="the user agreement that you made with TuShare decides: pass no price on before you have read it",
    )

    def __init__(self, client: TushareClient, refused: Iterable[Capability] = ()) -> None:
        super().__init__(refused)
        self._client = client
        self._answered: set[Capability] = set()
        self._has_bars = False
        self._came: dict[tuple[Capability, date], Table] = {}

    @classmethod
    def of_connection(
        cls, connection: Connection, limiter: RateLimiter | None = None, refused: Iterable[Capability] = ()
    ) -> TushareSource:
        """Return the source behind a connection whose password is the token."""
        return cls(TushareClient(read_endpoint(connection), limiter), refused)

    def keep_answers(self, keeper: AnswerKeeper) -> None:
        """Take a keeper for the reference data, which is asked for once a day."""
        self._client.keeper = keeper

    def doubt(self, capability: Capability) -> None:
        """Give up the kept answers of an interface."""
        self._client.forget(capability.value)

    def bars(self, sessions: Sequence[date]) -> pl.DataFrame:
        """Return all bars of some sessions.

        :raises NoPermission, RateLimited: the token may not even do that, or not now.
        """
        parts = [self._client.daily(day) for day in _days(sessions)]
        self._has_bars = True
        return fetched_bars(wire_frame(stacked(parts)))

    def test(self) -> tuple[bool, str]:
        """Ask for one bar, and say what came of it."""
        return self._client.test()

    def calendar(self, first: date, last: date) -> pl.DataFrame | None:
        """Return the calendar days of a range; whole years are asked for, so that one answer is good for many runs."""
        years = f"{first.year}0101", f"{last.year}1231"
        table = self._ask(Capability.CALENDAR, lambda: self._client.trade_cal(*years))
        if table is None:
            return None
        days = rows.calendar(table).filter(pl.col("session").is_between(first, last))
        clear = days.drop_nulls("is_open")["session"].n_unique()
        if not clear == days.height == (last - first).days + 1:
            self._client.forget("trade_cal")
        return days

    def instruments(self) -> SourceRows | None:
        """Return the stocks of all list states."""
        table = self._ask(Capability.INSTRUMENTS, self._client.stock_basic)
        return None if table is None else self._sound("stock_basic", rows.instruments(wire_frame(table)))

    def names(self) -> SourceRows | None:
        """Return the names over time of all stocks."""
        table = self._ask(Capability.NAMES, self._client.namechange)
        return None if table is None else self._sound("namechange", rows.names(wire_frame(table)))

    def renames(self) -> SourceRows | None:
        """Return the codes of the Beijing exchange that others took the place of."""
        table = self._ask(Capability.RENAMES, self._client.bse_mapping)
        return None if table is None else rows.renames(wire_frame(table))

    def factors(self, sessions: Sequence[date]) -> SourceRows | None:
        """Return the adjustment factors of some sessions."""
        wire = self._by_day(Capability.FACTORS, sessions)
        return None if wire is None else rows.factors(wire, _days(sessions))

    def limits(self, sessions: Sequence[date]) -> SourceRows | None:
        """Return the limit prices of some sessions."""
        wire = self._by_day(Capability.LIMITS, sessions)
        return None if wire is None else rows.limits(wire, _days(sessions))

    def suspensions(self, sessions: Sequence[date]) -> SourceRows | None:
        """Return the suspensions and resumptions of some sessions."""
        wire = self._by_day(Capability.SUSPENSIONS, sessions)
        return None if wire is None else rows.suspensions(wire, _days(sessions))

    def facts(self, capability: Capability, sessions: Sequence[date]) -> SourceRows | None:
        """Return what the table of a feature group holds of some sessions, or what was announced around them."""
        if capability in ANNOUNCED:
            return fetched_announcements(self._client, self._ask, sessions)
        wire = self._by_day(capability, sessions) if capability in FACTS else None
        return None if wire is None else FACTS[capability](wire, _days(sessions))

    def index_bars(self, index_code: str, sessions: Sequence[date]) -> SourceRows | None:
        """Return an index's levels of some sessions, out of one answer of their range."""
        days = _days(sessions)
        table = self._ask(Capability.INDEXES, lambda: self._client.index_daily(index_code, min(days), max(days)))
        return None if table is None else rows.index_bars(_of_days(table, days), index_code, days)

    def members(self, index_code: str, first: date, last: date) -> SourceRows | None:
        """Return an index's lists of the days of a range."""
        days = f"{first:%Y%m%d}", f"{last:%Y%m%d}"
        table = self._ask(Capability.MEMBERS, lambda: self._client.index_weight(index_code, *days))
        return None if table is None else rows.members(wire_frame(table), index_code)

    def has_room(self, capability: Capability, session: date) -> bool:
        """Ask for a session's rows; they are at hand when they are fetched."""
        if capability not in BY_DAY:
            return not self.lacks(capability)
        return self._of_day(capability, session, alone=True) is not None

    def _sound(self, api_name: str, found: SourceRows) -> SourceRows:
        """Give up a kept answer that is broken, so that it is asked for again; a single bad row is the source's own."""
        if found.rejected.height * MANY >= found.usable.height:
            self._client.forget(api_name)
        return found

    def _by_day(self, capability: Capability, sessions: Sequence[date]) -> pl.DataFrame | None:
        """Ask day by day; where a limit ends it, what came is taken."""
        parts = []
        for session in sessions:
            table = self._of_day(capability, session, alone=len(sessions) == 1)
            if table is not None:
                self._given.setdefault(capability, set()).add(session)
                parts.append(table)
        return wire_frame(stacked(parts)) if parts else None

    def _of_day(self, capability: Capability, session: date, *, alone: bool) -> Table | None:
        """Ask for a session's rows, unless they came before.

        :param alone: remember them: the session before one that is fetched may be fetched itself later.
        """
        table = self._came.get((capability, session))
        if table is None:
            interface: Callable[[str], Table] = getattr(self._client, capability.value)
            table = self._ask(capability, lambda: interface(f"{session:%Y%m%d}"))
            if table is not None and alone:
                self._came[capability, session] = table
        return table

    def _ask(self, capability: Capability, interface: Callable[[], Table]) -> Table | None:
        """Return an interface's answer, or None when the tier does not carry it, or has no room for it for hours.

        :raises NoPermission: `daily` is refused as well, or the interface answered before: then it is not the tier.
        :raises RateLimited: of a minute, which is waited for.
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
        except RateLimited as limited:
            if limited.unit == "minute":
                raise
            self.defer([capability])
            log.warning("going on without %s for now, a later run fills it in: %s", capability.value, str(limited))
            return None
        self._answered.add(capability)
        self._client.settle(capability.value)
        return table

    def _require_bars(self) -> None:
        """Distinguish a small tier from a token that is refused everywhere, as one used from too many addresses is."""
        if not self._has_bars:
            self._client.daily(ts_code="000001.SZ", limit=1)
            self._has_bars = True


def _days(sessions: Sequence[date]) -> list[str]:
    return [f"{session:%Y%m%d}" for session in sessions]


def _of_days(table: Table, days: Sequence[str]) -> pl.DataFrame:
    """Leave out what lies between days that were asked for."""
    day = pl.col("trade_date")
    between = day.is_between(pl.lit(min(days)), pl.lit(max(days))) & ~day.is_in(list(days))
    return wire_frame(table).filter(~between.fill_null(False))
