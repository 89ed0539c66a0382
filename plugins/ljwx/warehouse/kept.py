"""Answers about stocks and calendar, kept until the next close: retries and other runs need not ask again."""

from __future__ import annotations

from datetime import datetime, time, timedelta, timezone

from ljwx.warehouse.base import WarehouseBase

SHANGHAI = timezone(timedelta(hours=8))
CLOSE = time(15)
"""After the close the lists of the day are out, with the stock that was listed that morning."""


class WarehouseKeeper:
    """Keeps a source's answers in `ljwx.kept_answers`.

    :param warehouse: holds them.
    """

    def __init__(self, warehouse: WarehouseBase) -> None:
        self._warehouse = warehouse

    def kept(self, query: str) -> str | None:
        """Return the answer to a query that came since the last close; None where none did."""
        found = self._warehouse.column("kept/answer", query=query, since=last_close(datetime.now(SHANGHAI)))
        return str(found[0]) if found else None

    def keep(self, query: str, answer: str) -> None:
        """Keep an answer to a query, in the place of an earlier one."""
        self._warehouse.execute("kept/keep", query=query, answer=answer)

    def forget(self, beginning: str) -> None:
        """Give up the answers to all queries that begin so."""
        self._warehouse.execute("kept/forget", beginning=beginning)


def last_close(now: datetime) -> datetime:
    """Return the last 15:00 in Shanghai that is not after a moment, on any day of the week."""
    here = now.astimezone(SHANGHAI)
    close = datetime.combine(here.date(), CLOSE, SHANGHAI)
    return close if close <= here else close - timedelta(days=1)
