"""TuShare over our own transport: every answer is checked, every error classified, the token kept to itself.

The package's client loses data on a 5xx, ignores `has_more`, and posts the token whenever an attribute is probed; so
the wire is spoken here.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ljwx.exceptions import BadQuery, MalformedAnswer, RateLimited, SourceError
from ljwx.sources.base import AnswerKeeper, RateLimiter
from ljwx.sources.rows import Table
from ljwx.sources.transport import RETRY_SECONDS, Retries, Transport
from ljwx.sources.tushare.endpoint import Endpoint
from ljwx.sources.tushare.interfaces import TushareInterfaces
from ljwx.sources.tushare.wire import Page, read_page

log = logging.getLogger(__name__)

MAX_PAGES = 1000
REFERENCE = frozenset({"stock_basic", "trade_cal", "namechange", "bse_mapping"})
"""Interfaces whose answers are good for a day. A small token has them once an hour."""


class TushareClient(TushareInterfaces):
    """Calls TuShare Pro, or anything that speaks its wire.

    :param limiter: asked before each request; None: no limit is held.
    :param sleep: waits between attempts.
    :param retry_budget: seconds within which the requests of a query may be repeated after trouble on the way.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        limiter: RateLimiter | None = None,
        *,
        sleep: Callable[[float], None] = time.sleep,
        retry_budget: float = RETRY_SECONDS,
    ) -> None:
        self.endpoint = endpoint
        self.keeper: AnswerKeeper | None = None
        self._limiter = limiter
        self._retry_budget = retry_budget
        self._sleep = sleep
        self._transport = Transport(endpoint.address)

    def fetch(self, api_name: str, fields: tuple[str, ...], params: Mapping[str, Any]) -> Table:
        """Return all rows of a query, page after page."""
        pages = list(self._pages(api_name, fields, params))
        rows = [row for page in pages for row in page.rows]
        log.info("TuShare %s: %d rows", api_name, len(rows))
        return Table(pages[0].fields, rows, api_name)

    def _pages(self, api_name: str, fields: tuple[str, ...], params: Mapping[str, Any]) -> Iterator[Page]:
        given = {name: value for name, value in params.items() if value is not None and value != ""}
        offset, previous = _offset(api_name, given), None
        retries = Retries(self._retry_budget, self._sleep)
        for _ in range(MAX_PAGES):
            wanted = {**given, "offset": offset} if offset else given
            page = self._page(api_name, fields, wanted, retries)
            if page.rows and page == previous:
                raise MalformedAnswer(f"{api_name}: the page at offset {offset} repeats the one before")
            yield page
            if not page.has_more or "limit" in given:
                return
            offset, previous = offset + len(page.rows), page
        raise MalformedAnswer(f"{api_name}: no end after {MAX_PAGES} pages")

    def settle(self, api_name: str) -> None:
        """Let what is kept of an interface be whole: its list came to the end."""
        if self.keeper is not None and api_name in REFERENCE:
            self.keeper.settle(f"{self.endpoint.url} {api_name} ")

    def forget(self, api_name: str) -> None:
        """Give up what is kept of an interface: it cannot be used."""
        if self.keeper is not None:
            self.keeper.forget(f"{self.endpoint.url} {api_name} ")

    def _page(self, api_name: str, fields: tuple[str, ...], params: Mapping[str, Any], retries: Retries) -> Page:
        """Take a page of reference data that is kept, or else ask for it and keep it, one worker at a time."""
        if self.keeper is None or api_name not in REFERENCE:
            return self._asked(api_name, fields, params, retries)
        query = f"{self.endpoint.url} {api_name} {json.dumps([fields, dict(sorted(params.items()))], default=str)}"
        kept = self.keeper.kept(query)
        if kept is None:
            with self.keeper.asking(query):
                kept = self.keeper.kept(query)
                if kept is None:
                    page = self._asked(api_name, fields, params, retries)
                    self.keeper.keep(query, page.as_text())
                    return page
        return Page.of_text(kept)

    def _asked(self, api_name: str, fields: tuple[str, ...], params: Mapping[str, Any], retries: Retries) -> Page:
        """Fetch a page; repeat what may heal by itself as long as the budget lasts."""
        query = {
            "api_name": api_name, "token": self.endpoint.token, "params": dict(params), "fields": ",".join(fields),
        }  # fmt: skip

        def attempt() -> Page:
            body = self._transport.body("POST", "/", api_name, retries.left, json=query)
            return read_page(api_name, body, fields, self.endpoint.token)

        return retries.call(attempt, before=lambda: self._wait_for_limit(api_name))

    def _wait_for_limit(self, api_name: str) -> None:
        if self._limiter is not None:
            self._limiter.acquire(api_name, self.endpoint.limit(api_name))

    def test(self) -> tuple[bool, str]:
        """Ask for one bar, which every tier may, and say what came of it."""
        try:
            self._page("daily", ("ts_code",), {"ts_code": "000001.SZ", "limit": 1}, Retries(0.0))
        except RateLimited as error:
            return True, f"The token is known; its limit is used up for now: {error}"
        except SourceError as error:
            return False, str(error)
        return True, f"TuShare answers at {self.endpoint.url}{self.endpoint.address.route}"

    def close(self) -> None:
        """Close pooled connections; the client may be used again."""
        self._transport.close()


def _offset(api_name: str, params: Mapping[str, Any]) -> int:
    try:
        return int(params.get("offset", 0))
    except (TypeError, ValueError):
        raise BadQuery(f"{api_name}: offset must be a number, not {params['offset']!r}") from None
