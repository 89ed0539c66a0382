"""Daily bars without any token, from the k-line endpoint that tushare's ``get_k_data`` used; one stock a request.

The package's own function cannot run on pandas 3. The endpoint is not documented and promises nothing; what is known
of its answers is in ``tencent_wire``. It gives raw prices and volumes and announces ex-rights. It gives no amount, no
factor, no limits, no suspensions and no list of stocks.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from datetime import time as clock
from functools import cached_property
from typing import Any

import requests
from airflow.sdk import BaseHook
from airflow.sdk.exceptions import AirflowNotFoundException

from ljwx.core.bars import parse_ex_right, reference_price, within_widest_limit
from ljwx.exceptions import ConfigurationError, MalformedAnswer, RateLimited, SourceError, SourceUnavailable
from ljwx.hooks.tushare import RateLimiter
from ljwx.sources.tencent.endpoint import KLineEndpoint, read_kline_endpoint
from ljwx.sources.tencent.wire import KLine, read_kline, to_symbol
from ljwx.sources.tushare.wire import Table

API_NAME = "fqkline"
"""What limits and messages call the endpoint."""
PATH = "/appstock/app/fqkline/get"
PAGE_ROWS = 640
"""Rows asked for at most, as get_k_data did; more than 800 are not always given, more than 2,000 refused."""
MAX_PAGES = 40
EARLIER_ROWS = 8
"""Rows before the range: pre_close needs one, and telling an IPO needs more than its five unlimited sessions."""
FINAL_AT = clock(15, 30)
"""Shanghai: after-hours trading ends; a bar of the day that was quoted before is not final."""
BARS = ("ts_code", "trade_date", "open", "high", "low", "close", "pre_close", "vol", "unreferenced")
_FIRST_DELAY, _LONGEST_DELAY = 0.5, 8.0
_BLOCKED = (429, 501)
"""What its gateway answers to too many requests: 501 was seen after a hundred in quick succession."""


class TencentHook(BaseHook):
    """Calls the k-line endpoint, or a server that speaks like it.

    Connection: of type `tencent`, under the id that a TuShare connection would have; `host` (web.ifzq.gtimg.cn),
    `schema` (https), `port`; extras `stocks` (the codes to fetch), `connect_timeout` and `read_timeout` in seconds
    (5 and 30) and `calls_per_minute` (120, our own choice: no limit is known).

    :param limiter: asked before each request; None asks nobody.
    :param sleep: waits between attempts.
    :param retry_budget: seconds within which a request may be repeated after trouble on the way.
    """

    conn_name_attr = "tencent_conn_id"
    default_conn_name = "tushare_default"
    conn_type = "tencent"
    hook_name = "Tencent k-lines"

    def __init__(
        self,
        tencent_conn_id: str = default_conn_name,
        limiter: RateLimiter | None = None,
        *,
        sleep: Callable[[float], None] = time.sleep,
        retry_budget: float = 60.0,
    ) -> None:
        super().__init__()
        self.tencent_conn_id = tencent_conn_id
        self.limiter = limiter
        self.retry_budget = retry_budget
        self._sleep = sleep

    @property
    def stocks(self) -> tuple[str, ...]:
        """The stocks that the connection names."""
        return self._endpoint.stocks

    def daily(self, start: date, end: date) -> Table:
        """Return the bars of all stocks from `start` to `end`, stock by stock in time order.

        Columns as TuShare's `daily` names them: prices in CNY, vol in lots of 100. pre_close is derived from the close
        before and the announced ex-rights; where that cannot be done it is null, and `unreferenced` says why.

        :raises RateLimited, BadQuery: as the server says.
        :raises SourceUnavailable, MalformedAnswer: still so after the retry budget is spent.
        """
        rows = [row for stock in self.stocks for row in self.bars(stock, start, end)]
        self.log.info("Tencent k-lines: %d rows of %d stocks", len(rows), len(self.stocks))
        return Table(BARS, rows, API_NAME)

    def bars(self, ts_code: str, start: date, end: date) -> list[list[Any]]:
        """Return one stock's rows of `daily`."""
        line = self.kline(ts_code, start, end)
        wanted = [at for at, row in enumerate(line.rows) if row.session >= start]
        if wanted and _unfinished(line):
            self.log.warning("%s: the bar of %s is not final yet", ts_code, line.rows[wanted.pop()].session)
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
            page = self._page(ts_code, end, count)
            yield page
            if len(page.rows) < count or page.rows[0].session < start:
                return
            if page.rows[0].session > end:
                raise MalformedAnswer(f"{ts_code}: rows after {end} in place of rows up to it")
            end = page.rows[0].session - timedelta(days=1)
        raise MalformedAnswer(f"{ts_code}: no end after {MAX_PAGES} pages")

    def _page(self, ts_code: str, end: date | str, count: int, budget: float | None = None) -> KLine:
        """Fetch one page; repeat what may heal by itself as long as the budget lasts."""
        param = f"{to_symbol(ts_code)},day,,{end},{count},"
        left, delay = self.retry_budget if budget is None else budget, _FIRST_DELAY
        while True:
            if self.limiter is not None:
                self.limiter.acquire(API_NAME, self._endpoint.per_minute)
            began = time.monotonic()
            try:
                return read_kline(ts_code, self._get(ts_code, param))
            except (SourceUnavailable, MalformedAnswer) as error:
                wait = delay * random.uniform(0.5, 1.0)  # noqa: S311 - jitter
                left -= time.monotonic() - began + wait
                if left < 0:
                    raise
                self.log.warning("Tencent: %s; next attempt in %.1f s", error, wait)
            self._sleep(wait)
            delay = min(_LONGEST_DELAY, 2 * delay)

    def _get(self, ts_code: str, param: str) -> bytes:
        """Send one request and return the body of a 200."""
        endpoint = self._endpoint
        try:
            answer = self._session.get(
                endpoint.url + PATH, params={"param": param}, timeout=endpoint.timeouts, allow_redirects=False
            )
            trouble = "" if answer.status_code == 200 else f"HTTP {answer.status_code}"
        except requests.RequestException as error:
            trouble = type(error).__name__
        if not trouble:
            return answer.content
        message = f"{ts_code}: no answer from {endpoint.url} ({trouble})"
        if trouble in {f"HTTP {status}" for status in _BLOCKED}:
            raise RateLimited(message)
        raise SourceUnavailable(message)

    @cached_property
    def _session(self) -> requests.Session:
        session = requests.Session()
        # A .netrc entry must not put credentials on the request.
        session.auth = _no_auth
        return session

    @cached_property
    def _endpoint(self) -> KLineEndpoint:
        try:
            connection = self.get_connection(self.tencent_conn_id)
        except AirflowNotFoundException:
            raise ConfigurationError(
                f"connection {self.tencent_conn_id} is not defined; create one of type tencent, its extra the stocks"
            ) from None
        return read_kline_endpoint(connection)

    def close(self) -> None:
        """Close pooled connections; the hook may be used again."""
        session = self.__dict__.pop("_session", None)
        if session is not None:
            session.close()

    def test_connection(self) -> tuple[bool, str]:
        """Ask for the newest bar of the first stock, and say what came of it."""
        try:
            line = self._page(self.stocks[0], "", 1, budget=0.0)
        except (SourceError, ConfigurationError) as error:
            return False, str(error)
        newest = f"{line.rows[-1].session}" if line.rows else "none"
        return True, f"{self._endpoint.url} answers; the newest bar of {self.stocks[0]} is of {newest}"


