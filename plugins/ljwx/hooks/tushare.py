"""TuShare Pro over our own transport: every answer is checked, every error classified, the token kept to itself.

The package's client loses data on a 5xx, ignores `has_more`, and posts the token whenever an attribute is probed; so
the wire is spoken here, and `get_conn` lends SDK code an object of the same shape.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import requests
from airflow.sdk import BaseHook
from airflow.sdk.exceptions import AirflowNotFoundException
from urllib3.exceptions import HTTPError, ReadTimeoutError

from ljwx.exceptions import (
    BadQuery,
    ConfigurationError,
    MalformedAnswer,
    RateLimited,
    SourceError,
    SourceUnavailable,
)
from ljwx.sources.tushare.endpoint import Endpoint, read_endpoint
from ljwx.sources.tushare.wire import Page, Table, classify, read_page

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["RateLimiter", "Table", "TushareApi", "TushareHook", "classify"]

LIST_STATES = ("L", "D", "P", "G")
MAX_PAGES = 1000
PART_BYTES = 65_536
_FIRST_DELAY, _LONGEST_DELAY = 0.5, 8.0

DAILY = (
    "ts_code", "trade_date", "open", "high", "low", "close", "pre_close", "change", "pct_chg", "vol", "amount",
    "ah_vol", "ah_amount",
)  # fmt: skip
ADJ_FACTOR = ("ts_code", "trade_date", "adj_factor")
STK_LIMIT = ("trade_date", "ts_code", "up_limit", "down_limit")
SUSPEND = ("ts_code", "trade_date", "suspend_timing", "suspend_type")
INDEX_WEIGHT = ("index_code", "con_code", "trade_date", "weight")
TRADE_CAL = ("exchange", "cal_date", "is_open", "pretrade_date")
NAMES = ("ts_code", "name", "start_date", "end_date", "ann_date", "change_reason")
STOCKS = (
    "ts_code", "symbol", "name", "area", "industry", "market", "exchange", "list_status", "list_date", "delist_date",
    "is_hs",
)  # fmt: skip


class RateLimiter(Protocol):
    """Holds a tier's per-minute limit across worker processes."""

    def acquire(self, api_name: str, limit: int | None) -> None:
        """Return when one more call to the interface is allowed.

        :param limit: calls a minute; None when neither the connection nor TuShare states one.
        """


class _Retries:
    """The seconds that trouble may cost in one query, all pages together."""

    def __init__(self, budget: float) -> None:
        self.left = budget
        self._failures = 0

    def delay_after(self, spent: float) -> float | None:
        """Return how long to wait after an attempt that failed in `spent` seconds; None when the budget is used up."""
        delay = min(_LONGEST_DELAY, _FIRST_DELAY * 2**self._failures) * random.uniform(0.5, 1.0)  # noqa: S311 - jitter
        self._failures += 1
        self.left -= spent + delay
        return delay if self.left >= 0 else None


