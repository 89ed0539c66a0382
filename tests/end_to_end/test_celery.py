"""The pipeline on the CeleryExecutor: two workers, one of which is killed with SIGKILL in the middle of each stage."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest

from ljwx.sandbox import celery
from ljwx.sandbox.demo import BUILD, CLEANUP, DAGS, INGEST, SAMPLES
from ljwx.sandbox.settings import PORTS, SandboxSettings, port_variable
from ljwx.sandbox.stack import SMALL, Stack
from support_postgres import free_port, open_folder

pytestmark = [
    pytest.mark.stack,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(shutil.which("redis-server") is None, reason="needs redis-server: apt-get install redis-server"),
]

FIRST, LAST = "2026-02-02", "2026-06-30"
MARKET = ("--stocks", "14", "--seed", "7", "--effect", "0.3")
CONFIG = {
    **SMALL,
    "model": SMALL["model"] | {"strategy": "prompt", "parameters": {"num_ctx": 4096}},
    "evaluation": SMALL["evaluation"] | {"questions": 4},
    "gate": SMALL["gate"] | {"min_questions": 4},
}
STAGES = {INGEST: "ingest_bars", SAMPLES: "build_dataset", BUILD: "ask_questions", CLEANUP: "apply_retention"}
"""The task of each stage in whose middle its worker is killed."""

MADE = {
    "bars": "SELECT session, ts_code, revision, open, high, low, close, vol, adj_factor FROM ljwx.bars",
    "days": "SELECT session, complete, expected, received FROM ljwx.ingest_days",
    "features": "SELECT session, ts_code, rsi_6, macd_hist, kdj_j, obv, drawdown_60 FROM ljwx.current_features",
    "samples": "SELECT sample_id, label, answer::text FROM ljwx.samples",
    "datasets": "SELECT dataset_id, sha256, parent_id FROM ljwx.datasets",
    "members": "SELECT dataset_id, sample_id, split, previous_label FROM ljwx.dataset_samples",
    "models": "SELECT model, digest, spec_sha256, verified IS NULL FROM ljwx.models",
    "answers": "SELECT sample_id, raw, valid, label FROM ljwx.answers",
    "promotions": "SELECT challenger, champion, verdict, promoted FROM ljwx.promotions",
    "aliases": "SELECT alias, model, digest FROM ljwx.aliases",
    "removals": "SELECT kind, name, reason, dry_run FROM ljwx.retention_events",
}


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """A stack with a Redis and two workers."""
    with open_folder() as home, pytest.MonkeyPatch.context() as patch:
        chosen = {port_variable(name): str(free_port()) for name in PORTS}
        for name, value in {**chosen, "LJWX_HOME": str(home), "LJWX_EXECUTOR": "celery"}.items():
            patch.setenv(name, value)
        patch.setenv("AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT", "20")
        stack = Stack(SandboxSettings.from_environment(), market=MARKET, schedules=False, config=CONFIG)
        try:
            stack.up()
            yield stack
        finally:
            stack.down()


def poll(done: Callable[[], Any], seconds: float, otherwise: str, pause: float = 0.5) -> Any:
    """Wait until something that runs by itself is done, and return what it made."""
    deadline = time.monotonic() + seconds
    while not (found := done()):
        assert time.monotonic() < deadline, otherwise
        time.sleep(pause)
    return found


class Chain:
    """The four DAGs one after the other; `during` is called with the stage while its run goes on."""

    def __init__(self, stack: Stack, during: Callable[[str, str], None]) -> None:
        self.stack = stack
        self.during = during

    def run(self) -> None:
        for dag in DAGS:
            poll(lambda dag=dag: self._is_known(dag), 120, f"{dag} is not there")
            self.stack.api.send("PATCH", f"dags/{dag}", {"is_paused": False})
        seen = {dag: {run["dag_run_id"] for run in self._runs(dag)} for dag in DAGS}
        self._trigger(INGEST, {"start_date": FIRST, "end_date": LAST})
        for dag in (INGEST, SAMPLES, BUILD):
            self._follow(dag, poll(lambda dag=dag: self._new(dag, seen[dag]), 120, f"{dag} was not woken"))
        self._trigger(CLEANUP, {"dry_run": True})
        self._follow(CLEANUP, poll(lambda: self._new(CLEANUP, seen[CLEANUP]), 30, "no cleanup"))

    def _is_known(self, dag: str) -> bool:
        return dag in {known["dag_id"] for known in self.stack.api.get("dags", tags="ljwx")["dags"]}

    def _trigger(self, dag: str, conf: dict[str, Any]) -> None:
        self.stack.api.send("POST", f"dags/{dag}/dagRuns", {"logical_date": None, "conf": conf})

    def _runs(self, dag: str) -> list[dict[str, Any]]:
        return list(self.stack.api.get(f"dags/{dag}/dagRuns")["dag_runs"])

    def _new(self, dag: str, seen: set[str]) -> str | None:
        return next((run["dag_run_id"] for run in self._runs(dag) if run["dag_run_id"] not in seen), None)

    def _follow(self, dag: str, run_id: str) -> None:
        self.during(dag, run_id)
        path = f"dags/{dag}/dagRuns/{run_id}"
        poll(lambda: self.stack.api.get(path)["state"] in {"success", "failed"}, 420, f"{dag} did not end")
        assert self.stack.api.get(path)["state"] == "success", dag


def made(stack: Stack) -> dict[str, str]:
    """A digest of what the chain left: rows without their times, and files without their place."""
    found = {}
    with psycopg.connect(stack.postgres.url("warehouse")) as connection:
        for name, query in MADE.items():
            rows = sorted(map(repr, connection.execute(query).fetchall()))
            found[name] = f"{len(rows)} {hashlib.sha256(''.join(rows).encode()).hexdigest()}"
    data = stack.settings.home / "data"
    for path in sorted(path for path in data.rglob("*") if path.is_file()):
        text = path.read_bytes().replace(str(data).encode(), b"")
        found[str(path.relative_to(data))] = hashlib.sha256(text).hexdigest()
    return found


def forget(stack: Stack) -> None:
    """Take everything away that the pipeline made, in all three places."""
    with psycopg.connect(stack.postgres.url("warehouse")) as connection:
        connection.execute("DROP SCHEMA ljwx CASCADE")
    shutil.rmtree(stack.settings.home / "data")
    import requests

    url = f"http://127.0.0.1:{stack.settings.ports['ollama']}/api"
    for tag in requests.get(f"{url}/tags", timeout=10).json()["models"]:
        if tag["name"].startswith("ljwx-stock:"):
            requests.delete(f"{url}/delete", json={"model": tag["name"]}, timeout=10).raise_for_status()


class Killer:
    """Kills the worker that runs a stage's task, with all its processes, and starts it again."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.killed: dict[str, str] = {}

    def __call__(self, dag: str, run_id: str) -> None:
        task = STAGES[dag]
        worker = poll(lambda: self._worker_of(dag, run_id, task), 300, f"{dag}.{task} never ran", pause=0.05)
        process = self.stack._file(worker).find()
        assert process is not None
        os.killpg(process.pid, signal.SIGKILL)
        self.killed[dag] = worker
        poll(lambda: self.stack._file(worker).find() is None, 30, f"{worker} survived SIGKILL")
        self.stack.start_component(worker)

    def _worker_of(self, dag: str, run_id: str, task: str) -> str | None:
        instances = self.stack.api.get(f"dags/{dag}/dagRuns/{run_id}/taskInstances", task_id=task)["task_instances"]
        running = {each["pid"] for each in instances if each["state"] == "running" and each["task_id"] == task}
        for name in celery.WORKERS:
            process = self.stack._file(name).find()
            if process is not None and running & {child.pid for child in process.children(recursive=True)}:
                return name
        return None


def test_a_worker_killed_in_each_stage_changes_nothing_of_what_the_chain_makes(stack: Stack) -> None:
    Chain(stack, lambda dag, run_id: None).run()
    undisturbed = made(stack)
    assert not undisturbed["aliases"].startswith("0 ")
    forget(stack)
    killer = Killer(stack)
    Chain(stack, killer).run()
    assert list(killer.killed) == list(STAGES)
    assert made(stack) == undisturbed


def test_both_workers_are_of_one_redis_that_asks_for_its_password(stack: Stack) -> None:
    import redis

    port, password = stack.settings.ports["redis"], stack.settings.secret("redis")
    with pytest.raises(redis.AuthenticationError):
        redis.Redis(port=port).ping()
    commands = [" ".join(psutil.Process(pid).cmdline()) for pid in psutil.pids() if _is_of(pid, stack.settings.home)]
    assert not [command for command in commands if password in command]
    for name in celery.WORKERS:
        assert stack._file(name).find() is not None
        assert password not in (stack.settings.logs / f"{name}.log").read_text()


def _is_of(pid: int, home: Path) -> bool:
    try:
        return str(home) in " ".join(psutil.Process(pid).cmdline())
    except psutil.Error:
        return False
