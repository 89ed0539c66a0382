"""Which sessions a run announces as partitions of the asset `bars`: its own, or, in a backfill, those of all its runs.

Airflow makes a run downstream of each announcement, also while earlier ones wait (3.3.2: `max_active_runs` does not
hold it back). A backfill of a year would wake the samples 250 times; so its runs leave it to the last of them.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from ljwx.hooks.warehouse import WarehouseHook

log = logging.getLogger(__name__)

UNFINISHED = ["queued", "running"]


def sessions_to_announce(warehouse: WarehouseHook, own: Sequence[date]) -> tuple[list[str], bool]:
    """Return the sessions that this run announces, and whether it leaves its own to another run.

    To be called under the exclusive `bars_lock` in which the run is recorded as finished: of two runs that end together
    one sees the other's end.

    :param own: the run's complete sessions.
    :return: sorted sessions, ``YYYY-MM-DD``: its own and what earlier runs left; none when it leaves them too.
    """
    from airflow.sdk import get_current_context

    context = get_current_context()
    ti = context["ti"]
    if context["dag_run"].run_type == "backfill" and (others := _runs_to_come(warehouse, ti)):
        log.info("%d more run(s) of %s are to come: the last one announces the sessions", others, ti.dag_id)
        return [], True
    left = [
        session
        for row in warehouse.rows("features/left_to_announce", dag_id=ti.dag_id, run_id=ti.run_id, task_id=ti.task_id)
        for session in warehouse.complete_sessions(row["first"], row["last"])
    ]
    return sorted({session.isoformat() for session in (*own, *left)}), False


def _runs_to_come(warehouse: WarehouseHook, ti: Any) -> int:
    """Count the DAG's unfinished runs whose features are not computed yet, this one left out."""
    done = warehouse.rows("features/computed_runs", dag_id=ti.dag_id, run_id=ti.run_id, task_id=ti.task_id)
    passed = [ti.run_id, *(row["run_id"] for row in done)]
    unfinished = ti.get_dr_count(ti.dag_id, states=UNFINISHED)
    return int(unfinished) - int(ti.get_dr_count(ti.dag_id, run_ids=passed, states=UNFINISHED))
