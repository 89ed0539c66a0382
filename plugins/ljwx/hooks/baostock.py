"""BaoStock behind an Airflow connection."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from ljwx.hooks.connections import require_connection
from ljwx.hooks.market_hook import MarketHook, Waits
from ljwx.sources.baostock.client import RETRY_SECONDS, BaostockClient
from ljwx.sources.baostock.endpoint import read_baostock_endpoint
from ljwx.sources.base import RateLimiter
from ljwx.sources.rows import Table

if TYPE_CHECKING:
    from typing_extensions import Unpack


class BaostockHook(MarketHook[BaostockClient]):
    """Asks BaoStock, or a server that speaks like it.

    Connection: of type `baostock`, under the id that a TuShare connection would have; nothing in it is needed. `host`
    (public-api.baostock.com), `port` (10030), an API key as `password`; extras `connect_timeout` and `read_timeout` in
    seconds (5 and 30) and `calls_per_minute` (120). The server bans addresses with several connections at a time, and
    a hook by itself does not know of others: use none while an ingest runs.

    Its arguments are those of ``MarketHook``.
    """

    conn_name_attr = "baostock_conn_id"
    conn_type = "baostock"
    hook_name = "BaoStock"
    retry_seconds = RETRY_SECONDS

    def __init__(
        self, baostock_conn_id: str = "tushare_default", limiter: RateLimiter | None = None, **waits: Unpack[Waits]
    ) -> None:
        super().__init__(baostock_conn_id, limiter, **waits)

    def _make_client(self) -> BaostockClient:
        endpoint = read_baostock_endpoint(require_connection(self.conn_id, "type baostock"))
        return BaostockClient(endpoint, self.limiter, sleep=self._sleep, retry_budget=self.retry_budget)

    def daily(self, day: date) -> Table:
        """Return the whole market's rows of a day, all values as texts."""
        return self.client.daily(day)
