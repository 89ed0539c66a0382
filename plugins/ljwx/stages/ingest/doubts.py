"""Answers that are not to be believed: asked for again, but once a day, because a small token has few calls."""

from __future__ import annotations

from datetime import datetime

from ljwx.core.bars import Capability
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.sources.base import MarketSource
from ljwx.warehouse.sources import SHANGHAI, last_close


def doubt(warehouse: WarehouseHook, source: MarketSource, capability: Capability, count: str) -> None:
    """Let the next run ask for a capability again, unless a run since the last close did so: the doubt lasts.

    :param count: the name under which runs record how much they doubted.
    """
    if not warehouse.counted_since(count, last_close(datetime.now(SHANGHAI))):
        source.doubt(capability)
