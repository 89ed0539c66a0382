"""Watchlists: the stocks that somebody looks at."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from psycopg.rows import scalar_row

from ljwx.warehouse.base import WarehouseBase, statement

LOCK = "SELECT pg_advisory_xact_lock(hashtext('ljwx.watchlists'), hashtext(%(kind)s || ' ' || %(owner)s))"
"""Two who change one list do so one after the other."""


@dataclass(frozen=True)
class Owner:
    """Whose a watchlist is.

    :param name: of a token; of a user of Airflow, the id.
    """

    kind: Literal["token", "user"]
    name: str


class WatchlistsVerbs(WarehouseBase):
    """Verbs of watchlists."""

    def watchlist(self, owner: Owner) -> list[str]:
        """Return somebody's stocks in their order; none of who has no list."""
        return self.column("watchlists/all", kind=owner.kind, owner=owner.name)

    def change_watchlist(self, owner: Owner, change: Callable[[list[str]], Sequence[str]]) -> list[str]:
        """Let somebody's stocks be what `change` makes of those that are there, all of it or nothing; return them."""
        key = {"kind": owner.kind, "owner": owner.name}
        with self.transaction() as connection:
            connection.execute(LOCK, key)
            with connection.cursor(row_factory=scalar_row) as cursor:
                codes = list(change(cursor.execute(statement("watchlists/all"), key).fetchall()))
            connection.execute(statement("watchlists/clear"), key)
            rows = [{**key, "ts_code": code, "place": place} for place, code in enumerate(codes)]
            connection.cursor().executemany(statement("watchlists/add"), rows)
        return codes
