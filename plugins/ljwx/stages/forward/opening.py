"""Which session is asked about tonight, and whether there is still time: by the database's clock, never by ours."""

from __future__ import annotations

import logging
from datetime import date, datetime

from airflow.sdk.exceptions import AirflowSkipException

from ljwx.core.features import FEATURE_VERSION
from ljwx.core.forward.timing import OPENS
from ljwx.exceptions import DeadlinePassed
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.resources import sse_calendar
from ljwx.schedule import SHANGHAI
from ljwx.stages.forward.sealing import seal_and_tell
from ljwx.stages.runs import recorded_run
from ljwx.warehouse.forward import NewBatch

log = logging.getLogger(__name__)


def open_session() -> str:
    """Open the batch of the newest complete session, if its deadline is ahead; seal those left open, and tell.

    :return: the session, as text.
    :raises AirflowSkipException: there is nothing to ask about now; says why. A session whose deadline has passed is a
        gap in the record.
    """
    warehouse = WarehouseHook()
    with recorded_run(warehouse) as run:
        left = [day.isoformat() for day in warehouse.batches_left_open() if seal_and_tell(warehouse, day)]
        opened = _opened(warehouse, run.key)
        run.outputs |= {"sealed": left, "session" if isinstance(opened, date) else "skipped": str(opened)}
    if not isinstance(opened, date):
        log.info("%s", opened)
        raise AirflowSkipException(opened)
    return opened.isoformat()


def deadline_of(session: date) -> datetime:
    """Return 09:15 in Shanghai of the next session.

    Past the end of the announced calendar that is the next weekday: earlier than needed where it is a holiday.
    """
    return datetime.combine(sse_calendar().after(session), OPENS, SHANGHAI)


def _opened(warehouse: WarehouseHook, run_key: int) -> date | str:
    """Return the session whose batch is open; else why there is none."""
    sessions = warehouse.complete_sessions()
    if not sessions:
        return "no session is complete yet"
    session = sessions[-1]
    deadline = deadline_of(session)
    if warehouse.forward_clock() >= deadline:
        return f"{session}, the newest complete session, is not asked about: its deadline was {deadline:%Y-%m-%d %H:%M}"
    stale = warehouse.stale_from(FEATURE_VERSION)
    if stale is not None:
        return f"bars from {stale} on wait for their features; the run that computes them wakes another one"
    dataset = warehouse.latest_dataset()
    if dataset is None:
        return "there is no dataset yet, which says what the classes mean"
    known = warehouse.forward_batch(session)
    if known is not None and known.digest is not None:
        return f"the batch of {session} is sealed already"
    fit = warehouse.dataset_fit(dataset.dataset_id)
    if not fit:
        return f"dataset {dataset.dataset_id} was made before it was kept what labels are fitted with: make a new one"
    try:
        warehouse.open_batch(run_key, NewBatch(session, deadline, dataset.dataset_id, dataset.spec, fit))
    except DeadlinePassed as error:
        return str(error)
    return session
