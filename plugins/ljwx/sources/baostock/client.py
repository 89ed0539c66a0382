"""BaoStock over our own socket: time-outs, one connection at a time for all workers, repeats, typed errors.

The package's client waits for ever, spins when the server closes the connection, and prints its errors.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import date

from ljwx.exceptions import MalformedAnswer, SourceError
from ljwx.sources.baostock import wire
from ljwx.sources.baostock.endpoint import BaostockEndpoint
from ljwx.sources.baostock.line import ANYBODY, Line
from ljwx.sources.base import AnswerKeeper, RateLimiter
from ljwx.sources.rows import Table
from ljwx.sources.transport import Retries

log = logging.getLogger(__name__)

RETRY_SECONDS = 20.0
"""Within which a request may be repeated: a server that bans addresses is not asked many times."""
MAX_PAGES = 50
LIMITED = "baostock"
"""What the limit of calls is of: all queries together, and logins."""


class BaostockClient:
    """Asks BaoStock, or a server that speaks like it.

    :param limiter: asked before each request; None: no limit is held.
    :param sleep: waits between attempts.
    :param retry_budget: seconds within which the requests of a query may be repeated after trouble on the way.
    """

    def __init__(
        self,
        endpoint: BaostockEndpoint,
        limiter: RateLimiter | None = None,
        *,
        sleep: Callable[[float], None] = time.sleep,
        retry_budget: float = RETRY_SECONDS,
    ) -> None:
        self.endpoint = endpoint
        self.keeper: AnswerKeeper | None = None
        self._limiter = limiter
        self._sleep = sleep
        self._retry_budget = retry_budget
        self._line: Line | None = None
        self._open = False

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Let the queries of a block share one connection, while no other worker has one.

        The server bans addresses that have several connections at a time. A block in a block is part of it.
        """
        if self._open:
            yield
            return
        with self._turn():
            self._open = True
            try:
                yield
            finally:
                self._open = False
                self.close()

    def _turn(self) -> AbstractContextManager[None]:
        """Wait until no other worker has a connection; without a keeper there is no other worker."""
        return nullcontext() if self.keeper is None else self.keeper.asking(f"{self.endpoint.place} connection")

    def daily(self, day: date) -> Table:
        """Return the whole market's rows of a day; none where it is not out yet, or the exchange was closed."""
        return self._asked(wire.DAILY, day.isoformat())

    def levels(self, code: str, first: date, last: date) -> Table:
        """Return an index's rows of a range, the oldest first: k-lines of days that nothing adjusts."""
        columns = ",".join(wire.LEVELS.columns)
        return self._asked(wire.LEVELS, code, columns, first.isoformat(), last.isoformat(), "d", "3")

    def trade_dates(self, first: date, last: date) -> Table:
        """Return the calendar days of a range."""
        return self._kept(wire.TRADE_DATES, first.isoformat(), last.isoformat())

    def stock_basic(self) -> Table:
        """Return all securities, those delisted and those that are no stocks too."""
        return self._kept(wire.STOCK_BASIC, "", "")

    def industries(self) -> Table:
        """Return today's industry of each stock."""
        return self._kept(wire.INDUSTRIES, "", "")

    def forget(self, query: wire.Query) -> None:
        """Give up what is kept of a query: it cannot be used."""
        if self.keeper is not None:
            self.keeper.forget(f"{self.endpoint.place} {query.name} ")

    def _kept(self, query: wire.Query, *values: str) -> Table:
        """Take a list that is kept, or else ask for it and keep it, in this worker's turn."""
        if self.keeper is None:
            return self._asked(query, *values)
        name = f"{self.endpoint.place} {query.name} {json.dumps(values)}"
        kept = self.keeper.kept(name)
        if kept is None:
            with self.alone():
                kept = self.keeper.kept(name)
                if kept is None:
                    table = self._asked(query, *values)
                    self.keeper.keep(name, json.dumps(table.rows, ensure_ascii=False))
                    self.keeper.settle(name)
                    return table
        return Table(query.taken, json.loads(kept), query.name)

    def _asked(self, query: wire.Query, *values: str) -> Table:
        """Return all rows of a query, page after page."""
        retries, rows = Retries(self._retry_budget, self._sleep), list[list[str | None]]()
        with self.alone():
            for page in range(1, MAX_PAGES + 1):
                sent = (str(page), str(wire.PAGE_ROWS), *values) if query.paged else values
                came = self._page(query, retries, *sent).rows
                if came and came == rows[-len(came) :]:
                    raise MalformedAnswer(f"{query.name}: page {page} repeats the one before")
                rows += came
                if not query.paged or len(came) < wire.PAGE_ROWS:
                    log.info("BaoStock %s: %d rows", query.name, len(rows))
                    return Table(query.taken, rows, query.name)
        raise MalformedAnswer(f"{query.name}: no end after {MAX_PAGES} pages")

    def _page(self, query: wire.Query, retries: Retries, *values: str) -> Table:
        """Return one answer; after trouble ask again on a new connection, as long as the budget lasts."""

        def attempt() -> Table:
            try:
                parts = self._logged_in().ask(query.name, query.kind, query.answer, query.name, ANYBODY, *values)
                return wire.read_table(query, parts)
            except SourceError:
                self._drop()
                raise

        return retries.call(attempt, before=self._wait_for_limit)

    def _logged_in(self) -> Line:
        if self._line is None:
            self._line = Line(self.endpoint)
        return self._line

    def _wait_for_limit(self) -> None:
        """Wait until a request may be sent, and the login before it where there is no connection."""
        if self._limiter is not None:
            for _ in range(1 if self._line else 2):
                self._limiter.acquire(LIMITED, self.endpoint.per_minute)

    def test(self) -> tuple[bool, str]:
        """Log in and ask for one day of the calendar, once, and say what came of it."""
        day = "2024-01-02"
        try:
            with self.alone():
                self._page(wire.TRADE_DATES, Retries(0.0), "1", str(wire.PAGE_ROWS), day, day)
        except SourceError as error:
            return False, str(error)
        return True, f"BaoStock answers at {self.endpoint.place}"

    def close(self) -> None:
        """Log out; the client may be used again."""
        line, self._line = self._line, None
        if line is not None:
            line.leave()

    def _drop(self) -> None:
        line, self._line = self._line, None
        if line is not None:
            line.drop()
