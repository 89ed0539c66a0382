"""What the hooks of all sources of market data have in common: a client that is made late, and never travels."""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Protocol, TypedDict, TypeVar

from airflow.sdk import BaseHook

from ljwx.exceptions import ConfigurationError
from ljwx.sources.transport import RETRY_SECONDS

if TYPE_CHECKING:
    from ljwx.sources.base import RateLimiter


class MarketClient(Protocol):
    """What a hook needs of its client."""

    def close(self) -> None:
        """Close what is open; the client may be used again."""

    def test(self) -> tuple[bool, str]:
        """Ask the server for as little as possible, and say what came of it."""


class Waits(TypedDict, total=False):
    """How long a hook may wait; what is left out is as in ``MarketHook``."""

    sleep: Callable[[float], None]
    retry_budget: float


Client = TypeVar("Client", bound=MarketClient)


class MarketHook(BaseHook, Generic[Client]):
    """Base of the hooks of market data.

    :param conn_id: the connection; each hook calls it by its own `conn_name_attr` too, as Airflow does.
    :param limiter: asked before each request; None: no limit is held.
    :param sleep: waits between attempts.
    :param retry_budget: seconds within which a request may be repeated after trouble on the way.
    """

    conn_name_attr: ClassVar[str]
    default_conn_name = "tushare_default"
    retry_seconds: ClassVar[float] = RETRY_SECONDS
    """The retry budget unless another is given."""

    def __init__(
        self,
        conn_id: str,
        limiter: RateLimiter | None = None,
        *,
        sleep: Callable[[float], None] = time.sleep,
        retry_budget: float | None = None,
    ) -> None:
        super().__init__()
        setattr(self, self.conn_name_attr, conn_id)
        self.limiter = limiter
        self.retry_budget = self.retry_seconds if retry_budget is None else retry_budget
        self._sleep = sleep

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.conn_name_attr}={self.conn_id!r})"

    def __getstate__(self) -> dict[str, Any]:
        state = dict(self.__dict__)
        # The client holds what is secret and what is open; neither they nor a bound logger travel.
        for name in ("client", "_log"):
            state.pop(name, None)
        return state

    @property
    def conn_id(self) -> str:
        """The connection's id."""
        return str(getattr(self, self.conn_name_attr))

    @cached_property
    def client(self) -> Client:
        """The client of the connection.

        :raises ConfigurationError: the connection is not there, or wrong.
        """
        return self._make_client()

    @abstractmethod
    def _make_client(self) -> Client:
        """Read the connection and make its client."""

    def close(self) -> None:
        """Close what is open; the hook may be used again."""
        if "client" in self.__dict__:
            self.client.close()

    def test_connection(self) -> tuple[bool, str]:
        """Ask the server for as little as possible, and say what came of it."""
        try:
            return self.client.test()
        except ConfigurationError as error:
            return False, str(error)
