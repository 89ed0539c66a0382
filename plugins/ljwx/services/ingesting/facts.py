"""What feature groups are made of besides bars: rows of their tables, as a source states them."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final

from ljwx.core.bars import SourceRows
from ljwx.core.features.of_index import IndexTable
from ljwx.core.features.tables import FactTable
from ljwx.exceptions import SourceError
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.sources.base import MarketSource

log = logging.getLogger(__name__)

LATE_TABLES_WAIT: Final = timedelta(minutes=90)
"""How long the forward record waits for tables after its batch of a session was opened."""


def save_table(
    source: MarketSource,
    warehouse: WarehouseHook,
    run_key: int,
    table: FactTable,
    sessions: Sequence[date],
    *,
    given_stay: bool = False,
) -> dict[str, int]:
    """Fetch and write a table's rows of some sessions; one that does not come is a line in the log.

    :param given_stay: rows that a source gave, and no file, stay as they are and are counted.
    :return: counts for the run's record.
    """
    what = f"{table.name} of {table.code}" if isinstance(table, IndexTable) else table.name
    try:
        rows = _asked(source, table, sessions)
    except SourceError as error:
        log.warning("no %s for now: %s", what, error)
        rows = None
    else:
        if rows is None:
            why = "for now" if source.is_deferred(table.capability) else "which this source does not carry"
            log.warning("no %s, %s", what, why)
    if rows is None:
        return {table.name: 0}
    warehouse.save_unassigned_rejects(run_key, rows.rejected)
    merged = warehouse.save_facts(run_key, table, rows.usable, given_stay=given_stay)
    kept = {f"{table.name}_kept": merged.kept} if merged.kept else {}
    return {table.name: merged.inserted, f"{table.name}_revised": merged.revised, **kept}


def _asked(source: MarketSource, table: FactTable, sessions: Sequence[date]) -> SourceRows | None:
    if isinstance(table, IndexTable):
        return source.index_bars(table.code, sessions)
    return source.facts(table.capability, sessions)
