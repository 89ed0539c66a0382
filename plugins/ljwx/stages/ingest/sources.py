"""What the connection's source carries: answers of the hook's verbs, and the names of what is not to be had."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import Protocol

import polars as pl

from ljwx.exceptions import NoPermission
from ljwx.hooks.market import market_hook
from ljwx.hooks.tencent import TencentHook
from ljwx.hooks.tushare import Table, TushareHook
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.resources import TUSHARE_CONN_ID
from ljwx.stages.ingest.frames import wire_frame
from ljwx.warehouse.limiter import WarehouseLimiter

log = logging.getLogger(__name__)

NOT_IN_KLINES = (
    "adj_factor", "amount", "namechange", "pre_close", "stk_limit", "stock_basic", "suspend_d", "trade_cal",
)  # fmt: skip
"""What a source of k-lines lacks: interfaces, and columns of `daily`."""
BEFORE = timedelta(days=20)
"""Calendar days before a range that are fetched along; they hold the session before it, after the longest holiday."""


class Source(Protocol):
    """What the stage `bars` asks of a source of market data."""

    @property
    def absent(self) -> list[str]:
        """What the source does not carry, as far as it was asked for, sorted."""

    def lacks(self, name: str) -> bool:
        """Say whether the source is known not to carry an interface, or a column of `daily`."""

    def fetch(self, api_name: str, *arguments: str) -> Table | None:
        """Return an interface's answer, or None when the source does not carry it."""

    def frame(self, api_name: str, *arguments: str) -> pl.DataFrame | None:
        """Return an interface's answer as `wire_frame` makes it, or None."""

    def frames(self, api_name: str, days: Sequence[str], /) -> pl.DataFrame | None:
        """Return the answers of several sessions (YYYYMMDD) under each other, or None."""

    def daily(self, days: Sequence[str]) -> pl.DataFrame:
        """Return the bars of several sessions, at least one, under each other."""


def source_of(warehouse: WarehouseHook, absent: Iterable[str] = ()) -> Source:
    """Return the source behind the connection `tushare_default`.

    :param absent: what is known to be lacking.
    """

    hook = market_hook(WarehouseLimiter(warehouse, TUSHARE_CONN_ID))
    return TencentSource(hook) if isinstance(hook, TencentHook) else TushareSource(hook, absent)


class TushareSource:
    """Asks the hook, and remembers what the tier refuses; `daily` is the one interface that every tier has.

    :param absent: interfaces known to be refused; they are not asked again.
    """

    def __init__(self, hook: TushareHook, absent: Iterable[str] = ()) -> None:
        self._hook = hook
        self._absent = set(absent)
        self._carried: set[str] = set()

    @property
    def absent(self) -> list[str]:
        """The interfaces that the tier does not carry, as far as they were asked for, sorted."""
        return sorted(self._absent)

    def lacks(self, api_name: str) -> bool:
        """Say whether the interface was refused."""
        return api_name in self._absent

    def fetch(self, api_name: str, *arguments: str) -> Table | None:
        """Return an interface's answer, or None when the tier does not carry it.

        :raises NoPermission: `daily` is refused as well, or the interface answered before: then it is not the tier.
        """

        if self.lacks(api_name):
            return None
        try:
            table: Table = getattr(self._hook, api_name)(*arguments)
        except NoPermission as refused:
            if api_name in self._carried:
                raise
            self._require_daily()
            self._absent.add(api_name)
            log.warning("going on without %s: %s", api_name, str(refused))
            return None
        self._carried.add(api_name)
        return table

    def _require_daily(self) -> None:
        """Tell a small tier from a token that is refused everywhere, as one used from too many addresses is."""
        if "daily" not in self._carried:
            self._hook.daily(ts_code="000001.SZ", limit=1)
            self._carried.add("daily")

    def frame(self, api_name: str, *arguments: str) -> pl.DataFrame | None:
        """Return an interface's answer as `wire_frame` makes it, or None."""
        table = self.fetch(api_name, *arguments)
        return None if table is None else wire_frame(table)

    def frames(self, api_name: str, days: Sequence[str]) -> pl.DataFrame | None:
        """Return the answers of several sessions under each other, or None."""
        parts = [table for table in (self.fetch(api_name, day) for day in days) if table is not None]
        return _together(parts) if parts else None

    def daily(self, days: Sequence[str]) -> pl.DataFrame:
        """Return the bars of several sessions, at least one, under each other.

        :raises NoPermission: the token may not even do that.
        """
        parts = [self._hook.daily(day) for day in days]
        self._carried.add("daily")
        return _together(parts)


class TencentSource:
    """Asks for k-lines, once a stock and range: the session before the range comes from the same answers."""

    def __init__(self, hook: TencentHook) -> None:
        self._hook = hook
        self._held: tuple[str, str, pl.DataFrame] | None = None

    @property
    def absent(self) -> list[str]:
        """What k-lines do not tell."""
        return list(NOT_IN_KLINES)

    def lacks(self, name: str) -> bool:
        """Say whether k-lines lack it."""
        return name in NOT_IN_KLINES

    def fetch(self, api_name: str, *_arguments: str) -> Table | None:
        """Return None: there are bars alone, which `daily` returns.

        :raises ConfigurationError: the connection names no stocks; said before anything is fetched.
        """
        log.debug("%s is not among the k-lines of %d stocks", api_name, len(self._hook.stocks))
        return None

    def frame(self, api_name: str, *_arguments: str) -> pl.DataFrame | None:
        """Return None, as `fetch` does."""
        self.fetch(api_name)
        return None

    def frames(self, api_name: str, _days: Sequence[str]) -> pl.DataFrame | None:
        """Return None, as `fetch` does."""
        return self.frame(api_name)

    def daily(self, days: Sequence[str]) -> pl.DataFrame:
        """Return the bars of several sessions, at least one; columns of `daily`, without amount."""

        first, last = min(days), max(days)
        if self._held is None or first < self._held[0] or last > self._held[1]:
            start = _day(first) - BEFORE
            self._held = f"{start:%Y%m%d}", last, wire_frame(self._hook.daily(start, _day(last)))
        return self._held[2].filter(pl.col("trade_date").is_in(list(days)))


def _day(text: str) -> date:
    return date(int(text[:4]), int(text[4:6]), int(text[6:]))


def _together(parts: Sequence[Table]) -> pl.DataFrame:

    return wire_frame(Table(parts[0].fields, [row for part in parts for row in part.rows], parts[0].api_name))
