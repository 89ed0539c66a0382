"""Tables of feature groups that a source publishes after the ingest: fetched before a session is asked about.

Models are trained with whole tables. Asked without them they would be asked otherwise than they were trained.
"""

from __future__ import annotations

import logging

from ljwx.core.datasets.spec import spec_of_today
from ljwx.core.features.tables import FactTable
from ljwx.core.forward.chain import Batch
from ljwx.exceptions import ConfigurationError, NotYetPublished
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.services.ingesting.facts import LATE_TABLES_WAIT, save_table
from ljwx.services.ingesting.source import limited_source

log = logging.getLogger(__name__)


def fetch_late_tables(warehouse: WarehouseHook, batch: Batch, run_key: int) -> None:
    """Fetch what the session lacks of the tables that its snapshots tell of, unless something was asked already.

    :raises NotYetPublished: the source has a table, and has not published it for the session; there is time to wait.
    """
    tables = [group.table for group in spec_of_today(batch.spec).groups if group.table is not None]
    if not any(_is_short(warehouse, table, batch) for table in tables) or warehouse.forward_stocks(batch.session):
        return
    try:
        source = limited_source(warehouse)
    except ConfigurationError as error:
        log.warning("tables that came late are not asked for: %s", error)
        return
    waited_for = []
    for table in tables:
        if _is_short(warehouse, table, batch):
            save_table(source, warehouse, run_key, table, [batch.session])
            if _is_short(warehouse, table, batch) and not source.lacks(table.capability):
                waited_for.append(table.name)
    if not waited_for:
        return
    until, names = batch.opened_at + LATE_TABLES_WAIT, ", ".join(waited_for)
    if warehouse.forward_clock() < until:
        raise NotYetPublished(
            f"{batch.session}: the source has not published {names} yet; waited for until {until:%H:%M %Z}"
        )
    log.warning("%s is asked about without %s: the source has not published it", batch.session, names)


def _is_short(warehouse: WarehouseHook, table: FactTable, batch: Batch) -> bool:
    return bool(warehouse.sessions_short_of(table, batch.session, batch.session))
