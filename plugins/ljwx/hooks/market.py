"""The source of market data behind the connection `tushare_default`: the connection's type names it."""

from __future__ import annotations

from collections.abc import Iterable
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from ljwx.core.bars import Capability
from ljwx.exceptions import ConfigurationError
from ljwx.hooks.connections import find_connection, require_connection
from ljwx.resources import TUSHARE_CONN_ID
from ljwx.sources.baostock.source import BaostockSource
from ljwx.sources.base import AnswerKeeper, MarketSource, RateLimiter, Terms
from ljwx.sources.tencent.source import TencentSource
from ljwx.sources.tushare.source import TushareSource

if TYPE_CHECKING:
    from collections.abc import Mapping

SOURCES: Final[Mapping[str, type[MarketSource]]] = MappingProxyType(
    {
        "tushare": TushareSource,
        "generic": TushareSource,
        "tencent": TencentSource,
        "baostock": BaostockSource,
    }
)
"""The type of the connection → its source; a connection of a type that is not here is TuShare's."""


def market_source(
    limiter: RateLimiter | None = None, refused: Iterable[Capability] = (), conn_id: str = TUSHARE_CONN_ID
) -> MarketSource:
    """Return the source behind the connection.

    :param limiter: asked before each request; None: no limit is held.
    :param refused: capabilities that the source is known to refuse; they are not asked for again.
    :raises ConfigurationError: the connection is not there, or wrong.
    """
    connection = require_connection(conn_id, "type tushare, its password the token")
    kind = SOURCES.get(connection.conn_type or "", TushareSource)
    return kind.of_connection(connection, limiter, refused)


def market_terms() -> Terms | None:
    """Return the terms of the source behind the connection; None where there is no connection, or they are unknown."""
    connection = find_connection(TUSHARE_CONN_ID)
    return None if connection is None else SOURCES.get(connection.conn_type or "", TushareSource).terms


def is_connected() -> bool:
    """Say whether there is a connection at all."""
    return find_connection(TUSHARE_CONN_ID) is not None


def try_market(keeper: AnswerKeeper | None = None) -> tuple[bool, str]:
    """Ask the source for as little as possible, and say whether it came and what it says.

    :param keeper: for a source with one connection, which waits for its turn among the workers; None: it does not.
    """
    try:
        source = market_source()
    except ConfigurationError as error:
        return False, str(error)
    if keeper is not None:
        source.keep_answers(keeper)
    return source.test()
