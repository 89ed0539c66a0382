"""Daily bars without any token, from the k-line endpoint that tushare's ``get_k_data`` used; one stock a request.

The package's own function cannot run on pandas 3. The endpoint is not documented and promises nothing; what is known
of its answers is in ``wire``.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from datetime import time as clock
from typing import Any

from ljwx.exceptions import MalformedAnswer, SourceError
from ljwx.sources.base import RateLimiter
from ljwx.sources.rows import Table
from ljwx.sources.tencent.endpoint import KLineEndpoint
from ljwx.sources.tencent.references import EARLIER_ROWS, reference
from ljwx.sources.tencent.wire import KLine, read_kline, to_symbol
from ljwx.sources.transport import RETRY_SECONDS, Retries, Transport

log = logging.getLogger(__name__)

API_NAME = "fqkline"
"""What limits and messages call the endpoint."""
PATH = "/appstock/app/fqkline/get"
PAGE_ROWS = 640
"""Rows asked for at most, as get_k_data did; more than 800 are not always given, more than 2,000 refused."""
MAX_PAGES = 40
FINAL_AT = clock(15, 30)
"""Shanghai: after-hours trading ends; a bar of the day that was quoted before is not final."""
BARS = ("ts_code", "trade_date", "open", "high", "low", "close", "pre_close", "vol", "unreferenced")
BUSY = (429, 501)
"""What its gateway answers to too many requests: 501 was seen after a hundred in quick succession."""


class TencentClient:
    """Calls the k-line endpoint, or a server that speaks like it.

    :param limiter: asked before each request; None: no limit is held.
    :param sleep: waits between attempts.
    :param retry_budget: seconds within which a request may be repeated after trouble on the way.
    """

    def __init__(
        self,
        endpoint: KLineEndpoint,
        limiter: RateLimiter | None = None,
        *,
        sleep: Callable[[float], None] = time.sleep,
        retry_budget: float = RETRY_SECONDS,
    ) -> None:
        self.endpoint = endpoint
        self._limiter = limiter
        self._retry_budget = retry_budget
        self._sleep = sleep
        self._transport = Transport(endpoint.address, BUSY)

    def daily(self, start: date, end: date) -> Table:
        """Return the bars of all stocks from `start` to `end`, stock by stock in time order.

        Prices in CNY, vol in lots of 100, trade_date YYYYMMDD. pre_close is derived from the close before and the
        announced ex-rights; where that cannot be done it is null, and `unreferenced` says why.

        :raises RateLimited, BadQuery: as the server says.
        :raises SourceUnavailable, MalformedAnswer: still so after the retry budget is spent.
        """
        rows = [row for stock in self.endpoint.stocks for row in self.bars(stock, start, end)]
        log.info("Tencent k-lines: %d rows of %d stocks", len(rows), len(self.endpoint.stocks))
        return Table(BARS, rows, API_NAME)

    def bars(self, ts_code: str, start: date, end: date) -> list[list[Any]]:
        """Return one stock's rows of `daily`."""
        line = self.kline(ts_code, start, end)
        wanted = [at for at, row in enumerate(line.rows) if row.session >= start]
        if wanted and _unfinished(line):
            log.warning("%s: the bar of %s is not final yet", ts_code, line.rows[wanted.pop()].session)
        return [_bar(ts_code, line, at) for at in wanted]

    def kline(self, ts_code: str, start: date, end: date) -> KLine:
        """Return a stock's bars from a few before `start` to `end`, or from its first."""
        pages = list(self._pages(ts_code, start, end))
        rows = tuple(row for page in reversed(pages) for row in page.rows if row.session <= end)
        return KLine(rows, pages[0].quoted_at, pages[0].shares_per_unit)

    def _pages(self, ts_code: str, start: date, end: date) -> Iterator[KLine]:
        """Yield pages from the newest on until one reaches before `start` or comes short."""
        for _ in range(MAX_PAGES):
            count = min(PAGE_ROWS, (end - start).days + 1 + EARLIER_ROWS)
            page = self._page(ts_code, end, count, self._retry_budget)
            yield page
            if len(page.rows) < count or page.rows[0].session < start:
                return
            if page.rows[0].session > end:
                raise MalformedAnswer(f"{ts_code}: rows after {end} in place of rows up to it")
            end = page.rows[0].session - timedelta(days=1)
        raise MalformedAnswer(f"{ts_code}: no end after {MAX_PAGES} pages")

    def _page(self, ts_code: str, end: date | str, count: int, budget: float) -> KLine:
        """Fetch one page; repeat what may heal by itself as long as the budget lasts."""
        query = {"param": f"{to_symbol(ts_code)},day,,{end},{count},"}
        retries = Retries(budget, self._sleep)

        def attempt() -> KLine:
            return read_kline(ts_code, self._transport.body("GET", PATH, ts_code, retries.left, params=query))

        return retries.call(attempt, before=self._wait_for_limit)

    def _wait_for_limit(self) -> None:
        if self._limiter is not None:
            self._limiter.acquire(API_NAME, self.endpoint.per_minute)

    def test(self) -> tuple[bool, str]:
        """Ask for the newest bar of the first stock, and say what came of it."""
        stock, address = self.endpoint.stocks[0], self.endpoint.address
        try:
            line = self._page(stock, "", 1, budget=0.0)
        except SourceError as error:
            return False, str(error)
        newest = f"{line.rows[-1].session}" if line.rows else "none"
        return True, f"{address.url} answers{address.route}; the newest bar of {stock} is of {newest}"

    def close(self) -> None:
        """Close pooled connections; the client may be used again."""
        self._transport.close()


def _unfinished(line: KLine) -> bool:
    """Say whether the last bar is of the quote's day, and the quote of a time when that day still traded."""
    at = line.quoted_at
    return at is not None and at.date() == line.rows[-1].session and at.time() < FINAL_AT


def _bar(ts_code: str, line: KLine, at: int) -> list[Any]:
    row = line.rows[at]
    opened, close, high, low, volume = row.values
    lots = volume * line.shares_per_unit / 100 if isinstance(volume, float) else volume
    pre_close, unreferenced = reference(ts_code, line, at)
    return [ts_code, f"{row.session:%Y%m%d}", opened, high, low, close, pre_close, lots, unreferenced]