class TushareHook(BaseHook):
    """Calls TuShare Pro, or anything that speaks its wire.

    Connection: the token in `password`; `host` (api.tushare.pro), `schema` (https), `port`; extras `connect_timeout`
    and `read_timeout` in seconds (5 and 30) and `calls_per_minute`. A `generic` connection serves as well.

    :param limiter: asked before each request; None asks nobody.
    :param sleep: waits between attempts.
    :param retry_budget: seconds within which an attempt may be repeated after trouble on the way.
    """

    conn_name_attr = "tushare_conn_id"
    default_conn_name = "tushare_default"
    conn_type = "tushare"
    hook_name = "TuShare"

    def __init__(
        self,
        tushare_conn_id: str = default_conn_name,
        limiter: RateLimiter | None = None,
        *,
        sleep: Callable[[float], None] = time.sleep,
        retry_budget: float = 60.0,
    ) -> None:
        super().__init__()
        self.tushare_conn_id = tushare_conn_id
        self.limiter = limiter
        self.retry_budget = retry_budget
        self._sleep = sleep

    def __repr__(self) -> str:
        return f"TushareHook(tushare_conn_id={self.tushare_conn_id!r})"

    def __getstate__(self) -> dict[str, Any]:
        state = dict(self.__dict__)
        # The endpoint holds the token; a session and a bound logger do not travel.
        for name in ("_endpoint", "_session", "_log"):
            state.pop(name, None)
        return state

    # -- verbs: one per interface, each naming the columns it wants --

    def daily(self, trade_date: str = "", **params: Any) -> Table:
        """Return raw bars of a session (YYYYMMDD): prices in CNY, vol in lots of 100, amount in thousand CNY."""
        return self.query("daily", fields=DAILY, trade_date=trade_date, **params)

    def adj_factor(self, trade_date: str = "", **params: Any) -> Table:
        """Return adjustment factors of a session."""
        return self.query("adj_factor", fields=ADJ_FACTOR, trade_date=trade_date, **params)

    def stk_limit(self, trade_date: str = "", **params: Any) -> Table:
        """Return limit prices of a session."""
        return self.query("stk_limit", fields=STK_LIMIT, trade_date=trade_date, **params)

    def suspend_d(self, trade_date: str = "", **params: Any) -> Table:
        """Return suspensions (S) and resumptions (R) of a session; `suspend_timing` is null for a whole day."""
        return self.query("suspend_d", fields=SUSPEND, trade_date=trade_date, **params)

    def trade_cal(self, start: str, end: str, exchange: str = "SSE") -> Table:
        """Return the calendar from `start` to `end` (YYYYMMDD), closed days included."""
        return self.query("trade_cal", fields=TRADE_CAL, exchange=exchange, start_date=start, end_date=end)

    def stock_basic(self) -> Table:
        """Return instruments in every list state, one query each: the default hides the delisted."""
        parts = [self.query("stock_basic", fields=STOCKS, list_status=state) for state in LIST_STATES]
        return Table(STOCKS, [row for part in parts for row in part.rows], "stock_basic")

    def namechange(self, **params: Any) -> Table:
        """Return names and their periods; periods under special treatment may come twice."""
        return self.query("namechange", fields=NAMES, **params)

    def index_weight(self, index_code: str, start: str, end: str, **params: Any) -> Table:
        """Return an index's lists of members from `start` to `end` (YYYYMMDD); weights in per cent.

        TuShare documents a list a month, and no cap of rows: what it cuts is fetched page by page. Users report months
        with a list each day and months without one. An index that it does not know has no rows.
        """
        asked = {"index_code": index_code, "start_date": start, "end_date": end, **params}
        return self.query("index_weight", fields=INDEX_WEIGHT, **asked)

    def query(self, api_name: str, *, fields: Sequence[str], **params: Any) -> Table:
        """Return all rows of a query, page after page; with `limit` among the params, one page.

        :raises BadToken, NoPermission, BadQuery, RateLimited: as the server says.
        :raises SourceUnavailable, MalformedAnswer: still so after the retry budget is spent.
        """
        if not fields:
            raise BadQuery(f"{api_name}: name the fields wanted")
        return self.fetch(api_name, tuple(fields), params)

    def fetch(self, api_name: str, fields: tuple[str, ...], params: Mapping[str, Any]) -> Table:
        """Do what `query` does; with no fields, in the interface's default columns."""
        pages = list(self._pages(api_name, fields, params))
        rows = [row for page in pages for row in page.rows]
        self.log.info("TuShare %s: %d rows", api_name, len(rows))
        return Table(pages[0].fields, rows, api_name)

    def _pages(self, api_name: str, fields: tuple[str, ...], params: Mapping[str, Any]) -> Iterator[Page]:
        given = {name: value for name, value in params.items() if value is not None and value != ""}
        offset, before = _offset(api_name, given), None
        retries = _Retries(self.retry_budget)
        for _ in range(MAX_PAGES):
            asked = {**given, "offset": offset} if offset else given
            page = self._page(api_name, fields, asked, retries)
            if page.rows and page == before:
                raise MalformedAnswer(f"{api_name}: the page at offset {offset} repeats the one before")
            yield page
            if not page.has_more or "limit" in given:
                return
            offset, before = offset + len(page.rows), page
        raise MalformedAnswer(f"{api_name}: no end after {MAX_PAGES} pages")

    def _page(self, api_name: str, fields: tuple[str, ...], params: Mapping[str, Any], retries: _Retries) -> Page:
        """Fetch a page; repeat what may heal by itself as long as the budget lasts."""
        while True:
            if self.limiter is not None:
                self.limiter.acquire(api_name, self._endpoint.limit(api_name))
            began = time.monotonic()
            try:
                body = self._post(api_name, fields, params, retries.left)
                return read_page(api_name, body, fields, self._endpoint.token)
            except (SourceUnavailable, MalformedAnswer) as error:
                delay = retries.delay_after(time.monotonic() - began)
                if delay is None:
                    raise
                self.log.warning("TuShare: %s; next attempt in %.1f s", error, delay)
            self._sleep(delay)

    def _post(self, api_name: str, fields: Sequence[str], params: Mapping[str, Any], seconds: float) -> bytes:
        """Send one request and return the body of a 200.

        What requests raises holds the request, and so the token: only its class's name leaves this method.

        :param seconds: for the whole answer, but at least as many as one read may take.
        """
        endpoint = self._endpoint
        deadline = time.monotonic() + max(seconds, endpoint.timeouts[1])
        asked = {"api_name": api_name, "token": endpoint.token, "params": dict(params), "fields": ",".join(fields)}
        try:
            with self._session.post(
                endpoint.url, json=asked, timeout=endpoint.timeouts, allow_redirects=False, stream=True
            ) as answer:
                if answer.status_code == 200:
                    return _body(answer, deadline)
                trouble = f"HTTP {answer.status_code}"
        except (requests.RequestException, HTTPError) as error:
            trouble = _describe(error)
        raise SourceUnavailable(f"{api_name}: no answer from {endpoint.url} ({trouble})")

    @cached_property
    def _session(self) -> requests.Session:
        session = requests.Session()
        # A .netrc entry must not put credentials of its own on the request.
        session.auth = _no_auth
        return session

    @cached_property
    def _endpoint(self) -> Endpoint:
        try:
            connection = self.get_connection(self.tushare_conn_id)
        except AirflowNotFoundException:
            raise ConfigurationError(
                f"connection {self.tushare_conn_id} is not defined; create one of type tushare, its password the token"
            ) from None
        return read_endpoint(connection)

    def close(self) -> None:
        """Close pooled connections; the hook may be used again."""
        session = self.__dict__.pop("_session", None)
        if session is not None:
            session.close()

    def get_conn(self) -> TushareApi:
        """Return an object that code written for ``tushare.pro_api()`` can use."""
        return TushareApi(self)

    def test_connection(self) -> tuple[bool, str]:
        """Ask for one bar, which every tier may, and say what came of it."""
        try:
            self._page("daily", ("ts_code",), {"ts_code": "000001.SZ", "limit": 1}, _Retries(0.0))
        except RateLimited as error:
            return True, f"The token is known; its limit is used up for now: {error}"
        except (SourceError, ConfigurationError) as error:
            return False, str(error)
        return True, f"TuShare answers at {self._endpoint.url}"


