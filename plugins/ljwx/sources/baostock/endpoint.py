"""What a connection says about where and how to ask BaoStock."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ljwx.exceptions import ConfigurationError
from ljwx.network import is_host, require_known
from ljwx.sources.addresses import bracketed
from ljwx.sources.endpoint import CONNECT_SECONDS, READ_SECONDS, above_zero, calls_per_minute

if TYPE_CHECKING:
    from airflow.sdk import Connection

HOST, KEY_HOST = "public-api.baostock.com", "vip-api.baostock.com"
PORT = 10030
CALLS_PER_MINUTE = 120
"""Our own choice: 50,000 calls a day are allowed, and no number for a minute is known."""
EXTRAS = frozenset({"connect_timeout", "read_timeout", "calls_per_minute"})
_KEY = re.compile(r"bs-[0-9A-Za-z]{30}")


@dataclass(frozen=True)
class BaostockEndpoint:
    """Where to call and how; its repr leaves the key out.

    :param timeouts: seconds to connect, and for a whole answer.
    :param key: an API key; None is the login that everybody has.
    """

    host: str
    port: int
    timeouts: tuple[float, float]
    per_minute: int
    key: str | None = field(default=None, repr=False)

    @property
    def place(self) -> str:
        """Host and port, for messages."""
        return f"{bracketed(self.host)}:{self.port}"


def read_baostock_endpoint(connection: Connection) -> BaostockEndpoint:
    """Turn a connection into an endpoint.

    :raises ConfigurationError: an unknown extra, a host that is none, a number that is none, a key that is none.
    """
    name, extra = connection.conn_id, connection.extra_dejson
    require_known(name, extra, EXTRAS)
    key = connection.password or None
    if key is not None and not _KEY.fullmatch(key):
        raise ConfigurationError(
            f"connection {name}: its password is no API key of BaoStock (bs- and 30 letters or digits); leave it empty "
            "where you have none"
        )
    host = connection.host or (KEY_HOST if key else HOST)
    if "/" in host or "@" in host or not is_host(host):
        raise ConfigurationError(f"connection {name}: host must be a bare name, such as {HOST}")
    connect = above_zero(name, extra, "connect_timeout") or CONNECT_SECONDS
    read = above_zero(name, extra, "read_timeout") or READ_SECONDS
    per_minute = calls_per_minute(connection) or CALLS_PER_MINUTE
    return BaostockEndpoint(host, connection.port or PORT, (connect, read), per_minute, key)
