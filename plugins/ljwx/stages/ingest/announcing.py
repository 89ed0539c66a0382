"""Which sessions a run announces as partitions of the asset `bars`: its own with earlier ones that it completed or
that gained something by it, or, in a backfill, those of all its runs.

Airflow makes a run downstream of each announcement, also while earlier ones wait (3.3.2: `max_active_runs` does not
hold it back). A backfill of a year would wake the samples 250 times; so its runs leave it to the last of them.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import date

from airflow.sdk.exceptions import AirflowSkipException

from ljwx.assets import BARS
from ljwx.exceptions import ConfigurationError
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.stages.context import dag_run, event_of, task_instance
from ljwx.stages.ingest.chunks import Chunk
from ljwx.stages.ingest.ranges import requested_sessions
from ljwx.stages.runs import recorded_run
from ljwx.warehouse.runs import RunRef, SessionRange

log = logging.getLogger(__name__)

UNFINISHED = ["queued", "running"]


def announce_bars(chunks: list[dict[str, str]] | None = None) -> int:
    """Announce the complete sessions of the run, whatever became of its other tasks, and those left to it.

    A task of its own, because one that ends well without naming a partition announces its run's key all the same.

    :param chunks: what `plan_ingest` planned; None where it planned nothing.
    :return: how many sessions were announced.
    :raises AirflowSkipException: none; they are left to a later run of the backfill, or no session is complete.
    """
    warehouse, (first, last) = WarehouseHook(), _range()
    planned = [Chunk.of_xcom(chunk) for chunk in chunks or ()]
    earlier = [SessionRange(part.first, part.last) for part in planned if part.catch_up]
    # Of two runs that end together one sees the other's end: the lock is held until this one is recorded as finished.
    with (
        warehouse.bars_lock(exclusive=True),
        recorded_run(warehouse, first=first.isoformat(), last=last.isoformat()) as run,
    ):
        others = _runs_to_come(warehouse)
        parts = [*earlier, SessionRange(first, last), *warehouse.left_to_announce(_this_task())]
        sessions = [] if others else _complete(warehouse, parts, warehouse.completed_by(_this_task()))
        run.outputs |= {"announced": len(sessions)} | ({"left": True} if others else {})
    if others:
        raise AirflowSkipException(f"left to the last of {others} more run(s) of this backfill")
    if not sessions:
        raise AirflowSkipException(f"no session from {first} to {last} is complete")
    event_of(BARS).add_partitions(sessions)
    log.info("%d sessions announced, %s to %s", len(sessions), sessions[0], sessions[-1])
    return len(sessions)


def _range() -> tuple[date, date]:
    """Return the first and the last session that the run is about."""

    try:
        sessions = requested_sessions()
    except ConfigurationError as error:
        raise AirflowSkipException(f"plan_ingest says why: {error}") from None
    return sessions[0], sessions[-1]


def _complete(warehouse: WarehouseHook, parts: Iterable[SessionRange], more: Iterable[date]) -> list[str]:
    """Return the complete sessions of some ranges and more of them, each once, sorted."""
    found = {session for part in parts for session in warehouse.complete_sessions(part.first, part.last)} | set(more)
    return [session.isoformat() for session in sorted(found)]


def _runs_to_come(warehouse: WarehouseHook) -> int:
    """Count the unfinished runs that have not been here yet, this one left out; 0 outside of a backfill."""

    if dag_run().run_type != "backfill":
        return 0
    ti = task_instance()
    passed = [ti.run_id, *warehouse.passed_runs(_this_task())]
    unfinished = int(ti.get_dr_count(ti.dag_id, states=UNFINISHED))
    return unfinished - int(ti.get_dr_count(ti.dag_id, run_ids=passed, states=UNFINISHED))


def _this_task() -> RunRef:
    ti = task_instance()
    return RunRef(ti.dag_id, ti.run_id, ti.task_id)