def _offset(api_name: str, params: Mapping[str, Any]) -> int:
    try:
        return int(params.get("offset", 0))
    except (TypeError, ValueError):
        raise BadQuery(f"{api_name}: offset must be a number, not {params['offset']!r}") from None


def _no_auth(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def _body(answer: requests.Response, deadline: float) -> bytes:
    """Read an answer to its end: the time-out of a read begins anew with each byte that a slow server lets through.

    :param deadline: of the monotonic clock.
    """
    parts = []
    while part := answer.raw.read1(PART_BYTES, decode_content=True):
        if time.monotonic() > deadline:
            raise requests.ReadTimeout
        parts.append(part)
    return b"".join(parts)


def _describe(error: Exception) -> str:
    """Name a failure by its class alone."""
    if isinstance(error, requests.ConnectTimeout):
        return "connect time-out"
    if isinstance(error, requests.ReadTimeout | ReadTimeoutError):
        return "read time-out"
    return type(error).__name__


class TushareApi:
    """What ``tushare.pro_api()`` returns, over the hook: ``api.daily(trade_date=…)`` gives a pandas DataFrame.

    Probing for dunder or private attributes sends nothing. It holds the hook and not the token, so copying or pickling
    it gives nothing away.
    """

    def __init__(self, hook: TushareHook) -> None:
        self._hook = hook

    def __repr__(self) -> str:
        return f"TushareApi({self._hook!r})"

    def query(self, api_name: str, fields: str = "", **params: Any) -> pd.DataFrame:
        """Return a DataFrame; with no `fields` the interface's default columns."""
        names = tuple(name.strip() for name in fields.split(",") if name.strip())
        return self._hook.fetch(api_name, names, params).to_pandas()

    def __getattr__(self, name: str) -> Callable[..., pd.DataFrame]:
        if name.startswith("_"):
            raise AttributeError(name)

        def call(fields: str = "", **params: Any) -> pd.DataFrame:
            return self.query(name, fields, **params)

        return call
