"""What a connection says about where and how to ask for k-lines, and of which stocks."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ljwx.exceptions import ConfigurationError
from ljwx.sources.endpoint import COMMON_EXTRAS, Address, calls_per_minute, read_address
from ljwx.sources.tencent.wire import SYMBOL

if TYPE_CHECKING:
    from airflow.sdk import Connection

DEFAULT_HOST = "web.ifzq.gtimg.cn"
CALLS_PER_MINUTE = 120
"""Our own choice: no limit is known."""
_NAMED = 5


@dataclass(frozen=True)
class KLineEndpoint:
    """Where to call and how.

    :param stocks: codes such as 000001.SZ, sorted, at least one.
    """

    address: Address
    stocks: tuple[str, ...]
    per_minute: int


def read_kline_endpoint(connection: Connection) -> KLineEndpoint:
    """Turn a connection into an endpoint.

    :raises ConfigurationError: no stocks or wrong ones, an unknown extra or scheme, a number that is none.
    """
    address = read_address(connection, DEFAULT_HOST, COMMON_EXTRAS | {"stocks"})
    per_minute = calls_per_minute(connection) or CALLS_PER_MINUTE
    return KLineEndpoint(address, _stocks(connection.conn_id, connection.extra_dejson.get("stocks")), per_minute)


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
