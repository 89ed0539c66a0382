"""What an Airflow connection says about where and how to ask for k-lines, and of which stocks."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from airflow.sdk import Connection

from ljwx.exceptions import ConfigurationError
from ljwx.sources.tencent.wire import SYMBOL

DEFAULT_HOST = "web.ifzq.gtimg.cn"
EXTRAS = frozenset({"stocks", "connect_timeout", "read_timeout", "calls_per_minute"})
CALLS_PER_MINUTE = 120
_NAMED = 5


@dataclass(frozen=True)
class KLineEndpoint:
    """Where to call and how.

    :param stocks: codes such as 000001.SZ, sorted, at least one.
    :param timeouts: seconds to connect and to read.
    """

    url: str
    stocks: tuple[str, ...]
    timeouts: tuple[float, float]
    per_minute: int


def read_kline_endpoint(connection: Connection) -> KLineEndpoint:
    """Turn a connection into an endpoint.

    :raises ConfigurationError: no stocks or wrong ones, an unknown extra or scheme, a number that is none.
    """
    name, extra = connection.conn_id, connection.extra_dejson
    unknown = set(extra) - EXTRAS
    if unknown:
        raise ConfigurationError(
            f"connection {name}: unknown extra {sorted(unknown)[0]!r}; known are {', '.join(sorted(EXTRAS))}"
        )
    scheme = (connection.schema or "https").lower()
    if scheme not in ("http", "https"):
        raise ConfigurationError(f"connection {name}: schema must be https or http, not {scheme!r}")
    host = connection.host or DEFAULT_HOST
    if "/" in host or "@" in host:
        raise ConfigurationError(f"connection {name}: host must be a bare name, such as {DEFAULT_HOST}")
    port = f":{connection.port}" if connection.port else ""
    timeouts = (_positive(name, extra, "connect_timeout", 5.0), _positive(name, extra, "read_timeout", 30.0))
    per_minute = max(1, int(_positive(name, extra, "calls_per_minute", CALLS_PER_MINUTE)))
    return KLineEndpoint(f"{scheme}://{host}{port}", _stocks(name, extra.get("stocks")), timeouts, per_minute)


def _stocks(conn_id: str | None, given: Any) -> tuple[str, ...]:
    """Read the list of codes, or a text of codes with commas or blanks between."""
    listed = re.split(r"[\s,]+", given.strip()) if isinstance(given, str) else given
    if not isinstance(listed, list) or not any(listed):
        raise ConfigurationError(
            f"connection {conn_id}: name the stocks to fetch in its extra, as in "
            '{"stocks": ["000001.SZ", "600519.SH"]}: this source has no list of its own'
        )
    wrong = [str(each) for each in listed if not isinstance(each, str) or not SYMBOL.fullmatch(each)]
    if wrong:
        raise ConfigurationError(
            f"connection {conn_id}: {', '.join(wrong[:_NAMED])} in its extra stocks is not a code such as 000001.SZ"
        )
    return tuple(sorted(set(listed)))


def _positive(conn_id: str | None, extra: Mapping[str, Any], key: str, default: float) -> float:
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
