"""Tencent's k-lines behind an Airflow connection."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import date
from functools import cached_property

from airflow.sdk import BaseHook

from ljwx.exceptions import ConfigurationError
from ljwx.hooks.connections import require_connection
from ljwx.sources.base import RateLimiter
from ljwx.sources.rows import Table
from ljwx.sources.tencent.client import TencentClient
from ljwx.sources.tencent.endpoint import read_kline_endpoint
from ljwx.sources.transport import RETRY_SECONDS


class TencentHook(BaseHook):
    """Calls the k-line endpoint, or a server that speaks like it.

    Connection: of type `tencent`, under the id that a TuShare connection would have; `host` (web.ifzq.gtimg.cn),
    `schema` (https), `port`; extras `stocks` (the codes to fetch), `connect_timeout` and `read_timeout` in seconds
    (5 and 30) and `calls_per_minute` (120, our own choice: no limit is known).

    :param limiter: asked before each request; None: no limit is held.
    :param sleep: waits between attempts.
    :param retry_budget: seconds within which a request may be repeated after trouble on the way.
    """

    conn_name_attr = "tencent_conn_id"
    default_conn_name = "tushare_default"
    conn_type = "tencent"
    hook_name = "Tencent k-lines"

    def __init__(
        self,
        tencent_conn_id: str = default_conn_name,
        limiter: RateLimiter | None = None,
        *,
        sleep: Callable[[float], None] = time.sleep,
        retry_budget: float = RETRY_SECONDS,
    ) -> None:
        super().__init__()
        self.tencent_conn_id = tencent_conn_id
        self.limiter = limiter
        self.retry_budget = retry_budget
        self._sleep = sleep

    @cached_property
    def client(self) -> TencentClient:
        """The client of the connection.

        :raises ConfigurationError: the connection is not there, or wrong.
        """
        connection = require_connection(self.tencent_conn_id, "type tencent, its extra the stocks")
        endpoint = read_kline_endpoint(connection)
        return TencentClient(endpoint, self.limiter, sleep=self._sleep, retry_budget=self.retry_budget)

    @property
    def stocks(self) -> tuple[str, ...]:
        """The stocks that the connection names."""
        return self.client.endpoint.stocks

    def daily(self, start: date, end: date) -> Table:
        """Return the bars of all stocks from `start` to `end`, stock by stock in time order."""
        return self.client.daily(start, end)

    def close(self) -> None:
        """Close pooled connections; the hook may be used again."""
        if "client" in self.__dict__:
            self.client.close()

    def test_connection(self) -> tuple[bool, str]:
        """Ask for the newest bar of the first stock, and say what came of it."""
        try:
            return self.client.test()
        except ConfigurationError as error:
            return False, str(error)
