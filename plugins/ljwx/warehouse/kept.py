"""Answers about stocks and calendar, kept until the next close: retries and other runs need not ask again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, time, timedelta, timezone

from ljwx.warehouse.base import PATIENT, WarehouseBase

SHANGHAI = timezone(timedelta(hours=8))
CLOSE = time(15)
"""After the close the lists of the day are out, with the stock that was listed that morning."""
PARTS = timedelta(days=5)
"""Four parts of a list, one each session, with a weekend between them."""
LOCK = "SELECT pg_advisory_xact_lock(hashtext('ljwx.kept_answers'), hashtext(%s))"


class WarehouseKeeper:
    """Keeps a source's answers in `ljwx.kept_answers`.

    :param warehouse: holds them.
    """

    def __init__(self, warehouse: WarehouseBase) -> None:
        self._warehouse = warehouse

    def kept(self, query: str) -> str | None:
        """Return the answer to a query that came since the last close, or is part of a list that is not whole yet."""
        now = datetime.now(SHANGHAI)
        found = self._warehouse.column("kept/answer", query=query, since=last_close(now), parts_since=now - PARTS)
        return str(found[0]) if found else None

    @contextmanager
    def asking(self, query: str) -> Iterator[None]:
        """Let one worker at a time look for a query's answer, ask, and keep it."""
        with self._warehouse.transaction() as guard:
            guard.execute(PATIENT)
            guard.execute(LOCK, (query,))
            yield

    def keep(self, query: str, answer: str) -> None:
        """Keep an answer to a query, in the place of an earlier one, as part of a list."""
        self._warehouse.execute("kept/keep", query=query, answer=answer)

    def settle(self, beginning: str) -> None:
        """Let the parts that answer queries which begin so be a whole list, good until the next close."""
        self._warehouse.execute("kept/settle", beginning=beginning, parts_since=datetime.now(SHANGHAI) - PARTS)

    def forget(self, beginning: str) -> None:
        """Give up the answers to all queries that begin so."""
        self._warehouse.execute("kept/forget", beginning=beginning)


def last_close(now: datetime) -> datetime:
    """Return the last 15:00 in Shanghai that is not after a moment, on any day of the week."""
    here = now.astimezone(SHANGHAI)
    close = datetime.combine(here.date(), CLOSE, SHANGHAI)
    return close if close <= here else close - timedelta(days=1)
