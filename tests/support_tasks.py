"""Running one task's function as Airflow would, on real peers, without a scheduler."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from types import SimpleNamespace
from typing import Any, TypeVar, cast

import pytest
from airflow.sdk import Context
from airflow.sdk.execution_time.context import set_current_context

Result = TypeVar("Result")


class OutletEvents(dict[Any, Any]):
    """What a task announced, per asset: `extra`, and the `partitions` it added."""

    def __missing__(self, asset: Any) -> SimpleNamespace:
        event = SimpleNamespace(extra={}, partitions=[])
        event.add_partitions = lambda keys: event.partitions.extend([keys] if isinstance(keys, str) else keys)
        return self.setdefault(asset, event)


class TaskRunner:
    """Calls task functions with a context like the one that Airflow's own runner gives them.

    :param variables: Airflow Variables, as the JSON they hold.
    :param unfinished: ids of other runs that the scheduler has queued or started; the running one is always.
    :param states: of each run, by the task's name: what became of it.
    """

    def __init__(self) -> None:
        self.outlets = OutletEvents()
        self.variables: dict[str, Any] = {}
        self.unfinished: set[str] = set()
        self.states: dict[str, dict[str, str]] = defaultdict(dict)
        self._runs: dict[str, int] = defaultdict(int)
        self._context: dict[str, Any] | None = None

    def run(
        self,
        function: Callable[..., Result],
        *arguments: Any,
        again: bool = False,
        partition_key: str | None = None,
        params: dict[str, Any] | None = None,
        run_type: str = "manual",
        run_after: datetime = datetime(2026, 11, 20, 12, tzinfo=timezone.utc),
        run_id: str | None = None,
    ) -> Result:
        """Call `function` as the only task of a new run, or of the last one of that function once more.

        :param again: the task was cleared, or is tried again.
        :param run_id: of a run with several tasks; a run of this function alone by default.
        """
        self._runs[function.__name__] += not again
        run_id = run_id or f"{run_type}__{self._runs[function.__name__]}"
        ti = SimpleNamespace(
            dag_id="tests", run_id=run_id, task_id=function.__name__, map_index=-1, try_number=1,
            get_dr_count=self._count_runs, get_task_states=self._get_states,
        )  # fmt: skip
        run = SimpleNamespace(partition_key=partition_key, run_after=run_after, run_type=run_type, run_id=run_id)
        context = {"ti": ti, "dag_run": run, "params": params or {}, "outlet_events": self.outlets}
        states = self.states[run_id]
        states[function.__name__] = "failed"
        with self._running(context):
            result = function(*arguments)
        states[function.__name__] = "success"
        return result

    def _count_runs(self, dag_id: str, run_ids: list[str] | None = None, states: list[str] | None = None) -> int:
        """Stand in for the task instance's own count of its DAG's runs."""
        assert (dag_id, states, self._context is not None) == ("tests", ["queued", "running"], True)
        unfinished = self.unfinished | {self.current()["ti"].run_id}
        return len(unfinished if run_ids is None else unfinished & set(run_ids))

    def _get_states(self, dag_id: str, task_ids: list[str], run_ids: list[str]) -> dict[str, dict[str, str]]:
        """Stand in for the task instance's own look at the states of tasks; upstream_failed: never run."""
        assert (dag_id, run_ids) == ("tests", [self.current()["ti"].run_id])
        return {run: {task: self.states[run].get(task, "upstream_failed") for task in task_ids} for run in run_ids}

    @contextmanager
    def _running(self, context: dict[str, Any]) -> Iterator[None]:
        self._context = context
        try:
            with set_current_context(cast("Context", context)):
                yield
        finally:
            self._context = None

    def current(self) -> dict[str, Any]:
        """Stand in for airflow.sdk.get_current_context."""
        if self._context is None:
            raise RuntimeError("no task is running")
        return self._context

    def variable(self, key: str, default: Any = None, deserialize_json: bool = False) -> Any:
        """Stand in for airflow.sdk.Variable.get."""
        if key not in self.variables or deserialize_json:
            return self.variables.get(key, default)
        return json.dumps(self.variables[key])


@pytest.fixture
def tasks(monkeypatch: pytest.MonkeyPatch) -> TaskRunner:
    """Runs task functions; what they announce and record can be looked at."""
    import airflow.sdk

    runner = TaskRunner()
    monkeypatch.setattr(airflow.sdk.Variable, "get", runner.variable)
    return runner
