"""What Airflow lets a running task know of itself, with its types."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

from airflow.sdk import Asset, get_current_context

from ljwx.schedule import SHANGHAI

if TYPE_CHECKING:
    from airflow.sdk.types import DagRunProtocol, OutletEventAccessorProtocol, RuntimeTaskInstanceProtocol


def task_instance() -> RuntimeTaskInstanceProtocol:
    """Return the running task instance."""
    return get_current_context()["ti"]


def dag_run() -> DagRunProtocol:
    """Return the DAG run that the task belongs to."""
    return get_current_context()["dag_run"]


def params() -> Mapping[str, Any]:
    """Return the params of the DAG run."""
    return get_current_context()["params"]


def today() -> date:
    """Return the day in Shanghai for which the DAG run was started."""
    return dag_run().run_after.astimezone(SHANGHAI).date()


def event_of(asset: Asset) -> OutletEventAccessorProtocol:
    """Return what the task announces of an asset."""
    return get_current_context()["outlet_events"][asset]
