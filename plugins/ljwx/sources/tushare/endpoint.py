"""What a connection says about where and how to call TuShare."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ljwx.exceptions import ConfigurationError
from ljwx.sources.endpoint import Address, calls_per_minute, read_address

if TYPE_CHECKING:
    from airflow.sdk import Connection

DEFAULT_HOST = "api.tushare.pro"
STOCK_BASIC_PER_MINUTE = 50
"""TuShare's own limit on `stock_basic`, whatever the tier."""


@dataclass(frozen=True, repr=False)
class Endpoint:
    """Where to call and how; its repr leaves the token out."""

    address: Address
    token: str
    per_minute: int | None

    @property
    def url(self) -> str:
        """The address that is called."""
        return f"{self.address.url}/"

    def limit(self, api_name: str) -> int | None:
        """Return the calls a minute allowed on an interface."""
        own = STOCK_BASIC_PER_MINUTE if api_name == "stock_basic" else None
        limits = [each for each in (self.per_minute, own) if each is not None]
        return min(limits) if limits else None

    def __repr__(self) -> str:
        return f"<endpoint {self.url}>"


def read_endpoint(connection: Connection) -> Endpoint:
    """Turn a connection into an endpoint.

    :raises ConfigurationError: no token, an unknown extra or scheme, a number that is none.
    """
    if not connection.password:
        raise ConfigurationError(f"connection {connection.conn_id}: put the TuShare token in its password")
    return Endpoint(read_address(connection, DEFAULT_HOST), connection.password, calls_per_minute(connection))
