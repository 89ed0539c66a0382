"""The demo: one manual ingest, the chain it wakes, a dry cleanup, and a summary read from the warehouse."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from ljwx_sandbox.progress import Progress, name_of
from ljwx_sandbox.settings import SandboxError
from ljwx_sandbox.stack import Stack, check_strategy
from ljwx_sandbox.summary import summarise

INGEST, SAMPLES, BUILD, CLEANUP = DAGS = (
    "ljwx_daily_ingest",
    "ljwx_sample_generation",
    "ljwx_model_build",
    "ljwx_cleanup",
)
PURPOSE = {
    INGEST: "fetch the bars month by month, check each row, compute the indicators",
    SAMPLES: "turn bars and indicators into questions with answers, and freeze them as a dataset",
    BUILD: "make a model, examine it, decide whether it serves; this is the long part: weights, and answers of seconds",
    CLEANUP: "list what may be removed; nothing is",
}
LEFT_OFF = (
    "ljwx_forward stays off: it asks about a session until the next one opens, and the demo's are past; "
    "`.venv/bin/python -m ljwx_sandbox live --sessions 9` shows the forward record"
)
POLL_SECONDS = 2.0
DAGS_SECONDS = 120
RUN_SECONDS = 5400
WAKE_SECONDS = 60
ENDED = {"success", "failed"}


@dataclass
class Demo:
    """One pass through the pipeline on a stack.

    :param stack: started when it does not run, and then stopped again at the end.
    :param start_date: first day to ingest, YYYY-MM-DD.
    :param end_date: last day to ingest.
    :param strategy: whose settings are put in force first; None: those that are.
    :param source: of market data, to which the connection is set first; None: the one that is there.
    """

    stack: Stack
    start_date: str
    end_date: str
    strategy: str | None = None
    source: str | None = None
    _started: float = field(default_factory=time.monotonic)

    def run(self) -> int:
        """Run everything; 0 only when every task succeeded or ended as skipped with a reason.

        :raises SandboxError: something cannot be had here, or failed.
        """
        if self.strategy:
            check_strategy(self.strategy)
        with self._running_stack():
            if self.strategy:
                self.stack.choose(self.strategy)
            if self.source:
                self.stack.choose_source(self.source)
            self._say(f"waiting until Airflow has read the DAGs; {LEFT_OFF}")
            self._ready_dags()
            marks = {dag: self._newest(dag) for dag in DAGS}
            conf = {"start_date": self.start_date, "end_date": self.end_date}
            self._follow(INGEST, self._trigger(INGEST, conf))
            for dag in (SAMPLES, BUILD):
                run_id = self._woken(dag, marks[dag])
                if run_id is None:
                    self._say(f"{dag} was not woken: nothing is new")
                    break
                self._follow(dag, run_id)
            self._follow(CLEANUP, self._trigger(CLEANUP, {"dry_run": True}))
            self.stack.say(summarise(self.stack.postgres.url("warehouse")))
        self._say("done")
        return 0

    @contextmanager
    def _running_stack(self) -> Iterator[None]:
        keep = self.stack.is_up()
        try:
            self.stack.up()
            yield
        finally:
            if not keep:
                self._say("stopping what was started")
                self.stack.down()

    def _ready_dags(self) -> None:
        """Wait until its DAGs are parsed, end what an interrupted demo left unfinished, and switch them on."""
        deadline = time.monotonic() + DAGS_SECONDS
        while True:
            known = {dag["dag_id"] for dag in self.stack.api.get("dags", limit=100)["dags"]}
            errors = self.stack.api.get("importErrors")["import_errors"]
            if errors:
                raise SandboxError(f"{errors[0]['filename']} does not import: {errors[0]['stack_trace']}")
            if known >= set(DAGS):
                break
            if time.monotonic() > deadline:
                raise SandboxError(f"not parsed in time: {', '.join(sorted(set(DAGS) - known))}")
            time.sleep(POLL_SECONDS)
        for dag in DAGS:
            for run in self._runs(dag):
                if run["state"] not in ENDED:
                    self.stack.api.send("PATCH", f"dags/{dag}/dagRuns/{run['dag_run_id']}", {"state": "failed"})
        for dag in (SAMPLES, BUILD, CLEANUP, INGEST):
            self.stack.api.send("PATCH", f"dags/{dag}", {"is_paused": False})

    def _trigger(self, dag: str, conf: dict[str, Any]) -> str:
        run = self.stack.api.send("POST", f"dags/{dag}/dagRuns", {"logical_date": None, "conf": conf})
        return str(run["dag_run_id"])

    def _runs(self, dag: str) -> list[dict[str, Any]]:
        return list(self.stack.api.get(f"dags/{dag}/dagRuns", order_by="-id", limit=20)["dag_runs"])

    def _newest(self, dag: str) -> set[str]:
        return {run["dag_run_id"] for run in self._runs(dag)}

    def _woken(self, dag: str, before: set[str]) -> str | None:
        """Return the run that the stage before woke, or None when none came."""
        deadline = time.monotonic() + WAKE_SECONDS
        while time.monotonic() < deadline:
            fresh = [run["dag_run_id"] for run in self._runs(dag) if run["dag_run_id"] not in before]
            if fresh:
                return str(fresh[-1])
            if dag == BUILD and self._skipped(SAMPLES, "build_dataset"):
                return None
            time.sleep(POLL_SECONDS)
        return None

    def _skipped(self, dag: str, task: str) -> bool:
        run_id = self._runs(dag)[0]["dag_run_id"]
        return any(t["task_id"] == task and t["state"] == "skipped" for t in self._tasks(dag, run_id))

    def _tasks(self, dag: str, run_id: str) -> list[dict[str, Any]]:
        return list(self.stack.api.get(f"dags/{dag}/dagRuns/{run_id}/taskInstances", limit=200)["task_instances"])

    def _follow(self, dag: str, run_id: str) -> None:
        """Print what the run does until it ends; a failure names the task and its log."""
        self._say(f"{dag}: {PURPOSE[dag]}")
        progress = Progress(self.stack.api, dag, run_id, self._say)
        deadline = time.monotonic() + RUN_SECONDS
        while True:
            state = self.stack.api.get(f"dags/{dag}/dagRuns/{run_id}")["state"]
            tasks = self._tasks(dag, run_id)
            progress.tell(tasks)
            if state in ENDED:
                progress.end(state)
                break
            if time.monotonic() > deadline:
                raise SandboxError(f"{dag} did not end within {RUN_SECONDS} s; its log: {self._log(dag, run_id)}")
            time.sleep(POLL_SECONDS)
        failed = [task for task in tasks if task["state"] in {"failed", "upstream_failed"}]
        if state != "success" or failed:
            failed.sort(key=lambda task: task["state"] != "failed")
            task: dict[str, Any] = next(iter(failed), {"task_id": "?", "map_index": -1})
            raise SandboxError(
                f"{dag}: task {name_of(task)} failed; its log: {self._log(dag, run_id, task['task_id'])}"
            )

    def _log(self, dag: str, run_id: str, task: str = "*") -> str:
        folder = self.stack.settings.home / "airflow" / "logs"
        return str(folder / f"dag_id={dag}" / f"run_id={run_id}" / f"task_id={task}")

    def _say(self, text: str) -> None:
        self.stack.say(f"[{time.monotonic() - self._started:5.0f} s] {text}")
