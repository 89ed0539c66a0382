"""Following one DAG run: each task's change of state, how long it took, and what a long one is doing."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ljwx_sandbox.airflow import AirflowApi
from ljwx_sandbox.settings import SandboxError

QUIET_SECONDS = 15.0
"""After this long without a line the newest line of a running task's log is printed."""
WAITING = {"scheduled", "queued"}
AT_WORK = {"running", "deferred"}


@dataclass
class Progress:
    """What is known of one DAG run so far.

    :param say: prints one line.
    """

    api: AirflowApi
    dag: str
    run_id: str
    say: Callable[[str], None]
    _states: dict[tuple[str, int], str] = field(default_factory=dict)
    _began: float = field(default_factory=time.monotonic)
    _spoke: float = field(default_factory=time.monotonic)
    _last: dict[str, str] = field(default_factory=dict)

    def tell(self, tasks: list[dict[str, Any]]) -> None:
        """Print what has changed; in a long silence, what the running tasks have logged last."""
        for task in tasks:
            key, state = (task["task_id"], task["map_index"]), task["state"]
            if state and state not in WAITING and self._states.get(key) != state:
                self._states[key] = state
                self._print(f"{self.dag} · {name_of(task)} · {state}{_took(task)}")
        if time.monotonic() - self._spoke >= QUIET_SECONDS:
            for task in tasks:
                if task["state"] in AT_WORK:
                    self._tell_log(task)

    def end(self, state: str) -> None:
        """Print how the run ended, and after how long."""
        self._print(f"{self.dag} · {state} after {time.monotonic() - self._began:.0f} s")

    def _tell_log(self, task: dict[str, Any]) -> None:
        name, line = name_of(task), self._newest_line(task)
        if line and self._last.get(name) != line:
            self._last[name] = line
            self._print(f"{self.dag} · {name} · … {line}")

    def _newest_line(self, task: dict[str, Any]) -> str:
        """Return the newest message that the product itself has logged for a task; empty where there is none yet."""
        path = f"dags/{self.dag}/dagRuns/{self.run_id}/taskInstances/{task['task_id']}/logs/{task['try_number']}"
        try:
            content = self.api.get(path, map_index=task["map_index"], full_content="true")["content"]
        except SandboxError:
            return ""
        own = [line for line in content if str(line.get("logger", "")).startswith("ljwx.")]
        return str(own[-1]["event"]) if own else ""

    def _print(self, text: str) -> None:
        self._spoke = time.monotonic()
        self.say(text)


def name_of(task: dict[str, Any]) -> str:
    """Return a task's name, with the map index of a mapped one."""
    return str(task["task_id"]) if task["map_index"] < 0 else f"{task['task_id']}[{task['map_index']}]"


def _took(task: dict[str, Any]) -> str:
    """Return the duration of a task that has ended."""
    duration = task.get("duration")
    return f" ({duration:.0f} s)" if task["state"] in {"success", "failed"} and duration else ""
