"""TuShare Pro behind an Airflow connection."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

from airflow.sdk import BaseHook

from ljwx.exceptions import ConfigurationError
from ljwx.hooks.connections import require_connection
from ljwx.hooks.tushare_api import TushareApi
from ljwx.sources.base import RateLimiter
from ljwx.sources.rows import Table
from ljwx.sources.transport import RETRY_SECONDS
from ljwx.sources.tushare.client import TushareClient
from ljwx.sources.tushare.endpoint import read_endpoint
from ljwx.sources.tushare.interfaces import TushareInterfaces


class TushareHook(TushareInterfaces, BaseHook):
    """Calls TuShare Pro, or anything that speaks its wire; the verbs are those of ``TushareInterfaces``.

    Connection: the token in `password`; `host` (api.tushare.pro), `schema` (https), `port`; extras `connect_timeout`
    and `read_timeout` in seconds (5 and 30) and `calls_per_minute`. A `generic` connection serves as well.

    :param limiter: asked before each request; None: no limit is held.
    :param sleep: waits between attempts.
    :param retry_budget: seconds within which an attempt may be repeated after trouble on the way.
    """

    conn_name_attr = "tushare_conn_id"
    default_conn_name = "tushare_default"
    conn_type = "tushare"
    hook_name = "TuShare"

    def __init__(
        self,
        tushare_conn_id: str = default_conn_name,
        limiter: RateLimiter | None = None,
        *,
        sleep: Callable[[float], None] = time.sleep,
        retry_budget: float = RETRY_SECONDS,
    ) -> None:
        super().__init__()
        self.tushare_conn_id = tushare_conn_id
        self.limiter = limiter
        self.retry_budget = retry_budget
        self._sleep = sleep

    def __repr__(self) -> str:
        return f"TushareHook(tushare_conn_id={self.tushare_conn_id!r})"

    def __getstate__(self) -> dict[str, Any]:
        state = dict(self.__dict__)
        # The client holds the token and a session; neither they nor a bound logger travel.
        for name in ("client", "_log"):
            state.pop(name, None)
        return state

    @cached_property
    def client(self) -> TushareClient:
        """The client of the connection.

        :raises ConfigurationError: the connection is not there, or wrong.
        """
        endpoint = read_endpoint(require_connection(self.tushare_conn_id, "type tushare, its password the token"))
        return TushareClient(endpoint, self.limiter, sleep=self._sleep, retry_budget=self.retry_budget)

    def fetch(self, api_name: str, fields: tuple[str, ...], params: Mapping[str, Any]) -> Table:
        """Return all rows of a query, page after page."""
        return self.client.fetch(api_name, fields, params)

    def get_conn(self) -> TushareApi:
        """Return an object that code written for ``tushare.pro_api()`` can use."""
        return TushareApi(self)

    def close(self) -> None:
        """Close pooled connections; the hook may be used again."""
        if "client" in self.__dict__:
            self.client.close()

    def test_connection(self) -> tuple[bool, str]:
        """Ask for one bar, which every tier may, and say what came of it."""
        try:
            return self.client.test()
        except ConfigurationError as error:
            return False, str(error)
