"""Airflow tasks called one after the other in this process, each with the context that its stage looks into."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from types import SimpleNamespace
from typing import Any, TypeVar, cast

Result = TypeVar("Result")


class _Outlets(dict[Any, Any]):
    """What tasks announce, which wakes nobody here."""

    def __missing__(self, asset: Any) -> Any:
        return self.setdefault(asset, SimpleNamespace(extra={}, add_partitions=lambda _: None))


class TaskCaller:
    """Calls functions of ``ljwx.tasks``."""

    def __init__(self) -> None:
        self._calls = 0

    def __call__(
        self, function: Callable[..., Result], *arguments: Any, at: datetime, params: Mapping[str, Any] | None = None
    ) -> Result | None:
        """Call a task as the only one of a run by hand; None where it ends as skipped.

        :param at: when the run was started.
        """
        from airflow.sdk import Context
        from airflow.sdk.exceptions import AirflowSkipException
        from airflow.sdk.execution_time.context import set_current_context

        self._calls += 1
        run_id = f"manual__{at.isoformat()}__{self._calls}"
        ti = SimpleNamespace(
            dag_id="live", run_id=run_id, task_id=function.__name__, map_index=-1, try_number=1,
            get_dr_count=lambda **_: 1, get_task_states=lambda **_: {run_id: {}},
        )  # fmt: skip
        run = SimpleNamespace(partition_key=None, run_after=at, run_type="manual", run_id=run_id)
        context = {"ti": ti, "dag_run": run, "params": params or {}, "outlet_events": _Outlets()}
        try:
            with set_current_context(cast("Context", context)):
                return function(*arguments)
        except AirflowSkipException:
            return None
