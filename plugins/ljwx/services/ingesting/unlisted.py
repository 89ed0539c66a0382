"""Old codes of which neither a list nor a mapping speaks: found by the price from which a listed code goes on."""

from __future__ import annotations

import logging

import polars as pl

from ljwx.core.bars import Known, linked, one_to_one
from ljwx.core.bars.canonical import RENAMES
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.services.ingesting.codes import ends_of
from ljwx.warehouse.market.reference import GoneOn

log = logging.getLogger(__name__)


def link_old_codes(warehouse: WarehouseHook, run_key: int) -> bool:
    """Write what old codes are called now where the stored rows leave no doubt; return whether there are any.

    A source may have history under codes that it does not list: those rows are in quarantine as unlisted, and their
    sessions wait for the listed code. Where every session between the last row of the one and the first bar of the
    other was fetched, no other code has the same price, and the factors agree, they are one stock.
    """
    found = [each for each in warehouse.gone_on() if _all_fetched(warehouse, each)]
    pairs = one_to_one([(each.ts_code, each.renamed_to) for each in found])
    if not pairs:
        return False
    rows = [(each.ts_code, each.renamed_to, each.name, each.list_date) for each in found if each.ts_code in pairs]
    known = Known(warehouse.instruments(), {}, lambda codes: ends_of(warehouse, codes))
    renames = pl.DataFrame(rows, schema=RENAMES, orient="row")
    warehouse.save_instruments(run_key, linked(renames, known), sorted({*pairs.values()}))
    for old, new in pairs.items():
        log.warning(
            "%s goes on as %s, by its price: sessions that were fetched before and lack %s become whole when they are "
            "fetched again", old, new, new,
        )  # fmt: skip
    return True


def _all_fetched(warehouse: WarehouseHook, each: GoneOn) -> bool:
    between = set(warehouse.trading_days(each.last, each.first)) - {each.last, each.first}
    return between <= {day.session for day in warehouse.days(each.last, each.first)}
