"""The task `roll_back_if_asked`: a run of the DAG may put the previous champion back instead of building."""

from __future__ import annotations

from dataclasses import asdict

from airflow.sdk.exceptions import AirflowSkipException

from ljwx.hooks.warehouse import WarehouseHook
from ljwx.services.rollback import put_back
from ljwx.stages.context import params
from ljwx.stages.runs import recorded_run


def roll_back_if_asked() -> None:
    """Do nothing unless the run's param `rollback` gives a reason; with one, roll back and build nothing.

    :raises AirflowSkipException: the previous champion was put back, so there is nothing to build in this run.
    """
    reason = params().get("rollback")
    if not reason:
        return
    warehouse = WarehouseHook()
    with recorded_run(warehouse, reason=reason) as run:
        done = put_back(warehouse, run.key, reason)
        run.outputs |= asdict(done)
    raise AirflowSkipException(f"{done.model} is champion again instead of {done.instead_of}: nothing is built")
