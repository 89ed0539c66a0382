"""What an Airflow connection says about where and how to call TuShare."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from airflow.sdk import Connection

from ljwx.exceptions import ConfigurationError

DEFAULT_HOST = "api.tushare.pro"
EXTRAS = frozenset({"connect_timeout", "read_timeout", "calls_per_minute"})
STOCK_BASIC_PER_MINUTE = 50
"""TuShare's own limit on `stock_basic`, whatever the tier."""


@dataclass(frozen=True, repr=False)
class Endpoint:
    """Where to call and how; has no repr, because it holds the token."""

    url: str
    token: str
    timeouts: tuple[float, float]
    per_minute: int | None

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
    name = connection.conn_id
    extra = connection.extra_dejson
    unknown = set(extra) - EXTRAS
    if unknown:
        raise ConfigurationError(
            f"connection {name}: unknown extra {sorted(unknown)[0]!r}; known are {', '.join(sorted(EXTRAS))}"
        )
    if not connection.password:
        raise ConfigurationError(f"connection {name}: put the TuShare token in its password")
    scheme = (connection.schema or "https").lower()
    if scheme not in ("http", "https"):
        raise ConfigurationError(f"connection {name}: schema must be https or http, not {scheme!r}")
    host = connection.host or DEFAULT_HOST
    if "/" in host or "@" in host:
        raise ConfigurationError(f"connection {name}: host must be a bare name, such as {DEFAULT_HOST}")
    port = f":{connection.port}" if connection.port else ""
    timeouts = (_positive(name, extra, "connect_timeout", 5.0), _positive(name, extra, "read_timeout", 30.0))
    per_minute = int(_positive(name, extra, "calls_per_minute", 0.0)) or None
    return Endpoint(f"{scheme}://{host}{port}/", connection.password, timeouts, per_minute)


def _positive(conn_id: str, extra: Mapping[str, Any], key: str, default: float) -> float:
    given = extra.get(key)
    if given is None or given == "":
        return default
    try:
        value = float(given)
    except (TypeError, ValueError):
        value = 0.0
    if not 0.0 < value < float("inf"):
        raise ConfigurationError(f"connection {conn_id}: extra {key} must be a number above 0, not {given!r}")
    return value
