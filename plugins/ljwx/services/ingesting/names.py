"""Names over time as the source gives them now: corrections and withdrawals are taken over."""

from __future__ import annotations

import logging

from ljwx.core.bars import Capability, SourceRows, name_periods, withdrawn
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.services.ingesting.doubts import Doubt, doubt
from ljwx.sources.base import MarketSource

log = logging.getLogger(__name__)

DOUBTED = "names_doubted"
DOUBT = Doubt(Capability.NAMES, DOUBTED, "names")


def save_periods(warehouse: WarehouseHook, source: MarketSource, run_key: int, names: SourceRows) -> dict[str, int]:
    """Write the periods that came, and end those that the source has no more.

    :return: counts for the run's record.
    """
    periods = name_periods(names.usable)
    unreadable = names.rejected.get_column("ts_code").drop_nulls().to_list()
    gone, doubted = withdrawn(warehouse.names(), periods, unreadable)
    if doubted:
        doubt(warehouse, source, DOUBT)
        log.warning(
            "the source lacks %d stored names of stocks that it has: too many to be believed, they stay", doubted
        )
    saved = warehouse.save_names(run_key, periods, gone)
    more = {"names_revised": saved.revised, "names_withdrawn": saved.withdrawn, DOUBTED: doubted}
    return {"names": saved.periods} | {name: count for name, count in more.items() if count}
