"""BaoStock behind an Airflow connection."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import date
from functools import cached_property
from typing import Any

from airflow.sdk import BaseHook

from ljwx.exceptions import ConfigurationError
from ljwx.hooks.connections import require_connection
from ljwx.sources.baostock.client import RETRY_SECONDS, BaostockClient
from ljwx.sources.baostock.endpoint import read_baostock_endpoint
from ljwx.sources.base import RateLimiter
from ljwx.sources.rows import Table


class BaostockHook(BaseHook):
    """Asks BaoStock, or a server that speaks like it.

    Connection: of type `baostock`, under the id that a TuShare connection would have; nothing in it is needed. `host`
    (public-api.baostock.com), `port` (10030), an API key as `password`; extras `connect_timeout` and `read_timeout` in
    seconds (5 and 30) and `calls_per_minute` (120). The server bans addresses with several connections at a time, and
    a hook by itself does not know of others: use none while an ingest runs.

    :param limiter: asked before each request; None: no limit is held.
    :param sleep: waits between attempts.
    :param retry_budget: seconds within which a request may be repeated after trouble on the way.
    """

    conn_name_attr = "baostock_conn_id"
    default_conn_name = "tushare_default"
    conn_type = "baostock"
    hook_name = "BaoStock"

    def __init__(
        self,
        baostock_conn_id: str = default_conn_name,
        limiter: RateLimiter | None = None,
        *,
        sleep: Callable[[float], None] = time.sleep,
        retry_budget: float = RETRY_SECONDS,
    ) -> None:
        super().__init__()
        self.baostock_conn_id = baostock_conn_id
        self.limiter = limiter
        self.retry_budget = retry_budget
        self._sleep = sleep

    def __getstate__(self) -> dict[str, Any]:
        state = dict(self.__dict__)
        # The client holds a socket and perhaps a key; neither they nor a bound logger travel.
        for name in ("client", "_log"):
            state.pop(name, None)
        return state

    @cached_property
    def client(self) -> BaostockClient:
        """The client of the connection.

        :raises ConfigurationError: the connection is not there, or wrong.
        """
        endpoint = read_baostock_endpoint(require_connection(self.baostock_conn_id, "type baostock"))
        return BaostockClient(endpoint, self.limiter, sleep=self._sleep, retry_budget=self.retry_budget)

    def daily(self, day: date) -> Table:
        """Return the whole market's rows of a day, all values as texts."""
        return self.client.daily(day)

    def close(self) -> None:
        """Log out; the hook may be used again."""
        if "client" in self.__dict__:
            self.client.close()

    def test_connection(self) -> tuple[bool, str]:
        """Log in, ask for one day of the calendar, and say what came of it."""
        try:
            return self.client.test()
        except ConfigurationError as error:
            return False, str(error)
