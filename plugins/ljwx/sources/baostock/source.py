"""BaoStock as a source: the whole market's days in canonical frames."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING

import polars as pl

from ljwx.core.bars import Capability, SourceRows
from ljwx.core.bars import canonical as frames
from ljwx.sources.baostock import rows, wire
from ljwx.sources.baostock.client import BaostockClient
from ljwx.sources.baostock.endpoint import read_baostock_endpoint
from ljwx.sources.base import AnswerKeeper, MarketSource, RateLimiter, Terms

if TYPE_CHECKING:
    from airflow.sdk import Connection


class BaostockSource(MarketSource):
    """Asks once a day of the market: bars and suspensions come in one answer.

    Adjustment factors are chained from pre_close: its own come by day for the stocks alone that went ex-right then.
    """

    offers = frozenset(
        {
            Capability.CALENDAR, Capability.INSTRUMENTS, Capability.SUSPENSIONS, Capability.AMOUNTS,
            Capability.REFERENCES, Capability.VALUATION, Capability.INDEXES,
        }
    )  # fmt: skip
    terms = Terms(
        gives="the whole market of Shanghai and Shenzhen, with suspensions, stocks, calendar and levels of indexes",
        lacks="the Beijing exchange, limit prices, names over time, weights of indexes; factors are chained",
        costs="nothing, up to about 50,000 calls a day and one connection at a time",
        allows="its package says nothing of how the data may be used: take them for your own use, pass no price on",
    )

    def __init__(self, client: BaostockClient, refused: Iterable[Capability] = ()) -> None:
        super().__init__(refused)
        self._client = client
        self._came: dict[date, pl.DataFrame] = {}

    @classmethod
    def of_connection(
        cls, connection: Connection, limiter: RateLimiter | None = None, refused: Iterable[Capability] = ()
    ) -> BaostockSource:
        """Return the source behind a connection; it needs no token."""
        return cls(BaostockClient(read_baostock_endpoint(connection), limiter), refused)

    def keep_answers(self, keeper: AnswerKeeper) -> None:
        """Take a keeper for lists, which are asked for once a day, and for the turn of the one connection."""
        self._client.keeper = keeper

    def doubt(self, capability: Capability) -> None:
        """Give up the kept lists of stocks."""
        if capability is Capability.INSTRUMENTS:
            self._client.forget(wire.STOCK_BASIC)

    def bars(self, sessions: Sequence[date]) -> pl.DataFrame:
        """Return all bars of some sessions."""
        return rows.bars(self._days(sessions))

    def suspensions(self, sessions: Sequence[date]) -> SourceRows | None:
        """Return which stocks did not trade on some sessions, from the answers that have the bars."""
        if self.lacks(Capability.SUSPENSIONS):
            return None
        return rows.suspensions(self._days(sessions), sessions)

    def limits(self, sessions: Sequence[date]) -> SourceRows:
        """Return the limits that special treatment narrowed; of other stocks the board's hold, and there is no row."""
        return SourceRows(rows.narrow_limits(self._days(sessions)), pl.DataFrame(schema=frames.QUARANTINE))

    def special(self, sessions: Sequence[date]) -> pl.DataFrame:
        """Return the days whose limits special treatment narrowed."""
        narrow = rows.narrow_limits(self._days(sessions))
        return narrow.select("ts_code", start_date="session", end_date="session")

    def facts(self, capability: Capability, sessions: Sequence[date]) -> SourceRows | None:
        """Return the ratios of some sessions, from the answers that have the bars; it has no money flow."""
        if capability is not Capability.VALUATION or self.lacks(capability):
            return None
        return rows.valuations(self._days(sessions), sessions)

    def index_bars(self, index_code: str, sessions: Sequence[date]) -> SourceRows | None:
        """Return an index's levels of some sessions; it has those of Shanghai and Shenzhen."""
        code = rows.index_code_of(index_code)
        if code is None or self.lacks(Capability.INDEXES):
            return None
        came = rows.frame_of(self._client.levels(code, min(sessions), max(sessions)))
        return rows.index_bars(came, index_code, sessions)

    def calendar(self, first: date, last: date) -> pl.DataFrame | None:
        """Return the calendar days of a range; whole years are asked for, so that one answer is good for many runs."""
        if self.lacks(Capability.CALENDAR):
            return None
        years = date(first.year, 1, 1), date(last.year, 12, 31)
        days = rows.calendar(self._client.trade_dates(*years)).filter(pl.col("session").is_between(first, last))
        if rows.unclear(days, [first + timedelta(days=at) for at in range((last - first).days + 1)]):
            self._client.forget(wire.TRADE_DATES)
        return days

    def instruments(self) -> SourceRows | None:
        """Return the stocks, delisted ones too, with today's industries."""
        if self.lacks(Capability.INSTRUMENTS):
            return None
        basic, industries = self._client.stock_basic(), self._client.industries()
        return rows.instruments(rows.frame_of(basic), rows.frame_of(industries))

    def test(self) -> tuple[bool, str]:
        """Log in and ask for one day of the calendar, and say what came of it."""
        return self._client.test()

    def _days(self, sessions: Sequence[date]) -> pl.DataFrame:
        """Return the rows of some days; those that came before are not asked for again."""
        missing = [day for day in sessions if day not in self._came]
        if missing:
            with self._client.alone():
                self._came |= {day: rows.frame_of(self._client.daily(day)) for day in missing}
        return pl.concat([self._came[day] for day in sessions])
