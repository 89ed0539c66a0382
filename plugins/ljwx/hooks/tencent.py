"""Tencent's k-lines behind an Airflow connection."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from ljwx.hooks.connections import require_connection
from ljwx.hooks.market_hook import MarketHook, Waits
from ljwx.sources.base import RateLimiter
from ljwx.sources.rows import Table
from ljwx.sources.tencent.client import TencentClient
from ljwx.sources.tencent.endpoint import read_kline_endpoint

if TYPE_CHECKING:
    from typing_extensions import Unpack


class TencentHook(MarketHook[TencentClient]):
    """Calls the k-line endpoint, or a server that speaks like it.

    Connection: of type `tencent`, under the id that a TuShare connection would have; `host` (web.ifzq.gtimg.cn),
    `schema` (https), `port`; extras `stocks` (the codes to fetch), `connect_timeout` and `read_timeout` in seconds
    (5 and 30) and `calls_per_minute` (120, our own choice: no limit is known).

    Its arguments are those of ``MarketHook``.
    """

    conn_name_attr = "tencent_conn_id"
    conn_type = "tencent"
    hook_name = "Tencent k-lines"

    def __init__(
        self, tencent_conn_id: str = "tushare_default", limiter: RateLimiter | None = None, **waits: Unpack[Waits]
    ) -> None:
        super().__init__(tencent_conn_id, limiter, **waits)

    def _make_client(self) -> TencentClient:
        connection = require_connection(self.conn_id, "type tencent, its extra the stocks")
        endpoint = read_kline_endpoint(connection)
        return TencentClient(endpoint, self.limiter, sleep=self._sleep, retry_budget=self.retry_budget)

    @property
    def stocks(self) -> tuple[str, ...]:
        """The stocks that the connection names."""
        return self.client.endpoint.stocks

    def daily(self, start: date, end: date) -> Table:
        """Return the bars of all stocks from `start` to `end`, stock by stock in time order."""
        return self.client.daily(start, end)
