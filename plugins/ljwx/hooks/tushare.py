"""TuShare Pro behind an Airflow connection."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ljwx.hooks.connections import require_connection
from ljwx.hooks.market_hook import MarketHook, Waits
from ljwx.hooks.tushare_api import TushareApi
from ljwx.sources.base import RateLimiter
from ljwx.sources.rows import Table
from ljwx.sources.tushare.client import TushareClient
from ljwx.sources.tushare.endpoint import read_endpoint
from ljwx.sources.tushare.interfaces import TushareInterfaces

if TYPE_CHECKING:
    from typing_extensions import Unpack


class TushareHook(TushareInterfaces, MarketHook[TushareClient]):
    """Calls TuShare Pro, or anything that speaks its wire; the verbs are those of ``TushareInterfaces``.

    Connection: the token in `password`; `host` (api.tushare.pro), `schema` (https), `port`; extras `connect_timeout`
    and `read_timeout` in seconds (5 and 30) and `calls_per_minute`. A `generic` connection serves as well.

    Its arguments are those of ``MarketHook``.
    """

    conn_name_attr = "tushare_conn_id"
    conn_type = "tushare"
    hook_name = "TuShare"

    def __init__(
        self, tushare_conn_id: str = "tushare_default", limiter: RateLimiter | None = None, **waits: Unpack[Waits]
    ) -> None:
        super().__init__(tushare_conn_id, limiter, **waits)

    def _make_client(self) -> TushareClient:
        endpoint = read_endpoint(require_connection(self.conn_id, "type tushare, its password the token"))
        return TushareClient(endpoint, self.limiter, sleep=self._sleep, retry_budget=self.retry_budget)

    def fetch(self, api_name: str, fields: tuple[str, ...], params: Mapping[str, Any]) -> Table:
        """Return all rows of a query, page after page."""
        return self.client.fetch(api_name, fields, params)

    def get_conn(self) -> TushareApi:
        """Return an object that code written for ``tushare.pro_api()`` can use."""
        return TushareApi(self)