def _no_auth(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def _unfinished(line: KLine) -> bool:
    """Say whether the last bar is of the quote's day, and the quote of a time when that day still traded."""
    at = line.quoted_at
    return at is not None and at.date() == line.rows[-1].session and at.time() < FINAL_AT


def _bar(ts_code: str, line: KLine, at: int) -> list[Any]:
    row = line.rows[at]
    opened, close, high, low, volume = row.values
    lots = volume * line.shares_per_unit / 100 if isinstance(volume, float) else volume
    pre_close, unreferenced = _reference(ts_code, line, at)
    return [ts_code, f"{row.session:%Y%m%d}", opened, high, low, close, pre_close, lots, unreferenced]


def _reference(ts_code: str, line: KLine, at: int) -> tuple[float | None, str | None]:
    """Return pre_close; or None, and why it cannot be known."""

    if at == 0:
        return None, "no bar before this one"
    row, before = line.rows[at], line.rows[at - 1].values[1]
    ex_rights = [parse_ex_right(*announced) for announced in row.announced]
    understood = [each for each in ex_rights if each is not None]
    if len(understood) < len(ex_rights):
        return None, f"ex-right not understood: {'; '.join(text for text, _ in row.announced)}"
    price = reference_price(before, understood) if isinstance(before, float) else None
    if price is None:
        return None, f"no reference after a close of {before}"
    seasoned = at >= EARLIER_ROWS - 1
    if seasoned and not within_widest_limit(ts_code, row.session, price, row.values[1:4]):
        return None, f"prices beyond the daily limit of {price}: an ex-right is missing or wrong"
    return price, None
