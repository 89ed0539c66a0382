"""The source of the running pipeline: its limit is held by all workers together, its reference data is kept for all."""

from __future__ import annotations

from collections.abc import Collection

from ljwx.core.bars import Capability
from ljwx.hooks.market import market_source
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.resources import TUSHARE_CONN_ID
from ljwx.sources.base import MarketSource
from ljwx.warehouse.market.sources import WarehouseKeeper, WarehouseLimiter


def limited_source(
    warehouse: WarehouseHook, absent: Collection[Capability] = (), deferred: Collection[Capability] = ()
) -> MarketSource:
    """Return the source behind the connection `tushare_default`.

    :param absent: capabilities that it is known not to give.
    :param deferred: those of them that it only has no room for now.
    """
    refused = set(absent) - set(deferred)
    source = market_source(WarehouseLimiter(warehouse, TUSHARE_CONN_ID), refused)
    source.keep_answers(WarehouseKeeper(warehouse))
    source.defer(deferred)
    return source
