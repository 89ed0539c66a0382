"""What feature groups are made of besides bars, fetched for the sessions of a chunk after their bars."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from ljwx.core.features.tables import FactTable
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.services.ingesting.facts import save_table
from ljwx.settings import current_settings
from ljwx.sources.base import MarketSource
from ljwx.stages.context import dag_run


def save_facts(
    source: MarketSource, warehouse: WarehouseHook, run_key: int, sessions: Sequence[date]
) -> dict[str, int]:
    """Fetch and write the tables of the groups that `samples.feature_groups` names.

    A table that does not come is a line in the log and fails nothing: no session waits for it. A scheduled run asks
    again for earlier sessions of `ingest.catch_up` that have few rows, or none; of announcements every run asks for all
    that may still be corrected.

    :return: counts for the run's record; nothing where no group has a table.
    """
    counts: dict[str, int] = {}
    for group in current_settings().samples.groups:
        if group.table is not None:
            wanted = [*_short(warehouse, group.table, sessions[0]), *sessions]
            counts |= save_table(source, warehouse, run_key, group.table, wanted)
    return counts


def _short(warehouse: WarehouseHook, table: FactTable, first: date) -> list[date]:
    """Return earlier sessions that a scheduled run makes up for."""
    reach = current_settings().ingest.catch_up
    if dag_run().run_type != "scheduled" or not reach:
        return []
    before = first - timedelta(days=1)
    earlier = warehouse.complete_sessions(None, before)[-reach:]
    return warehouse.sessions_short_of(table, earlier[0], before) if earlier else []
