"""The pipeline on the CeleryExecutor: two workers, one of which is killed with SIGKILL in the middle of each stage."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest
import requests

from ljwx_sandbox import celery
from ljwx_sandbox.demo import BUILD, CLEANUP, DAGS, INGEST, SAMPLES
from ljwx_sandbox.stack import SMALL, Stack
from support_ollama import OllamaServer
from support_stack import ENDED, poll, running_stack, trigger, unpause

pytestmark = [
    pytest.mark.timeout(3600),
    pytest.mark.skipif(shutil.which("redis-server") is None, reason="needs redis-server: apt-get install redis-server"),
]

FIRST, LAST = "2026-02-02", "2026-06-30"
MARKET = ("--stocks", "14", "--seed", "7", "--effect", "0.3")
SERVER = ("--engine", "scripted")
"""An answer must not depend on what was asked before: a killed worker asks again, and in another order."""
SLOW = {"route": "chat", "kind": "delay", "seconds": 1.5, "times": 1000}
"""Gives the time to kill a worker that asks: a script answers at once."""
AIRFLOW = {
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "30",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "5",
    "AIRFLOW__CORE__DEFAULT_TASK_RETRY_DELAY": "1",
}
"""A killed task is noticed and begun again soon: each of four waits for it."""
CONFIG = {
    **SMALL,
    "model": SMALL["model"] | {"strategy": "prompt", "parameters": {"num_ctx": 4096}},
    "evaluation": SMALL["evaluation"] | {"questions": 4},
    "gate": SMALL["gate"] | {"min_questions": 4},
    "retention": {"keep_last": 1},
}
STAGES = {INGEST: "ingest_bars", SAMPLES: "build_dataset", BUILD: "ask_questions", CLEANUP: "apply_retention"}
"""The task of each stage in whose middle its worker is killed."""
MIDDLE = {
    INGEST: "SELECT FROM ljwx.ingest_days",
    SAMPLES: "SELECT FROM ljwx.runs WHERE task_id = 'build_dataset' AND finished_at IS NULL",
    BUILD: "SELECT FROM ljwx.answers",
    CLEANUP: "SELECT FROM ljwx.retention_events WHERE kind = 'model'",
}
"""What is there when a stage has begun to write; it is not through while its task runs."""
OLD = 24
"""Models that cleanup has to remove: enough to kill it between the first and the last."""

MADE = {
    "bars": "SELECT session, ts_code, revision, open, high, low, close, vol, adj_factor FROM ljwx.bars",
    "days": "SELECT session, complete, expected, received FROM ljwx.ingest_days",
    "features": "SELECT session, ts_code, rsi_6, macd_hist, kdj_j, obv, drawdown_60 FROM ljwx.current_features",
    "samples": "SELECT sample_id, label, answer::text FROM ljwx.samples",
    "datasets": "SELECT dataset_id, sha256, parent_id FROM ljwx.datasets",
    "members": "SELECT dataset_id, sample_id, split, previous_label FROM ljwx.dataset_samples",
    "models": "SELECT model, digest, spec_sha256, verified IS NULL, deleted_at IS NULL FROM ljwx.models",
    "names": "SELECT ts_code, start_date, name, end_date FROM ljwx.names",
    "suspensions": "SELECT session, ts_code, kind, timing FROM ljwx.suspensions",
    "quarantine": "SELECT session, ts_code, reasons, raw_sha256 FROM ljwx.quarantine",
    "question sets": "SELECT question_set_id, dataset_id, kind, part_of FROM ljwx.question_sets",
    "questions": "SELECT question_set_id, position, sample_id FROM ljwx.questions",
    "evaluations": "SELECT model, digest, question_set_id, is_base, "
    "jsonb_path_query_array(scorecard, '$.*.overall.accuracy')::text FROM ljwx.evaluations",
    "looks": "SELECT dataset_id, model, question_set_id FROM ljwx.test_looks",
    "answers": "SELECT sample_id, raw, valid, label FROM ljwx.answers",
    "promotions": "SELECT challenger, champion, verdict, promoted FROM ljwx.promotions",
    "aliases": "SELECT alias, model, digest FROM ljwx.aliases",
    "removals": "SELECT kind, name, reason, dry_run FROM ljwx.retention_events",
    "unfinished": "SELECT dag_id, task_id FROM ljwx.runs WHERE finished_at IS NULL",
}


MOMENT = re.compile(rb"\d{4}-\d\d-\d\d[T ]\d\d:\d\d[0-9:.+Z]*")
"""A card tells as of which moment its dataset was known."""


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """A stack with a Redis and two workers."""
    environment = {"LJWX_EXECUTOR": "celery"}
    with running_stack(environment, market=MARKET, model_server=SERVER, config=CONFIG, airflow_config=AIRFLOW) as stack:
        yield stack


class Chain:
    """The four DAGs one after the other; `during` is called with the stage while its run goes on."""

    def __init__(self, stack: Stack, during: Callable[[str, str], None]) -> None:
        self.stack = stack
        self.during = during

    def run(self) -> None:
        unpause(self.stack, *DAGS)
        seen = {dag: {run["dag_run_id"] for run in self._runs(dag)} for dag in DAGS}
        trigger(self.stack, INGEST, conf={"start_date": FIRST, "end_date": LAST})
        for dag in (INGEST, SAMPLES, BUILD):
            self._follow(dag, poll(lambda dag=dag: self._new(dag, seen[dag]), 120, f"{dag} was not woken"))
        grow_old(self.stack)
        trigger(self.stack, CLEANUP, conf={"dry_run": False})
        self._follow(CLEANUP, poll(lambda: self._new(CLEANUP, seen[CLEANUP]), 120, "no cleanup"))

    def _runs(self, dag: str) -> list[dict[str, Any]]:
        return list(self.stack.api.get(f"dags/{dag}/dagRuns")["dag_runs"])

    def _new(self, dag: str, seen: set[str]) -> str | None:
        return next((run["dag_run_id"] for run in self._runs(dag) if run["dag_run_id"] not in seen), None)

    def _follow(self, dag: str, run_id: str) -> None:
        self.during(dag, run_id)
        path = f"dags/{dag}/dagRuns/{run_id}"
        poll(lambda: self.stack.api.get(path)["state"] in ENDED, 1200, f"{dag} did not end")
        states = {
            each["task_id"]: each["state"] for each in self.stack.api.get(f"{path}/taskInstances")["task_instances"]
        }
        assert self.stack.api.get(path)["state"] == "success", states


def made(stack: Stack) -> dict[str, str]:
    """A digest of what the chain left: rows without their times, and files without their place."""
    found = {}
    with psycopg.connect(stack.postgres.url("warehouse")) as connection:
        for name, query in MADE.items():
            rows = sorted(map(repr, connection.execute(query).fetchall()))
            found[name] = f"{len(rows)} {hashlib.sha256(''.join(rows).encode()).hexdigest()}"
    data = stack.settings.home / "data"
    for path in sorted(path for path in data.rglob("*") if path.is_file()):
        text = MOMENT.sub(b"", path.read_bytes().replace(str(data).encode(), b""))
        name = str(path.relative_to(data))  # a report tells seconds and the day of its decision
        found[name] = "there" if name.startswith("reports/") else hashlib.sha256(text).hexdigest()
    found["tags"] = " ".join(sorted(tags(stack)))
    return found


def ollama(stack: Stack, method: str, verb: str, **body: str) -> Any:
    """Call the model server."""
    url = f"http://127.0.0.1:{stack.settings.ports['ollama']}/api/{verb}"
    answer = requests.request(method, url, json=body or None, timeout=30)
    answer.raise_for_status()
    return answer.json() if answer.content else None


def tags(stack: Stack) -> list[str]:
    """The package's own tags on the model server."""
    names = [str(tag["name"]) for tag in ollama(stack, "GET", "tags")["models"]]
    return [name for name in names if name.startswith("ljwx-stock:")]


