"""A source's reference data, as it gives them now: stocks of all list states, and names over time."""

from __future__ import annotations

from ljwx.hooks.warehouse import WarehouseHook
from ljwx.services.ingesting.codes import save_stocks
from ljwx.services.ingesting.names import save_periods
from ljwx.sources.base import MarketSource


def refresh_reference(warehouse: WarehouseHook, source: MarketSource, run_key: int) -> dict[str, int]:
    """Write the instruments of all list states, and names over time; what the source lacks stays as it is.

    :return: counts for the run's record.
    """
    stocks, names = source.instruments(), source.names()
    done: dict[str, int] = {}
    if stocks is not None:
        warehouse.save_unassigned_rejects(run_key, stocks.rejected)
        done |= save_stocks(warehouse, source, run_key, stocks, names)
    if names is not None:
        warehouse.save_unassigned_rejects(run_key, names.rejected)
        done |= save_periods(warehouse, source, run_key, names)
    return done
