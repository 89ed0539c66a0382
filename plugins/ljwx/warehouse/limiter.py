"""A calls-per-minute limit, held by all worker processes together through one table."""

from __future__ import annotations

import logging
import time

from ljwx.warehouse.base import WarehouseBase, statement

log = logging.getLogger(__name__)

WINDOW_SECONDS = 62.0
"""A minute, and what a request may need to reach the server."""


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
                connection.execute(statement("rate_slots/add"), values)
                taken = connection.execute(statement("rate_slots/take"), values).fetchone()
                free = connection.execute(statement("rate_slots/next"), values).fetchone()
            if taken is not None:
                return
            wait = 0.05 if free is None else max(0.05, float(free["wait_seconds"] or 0.0))
            log.info("%s: the %d calls of this minute are used; waiting %.1f s", api_name, limit, wait)
            time.sleep(wait)