def grow_old(stack: Stack) -> None:
    """Leave what a long life leaves, and nothing protects: rejected models, a dataset nobody uses, refused rows."""
    names = [f"ljwx-stock:20240105-{number:012x}" for number in range(OLD)]
    folder = stack.settings.home / "data" / "datasets" / "20240105-000000000000"
    folder.mkdir()
    (folder / "train.jsonl").write_text("{}\n")
    with psycopg.connect(stack.postgres.url("warehouse")) as connection:
        champion = connection.execute("SELECT model FROM ljwx.aliases WHERE alias = 'champion'").fetchone()
        assert champion is not None
        for statement in AGED:
            connection.execute(statement, {"names": names, "folder": str(folder), "champion": champion[0]})
    for name in names:
        ollama(stack, "POST", "copy", source=champion[0], destination=name)


AGED = (
    """INSERT INTO ljwx.models SELECT (jsonb_populate_record(m, jsonb_build_object(
       'model', name, 'created_at', '2024-01-05'::timestamptz))).*
       FROM ljwx.models m, unnest(%(names)s::text[]) AS name WHERE m.model = %(champion)s""",
    """INSERT INTO ljwx.promotions
       (challenger, question_set_id, verdict, promoted, reasons, policy, decided_at, run_key)
       SELECT name, question_set_id, 'rejected', false, '[]', '{}', '2024-01-06', run_key
       FROM ljwx.promotions p, unnest(%(names)s::text[]) AS name WHERE p.challenger = %(champion)s""",
    """INSERT INTO ljwx.datasets SELECT (jsonb_populate_record(d, jsonb_build_object(
       'dataset_id', '20240105-000000000000', 'sha256', repeat('0', 64), 'created_at', '2024-01-05'::timestamptz,
       'folder', %(folder)s::text))).* FROM ljwx.datasets d""",
    """INSERT INTO ljwx.quarantine (session, ts_code, reasons, raw, raw_sha256, first_seen, run_key)
       SELECT '2024-01-05', '000001.SZ', '{reference}', '{}', repeat(n::text, 64), '2024-01-05', min(run_key)
       FROM ljwx.runs, generate_series(1, 3) AS n GROUP BY n""",
)


