"""By when a run should be done; a run that is not makes an alert, and goes on."""

from __future__ import annotations

import os
from datetime import timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from airflow.sdk.definitions.callback import AsyncCallback
from airflow.sdk.definitions.deadline import BaseDeadlineReference, DeadlineAlert

from ljwx.notifications.alerts import LateAlert
from ljwx.resources import file_section

if TYPE_CHECKING:
    from datetime import datetime

HOURS: Final = MappingProxyType(
    {
        "ljwx_daily_ingest": 3.0,
        "ljwx_sample_generation": 3.0,
        "ljwx_model_build": 8.0,
        "ljwx_forward": 6.0,
        "ljwx_cleanup": 0.5,
    }
)
"""From queued to done, unless the configuration file or the environment says otherwise.

Less than the DAG's own time-out: a run that was timed out is failed, and no longer late.
"""

VARIABLE: Final = "LJWX_DEADLINE_HOURS"
"""Environment of the dag-processor: other hours, such as ``ljwx_model_build=10,ljwx_cleanup=0.25``."""


class QueuedAt(BaseDeadlineReference):
    """When a run was queued first. Registered by the plugin, so that every process of Airflow finds it.

    Airflow 3.3.2 has the same as `DeadlineReference.DAGRUN_QUEUED_AT`, moves such a deadline at every clear,
    and fails at it: to clear a task of a run with a deadline ahead answers 500 (models/taskinstance.py takes the stored
    interval for seconds; it is a dict). This one is not moved by a clear.
    """

    required_kwargs = frozenset({"dag_id", "run_id"})

    def _evaluate_with(self, *, session: Any, dag_id: str, run_id: str) -> datetime | None:
        from airflow.models import DagRun

        run = session.query(DagRun).filter_by(dag_id=dag_id, run_id=run_id).one_or_none()
        return None if run is None else run.queued_at


def deadline(dag_id: str) -> DeadlineAlert:
    """Return the deadline of a DAG's runs, from when they were queued.

    A logical date would give none to partitioned and asset-triggered runs, which have no such date.

    :raises ValueError: the file's or the environment's hours cannot be meant; the DAG then shows an import error that
        names them.
    """
    return DeadlineAlert(
        reference=QueuedAt(),
        interval=timedelta(hours={**HOURS, **_of_file(), **_of_environment()}[dag_id]),
        callback=AsyncCallback(LateAlert),
        name="late",
    )


def _of_file() -> dict[str, float]:
    return _checked(dict(file_section("deadlines")), "training_config.json: deadlines")


def _of_environment() -> dict[str, float]:
    text = os.environ.get(VARIABLE, "").strip()
    try:
        pairs = [part.split("=") for part in text.split(",")] if text else []
        hours = {name.strip(): float(number) for name, number in pairs}
    except ValueError:
        raise ValueError(f"{VARIABLE}={text!r}: expected dag=hours, such as ljwx_model_build=10") from None
    return _checked(hours, f"{VARIABLE}={text!r}")


def _checked(hours: dict[str, Any], where: str) -> dict[str, float]:
    numbers = all(type(number) in (int, float) and 0 < number < 1000 for number in hours.values())
    if not numbers or set(hours) - set(HOURS):
        raise ValueError(f"{where}: DAGs are {', '.join(HOURS)}; hours are more than 0")
    return hours
