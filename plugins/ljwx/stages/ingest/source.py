"""The source of the running pipeline: its limit is held by all workers together."""

from __future__ import annotations

from collections.abc import Iterable

from ljwx.core.bars import Capability
from ljwx.hooks.market import market_source
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.resources import TUSHARE_CONN_ID
from ljwx.sources.base import MarketSource
from ljwx.warehouse.limiter import WarehouseLimiter


def limited_source(warehouse: WarehouseHook, refused: Iterable[Capability] = ()) -> MarketSource:
    """Return the source behind the connection `tushare_default`.

    :param refused: capabilities that it is known to refuse.
    """
    return market_source(WarehouseLimiter(warehouse, TUSHARE_CONN_ID), refused)
