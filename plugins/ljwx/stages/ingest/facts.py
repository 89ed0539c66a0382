"""What stands beside the bars, fetched after them for the sessions of a chunk: tables of feature groups, indexes."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta

from ljwx.core.bars import Capability
from ljwx.core.features.of_index import IndexTable, index_table
from ljwx.core.features.tables import FactTable
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.services.ingesting.facts import save_table
from ljwx.settings import current_settings
from ljwx.sources.base import MarketSource
from ljwx.stages.context import dag_run

log = logging.getLogger(__name__)


def save_facts(
    source: MarketSource, warehouse: WarehouseHook, run_key: int, sessions: Sequence[date]
) -> dict[str, int]:
    """Fetch and write the tables of the groups that `samples.feature_groups` names, and the indexes of the settings.

    A table that does not come is a line in the log and fails nothing: no session waits for it. A scheduled run asks
    again for earlier sessions of `ingest.catch_up` that have few rows, or none; of announcements every run asks for all
    that may still be corrected.

    :return: counts for the run's record; nothing where no table is asked for.
    """
    counts: Counter[str] = Counter()
    for table in _tables(source):
        wanted = [*_short(warehouse, table, sessions[0]), *sessions]
        counts.update(save_table(source, warehouse, run_key, table, wanted))
    return dict(counts)


def _tables(source: MarketSource) -> list[FactTable]:
    """Return the tables of the groups, and of each index that the settings name; of a source without any none."""
    settings = current_settings()
    tables = [group.table for group in settings.samples.groups if group.table is not None]
    asked = {table.code for table in tables if isinstance(table, IndexTable)}
    others = [code for code in settings.ingest.indexes if code not in asked]
    if others and source.lacks(Capability.INDEXES) and not source.is_deferred(Capability.INDEXES):
        log.info("no levels of %s, which this source does not carry", ", ".join(others))
        return tables
    return [*tables, *map(index_table, others)]


def _short(warehouse: WarehouseHook, table: FactTable, first: date) -> list[date]:
    """Return earlier sessions that a scheduled run makes up for."""
    reach = current_settings().ingest.catch_up
    if dag_run().run_type != "scheduled" or not reach:
        return []
    before = first - timedelta(days=1)
    earlier = warehouse.complete_sessions(None, before)[-reach:]
    return warehouse.sessions_short_of(table, earlier[0], before) if earlier else []
