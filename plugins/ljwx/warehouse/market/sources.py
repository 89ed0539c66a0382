"""What all workers share about a source: its answers until the next close, and the calls that a minute allows."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, time, timedelta, timezone
from time import sleep
from typing import Any

from psycopg import Connection
from psycopg.errors import LockNotAvailable

from ljwx.exceptions import SourceUnavailable
from ljwx.warehouse.base import PATIENT, WarehouseBase, statement

log = logging.getLogger(__name__)

SHANGHAI = timezone(timedelta(hours=8))
CLOSE = time(15)
"""After the close the lists of the day are out, with the stock that was listed that morning."""
PARTS = timedelta(days=5)
"""Four parts of a list, one each session, with a weekend between them."""
WINDOW_SECONDS = 62.0
"""A minute, and what a request may need to reach the server."""
LOCK = "SELECT pg_advisory_xact_lock(hashtext('ljwx.kept_answers'), hashtext(%s))"
TRY_LOCK = "SELECT pg_try_advisory_xact_lock(hashtext('ljwx.kept_answers'), hashtext(%s)) AS taken"
TURN_SECONDS = 900.0
"""How long a worker waits for its turn at a question: many fetch a month each before it, and a month takes a minute."""


class WarehouseKeeper:
    """Keeps a source's answers in `ljwx.kept_answers`: retries and other runs need not ask again.

    :param warehouse: holds them.
    :param patience: seconds that a turn at a question is waited for.
    """

    def __init__(self, warehouse: WarehouseBase, patience: float = TURN_SECONDS) -> None:
        self._warehouse = warehouse
        self._patience = patience

    def kept(self, query: str) -> str | None:
        """Return the answer to a query that came since the last close, or is part of a list that is not whole yet."""
        now = datetime.now(SHANGHAI)
        found = self._warehouse.column("sources/kept", query=query, since=last_close(now), parts_since=now - PARTS)
        return str(found[0]) if found else None

    @contextmanager
    def asking(self, query: str) -> Iterator[None]:
        """Let one worker at a time look for a query's answer, ask, and keep it.

        :raises SourceUnavailable: another worker has its turn for longer than is waited; the text says which.
        """
        with self._warehouse.transaction() as guard:
            guard.execute(PATIENT)
            free = guard.execute(TRY_LOCK, (query,)).fetchone()
            if free is None or not free["taken"]:
                self._wait_for_turn(guard, query)
            yield

    def _wait_for_turn(self, guard: Connection[dict[str, Any]], query: str) -> None:
        log.info("%s: waiting for %s, %g s at the most", query[:80], _holder(guard, query), self._patience)
        try:
            with guard.transaction():
                guard.execute("SELECT set_config('lock_timeout', %s, true)", (f"{self._patience * 1000:.0f}ms",))
                guard.execute(LOCK, (query,))
        except LockNotAvailable:
            raise SourceUnavailable(
                f"{query[:80]}: no turn in {self._patience:g} s, behind {_holder(guard, query)}; if nothing works "
                "there, end it with pg_terminate_backend"
            ) from None

    def keep(self, query: str, answer: str) -> None:
        """Keep an answer to a query, in the place of an earlier one, as part of a list."""
        self._warehouse.execute("sources/keep", query=query, answer=answer)

    def settle(self, beginning: str) -> None:
        """Let the parts that answer queries which begin so be a whole list, good until the next close."""
        self._warehouse.execute("sources/settle", beginning=beginning, parts_since=datetime.now(SHANGHAI) - PARTS)

    def forget(self, beginning: str) -> None:
        """Give up the answers to all queries that begin so."""
        self._warehouse.execute("sources/forget", beginning=beginning)


def _holder(guard: Connection[dict[str, Any]], query: str) -> str:
    """Say who has the turn at a question, as far as the role may see it."""
    found = guard.execute(statement("sources/holder"), {"query": query}).fetchone()
    if found is None:
        return "another worker"
    where = f" from {found['address']}" if found["address"] else ""
    since = f" since {found['since']:%Y-%m-%d %H:%M:%S %Z}" if found["since"] else ""
    return f"PostgreSQL's process {found['pid']}{where}{since}"


class WarehouseLimiter:
    """Lets a call pass when one of the minute's slots has not been used for a minute.

    :param warehouse: holds the slots, `ljwx.rate_slots`.
    :param scope: whose limit it is: the connection's id.
    """

    def __init__(self, warehouse: WarehouseBase, scope: str) -> None:
        self._warehouse = warehouse
        self._scope = scope

    def acquire(self, api_name: str, limit: int | None) -> None:
        """Return when one more call to the interface is allowed; at once when there is no limit.

        :param limit: calls a minute.
        """
        if limit is None:
            return
        values = {"scope": f"{self._scope}/{api_name}", "limit": limit, "window": WINDOW_SECONDS}
        while True:
            with self._warehouse.transaction() as connection:
                connection.execute(statement("sources/add_slots"), values)
                taken = connection.execute(statement("sources/take_slot"), values).fetchone()
                free = connection.execute(statement("sources/next_slot"), values).fetchone()
            if taken is not None:
                return
            wait = 0.05 if free is None else max(0.05, float(free["wait_seconds"] or 0.0))
            log.info("%s: the %d calls of this minute are used; waiting %.1f s", api_name, limit, wait)
            sleep(wait)


def last_close(now: datetime) -> datetime:
    """Return the last 15:00 in Shanghai that is not after a moment, on any day of the week."""
    here = now.astimezone(SHANGHAI)
    close = datetime.combine(here.date(), CLOSE, SHANGHAI)
    return close if close <= here else close - timedelta(days=1)
