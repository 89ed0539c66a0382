"""k-lines as a source: bars and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

import polars as pl

from ljwx.core.bars import Capability
from ljwx.sources.base import MarketSource, RateLimiter, Terms
from ljwx.sources.rows import fetched_bars, wire_frame
from ljwx.sources.tencent.client import TencentClient
from ljwx.sources.tencent.endpoint import read_kline_endpoint

if TYPE_CHECKING:
    from airflow.sdk import Connection

EARLIER = timedelta(days=20)
"""Calendar days before a range that are fetched along; they hold the session before it, after the longest holiday."""


@dataclass(frozen=True, eq=False)
class _Held:
    """The bars of the last requests, and the days that they cover."""

    first: date
    last: date
    bars: pl.DataFrame


class TencentSource(MarketSource):
    """Asks once a stock and range: the session before the range comes from the same answers."""

    offers = frozenset[Capability]()
    terms = Terms(
        gives="daily bars of the stocks that the connection names",
        lacks="amounts, limit prices, suspensions, names, lists and calendar; pre_close and factors are derived",
        costs="nothing",
        allows="the endpoint is not documented and has no terms: take its data for your own use, pass no price on",
    )

    def __init__(self, client: TencentClient, refused: Iterable[Capability] = ()) -> None:
        super().__init__(refused)
        self._client = client
        self._held: _Held | None = None

    @classmethod
    def of_connection(
        cls, connection: Connection, limiter: RateLimiter | None = None, refused: Iterable[Capability] = ()
    ) -> TencentSource:
        """Return the source behind a connection whose extra names the stocks."""
        return cls(TencentClient(read_kline_endpoint(connection), limiter), refused)

    def bars(self, sessions: Sequence[date]) -> pl.DataFrame:
        """Return all bars of some sessions, without amounts."""
        first, last = min(sessions), max(sessions)
        held = self._held
        if held is None or first < held.first or last > held.last:
            start = first - EARLIER
            held = _Held(start, last, fetched_bars(wire_frame(self._client.daily(start, last))))
            self._held = held
        return held.bars.filter(pl.col("session").is_in(list(sessions)))

    def test(self) -> tuple[bool, str]:
        """Ask for the newest bar of the first stock, and say what came of it."""
        return self._client.test()