def forget(stack: Stack) -> None:
    """Take everything away that the pipeline made, in all three places."""
    with psycopg.connect(stack.postgres.url("warehouse")) as connection:
        connection.execute("DROP SCHEMA ljwx CASCADE")
    shutil.rmtree(stack.settings.home / "data")
    for name in tags(stack):
        ollama(stack, "DELETE", "delete", model=name)


class Killer:
    """Kills the worker that runs a stage's task, with all its processes, and starts it again."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.killed: dict[str, str] = {}

    def __call__(self, dag: str, run_id: str) -> None:
        server = OllamaServer(f"http://127.0.0.1:{self.stack.settings.ports['ollama']}")
        server.play(SLOW)
        worker = poll(lambda: self._busy(dag, run_id), 600, f"{dag}: nobody was in the middle of it", pause=0.05)
        process = self.stack._file(worker).find()
        assert process is not None
        os.killpg(process.pid, signal.SIGKILL)
        self.killed[dag] = run_id
        server.clear_faults()
        poll(lambda: self.stack._file(worker).find() is None, 30, f"{worker} survived SIGKILL")
        self.stack.start_component(worker)

    def _busy(self, dag: str, run_id: str) -> str | None:
        """The worker that runs the stage's task, once that has begun to write."""
        return self._worker_of(dag, run_id) if self._has_begun(dag) else None

    def _has_begun(self, dag: str) -> bool:
        with psycopg.connect(self.stack.postgres.url("warehouse")) as connection:
            schema = connection.execute("SELECT to_regclass('ljwx.retention_events')").fetchone()
            return schema != (None,) and connection.execute(MIDDLE[dag] + " LIMIT 1").fetchone() is not None

    def _worker_of(self, dag: str, run_id: str) -> str | None:
        running = {each["pid"] for each in self.instances(dag, run_id) if each["state"] == "running"}
        for name in celery.WORKERS:
            process = self.stack._file(name).find()
            if process is not None and running & {child.pid for child in process.children(recursive=True)}:
                return name
        return None

    def instances(self, dag: str, run_id: str) -> list[dict[str, Any]]:
        """The task instances of the stage's task."""
        path = f"dags/{dag}/dagRuns/{run_id}/taskInstances"
        found = self.stack.api.get(path, limit=100)["task_instances"]
        return [each for each in found if each["task_id"] == STAGES[dag]]

    def tries(self) -> dict[str, int]:
        """How often the task of each stage was begun, at most: a killed one is begun again."""
        return {
            dag: max(each["try_number"] for each in self.instances(dag, run_id)) for dag, run_id in self.killed.items()
        }


def test_a_worker_killed_in_each_stage_changes_nothing_of_what_the_chain_makes(stack: Stack, long_range: bool) -> None:
    """The longer range compares all that is made with what a chain makes in which nobody is killed."""
    undisturbed = None
    if long_range:
        Chain(stack, lambda dag, run_id: None).run()
        undisturbed = made(stack)
        forget(stack)
    killer = Killer(stack)
    Chain(stack, killer).run()
    assert killer.tries() == dict.fromkeys(STAGES, 2)
    found = made(stack)
    assert not found["aliases"].startswith("0 ")
    assert found["removals"].startswith(f"{OLD + 2} ")
    assert (found["quarantine"][:2], found["unfinished"][:2]) == ("0 ", "0 ")
    assert undisturbed in (None, found)


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
