"""What the connections of all sources say alike: where the server is, by which way, and how long to wait for it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ljwx.exceptions import ConfigurationError
from ljwx.network import ROUTE_EXTRAS, Route, is_host, read_route, require_known
from ljwx.sources.addresses import bracketed

if TYPE_CHECKING:
    from airflow.sdk import Connection

CONNECT_SECONDS, READ_SECONDS = 5.0, 30.0
COMMON_EXTRAS = ROUTE_EXTRAS | {"connect_timeout", "read_timeout", "calls_per_minute"}


@dataclass(frozen=True)
class Address:
    """Where a server is.

    :param url: without a slash at its end.
    :param timeouts: seconds to connect and to read.
    """

    url: str
    timeouts: tuple[float, float]
    route: Route = field(default_factory=Route)


def read_address(connection: Connection, default_host: str, extras: Collection[str] = COMMON_EXTRAS) -> Address:
    """Read a connection's host, schema, port, way and time-outs.

    :param extras: the extras that the connection may have.
    :raises ConfigurationError: an unknown extra or scheme, a host that is none, a time-out that is none, a way that
        leads nowhere.
    """
    name, extra = connection.conn_id, connection.extra_dejson
    require_known(name, extra, extras)
    scheme = (connection.schema or "https").lower()
    if scheme not in ("http", "https"):
        raise ConfigurationError(f"connection {name}: schema must be https or http, not {scheme!r}")
    host = connection.host or default_host
    if "/" in host or "@" in host or not is_host(host):
        raise ConfigurationError(f"connection {name}: host must be a bare name, such as {default_host}")
    port = f":{connection.port}" if connection.port else ""
    connect = above_zero(name, extra, "connect_timeout") or CONNECT_SECONDS
    read = above_zero(name, extra, "read_timeout") or READ_SECONDS
    url = f"{scheme}://{bracketed(host)}{port}"
    return Address(url, (connect, read), read_route(name, extra, url))


def calls_per_minute(connection: Connection) -> int | None:
    """Read the limit that a connection sets itself; None where it sets none, and at least 1.

    :raises ConfigurationError: it is no number above 0.
    """
    given = above_zero(connection.conn_id, connection.extra_dejson, "calls_per_minute")
    return None if given is None else max(1, int(given))


def above_zero(conn_id: str | None, extra: Mapping[str, Any], key: str) -> float | None:
    """Read an extra that is a number above 0; None where it is not set."""
    given = extra.get(key)
    if given is None or given == "":
        return None
    try:
        value = float(given)
    except (TypeError, ValueError):
        value = 0.0
    if not 0.0 < value < float("inf"):
        raise ConfigurationError(f"connection {conn_id}: extra {key} must be a number above 0, not {given!r}")
    return value
