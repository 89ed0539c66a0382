"""What the benches of asking and building stand on: a warehouse with questions, and the sandbox's server with a model.

A few-shot model with four examples, and frozen questions of all four tasks about synthetic snapshots, in the order of a
question set: prompts have the product's own form and length, what the answers say does not matter here. The warehouse
is an embedded PostgreSQL, and each answer is saved before the next is asked for, as in a run.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import requests

from ljwx_sandbox.processes import free_port

BASE = "smollm2:135m"
EACH = 4
"""Questions of each task."""
EXAMPLES = 4
"""As the sandbox builds its model: one example a task."""
EXAMPLE_TASK = "risk_assessment"
CONTEXT = 8192
ANSWER = '{"risk":"low","factors":["波动偏低","回撤较浅"],"analysis":"波动偏低,回撤较浅","note":"不构成投资建议"}'


def asked_tasks(each: int = EACH) -> list[Any]:
    """Return the task of each question."""
    from ljwx.core.tasks import TASKS

    return [task for task in TASKS for _ in range(each)]


def snapshots(count: int, seed: int) -> list[str]:
    """Snapshots with every field of the real ones, drawn at random."""
    from ljwx.core.features import GROUPS
    from ljwx.core.snapshots.facts import facts_in, signals_in
    from ljwx.core.snapshots.snapshot import canonical

    draw, made = np.random.default_rng(seed), []
    for number in range(count):
        sections: dict[str, dict[str, float]] = {}
        for each in facts_in(GROUPS):
            sections.setdefault(each.section, {})[each.name] = round(float(draw.uniform(-90, 90)), each.decimals)
        facts = {
            "board": "主板", "industry": "银行", "name": f"股票{number}", "ts_code": f"{number:06d}.SZ",
            "session": str(date(2026, 1, 5) + timedelta(days=number)), "limit": "正常", "horizon": 5,
            "suspended_20": 0, "range": {"low": -6, "high": 6}, "levels": {"support": -2.5, "resistance": 3.0},
            "readings": {rule.name: str(draw.choice(rule.words)) for rule in signals_in(GROUPS)},
        }  # fmt: skip
        made.append(canonical(facts | sections))
    return made


@dataclass(frozen=True)
class Workbench:
    """A warehouse with the questions, and a model server with the model.

    :param each: questions of each task.
    """

    url: str
    server: str
    folder: Path
    spec: Any
    warehouse: Any
    ollama: Any
    each: int = EACH

    @property
    def settings(self) -> Any:
        """The shipped settings on the sandbox's base."""
        from ljwx.settings import load_settings

        return load_settings({"model": {"base": BASE}})

    def evaluation(self) -> int:
        """Build the model, write the questions, load the model, and return the open evaluation."""
        from ljwx.services.asking.full import request_config

        run_key, model, digest = self.questions("validation")
        self.ollama.chat(BASE, [{"role": "user", "content": "1"}], options={"num_predict": 1, "num_ctx": CONTEXT})
        return int(self.warehouse.open_evaluation(run_key, model, digest, "bench", request_config(self.settings)))

    def questions(self, kind: str) -> tuple[int, str, str]:
        """Build the model and write the questions; return the run, and the model with its digest."""
        from ljwx.core.evaluations import Question
        from ljwx.core.tasks import TASKS
        from ljwx.warehouse.evaluations import QuestionSet
        from ljwx.warehouse.runs import RunRef

        run_key = self.warehouse.start_run(RunRef("bench", "bench", "evaluation"))
        tasks = asked_tasks(self.each)
        texts = snapshots(len(tasks), seed=1)
        model = self.spec.model_name(date(2026, 1, 5))
        _run(self.operator(model, self.spec))
        digest = self.ollama.digest(model)
        _write(self.url, run_key, tasks, texts, {"model": model, "digest": digest}, self.spec)
        questions = [
            Question(f"q{at}", task, f"{at:06d}.SZ", date(2026, 1, 5) + timedelta(at), label, None, "", "")
            for at, (task, label) in enumerate((task, TASKS[task].classes[0]) for task in tasks)
        ]
        self.warehouse.save_question_set(run_key, QuestionSet("bench", "bench", kind), questions)
        return run_key, model, digest

    def operator(self, model: str, spec: Any) -> Any:
        """Return the operator that builds the model."""
        from ljwx.operators.ollama import OllamaOperator

        path = self.folder / f"{spec.sha256}.json"
        path.write_text(spec.model_dump_json(), encoding="utf-8")
        return OllamaOperator(task_id="build", model=model, spec_path=str(path))

    def by_operator(self, number: int) -> float:
        """Create another model through the operator, and remove it; return the seconds of the creation."""
        spec = self.spec.model_copy(update={"parameters": {**self.spec.parameters, "seed": 1000 + number}})
        operator = self.operator("bench:ours", spec)
        begin = time.perf_counter()
        _run(operator)
        taken = time.perf_counter() - begin
        self.ollama.delete("bench:ours")
        return taken

    def by_http(self, number: int) -> float:
        """Create another model by one request, and remove it; return the seconds of the creation."""
        spec = self.spec
        body = {
            "model": "bench:bare", "from": spec.base, "system": spec.system, "stream": False,
            "parameters": {**spec.parameters, "seed": 2000 + number},
            "messages": [message.model_dump() for message in spec.messages],
        }  # fmt: skip
        begin = time.perf_counter()
        requests.post(f"{self.server}/api/create", json=body, timeout=600).raise_for_status()
        taken = time.perf_counter() - begin
        self.ollama.delete("bench:bare")
        return taken


def _run(operator: Any) -> None:
    if not operator.execute({})["built"]:
        raise RuntimeError("the model was there already")


@contextmanager
def workbench(*options: str, each: int = EACH) -> Iterator[Workbench]:
    """Start both servers, and stop them.

    :param options: of the model server's command.
    :param each: questions of each task.
    """
    from ljwx_sandbox.postgres import EmbeddedPostgres

    with tempfile.TemporaryDirectory(prefix="ljwx-bench-") as folder:
        Path(folder).chmod(0o755)  # a server started by root runs as another user
        postgres = EmbeddedPostgres(Path(folder) / "postgres", free_port(), "for-this-bench-only")
        postgres.start()
        try:
            with model_server(Path(folder) / "models", *options) as server:
                yield replace(_connected(postgres.url("warehouse"), server, Path(folder)), each=each)
        finally:
            postgres.stop()


def _connected(url: str, server: str, folder: Path) -> Workbench:
    os.environ["AIRFLOW_CONN_LJWX_POSTGRES"] = url.replace("postgresql://", "postgres://")
    os.environ["AIRFLOW_CONN_OLLAMA_DEFAULT"] = connection_of(server)
    from ljwx.hooks.ollama import OllamaHook
    from ljwx.hooks.warehouse import WarehouseHook

    warehouse, ollama = WarehouseHook(), OllamaHook()
    warehouse.migrate()
    return Workbench(url, server, folder, _spec(ollama), warehouse, ollama)


def connection_of(server: str, **extra: int) -> str:
    """Return a server as the text of an AIRFLOW_CONN_ variable."""
    host, port = server.removeprefix("http://").split(":")
    return json.dumps({"conn_type": "ollama", "host": host, "port": int(port), "extra": extra})


@contextmanager
def model_server(models: Path, *options: str) -> Iterator[str]:
    """Run the sandbox's model server, and yield its address."""
    command = [sys.executable, "-m", "ljwx_sandbox.ollama", "--host", "127.0.0.1", "--port", "0"]
    with subprocess.Popen([*command, "--models", str(models), *options], stdout=subprocess.PIPE, text=True) as process:
        try:
            line = process.stdout.readline() if process.stdout else ""
            if not line.startswith("Ollama sandbox on "):
                raise RuntimeError(f"the model server did not start: {line!r}")
            yield line.split()[3].rstrip(",")
        finally:
            process.terminate()


def _spec(ollama: Any) -> Any:
    """Return the spec of a few-shot model with the product's system prompt."""
    from ljwx.core.models import BuildSpec
    from ljwx.core.prompts import example_messages, load_prompts
    from ljwx.resources import included_below

    prompts = load_prompts(included_below("prompts"), "v1", [EXAMPLE_TASK])
    examples: list[tuple[Any, str, str]] = [(EXAMPLE_TASK, text, ANSWER) for text in snapshots(EXAMPLES, seed=2)]
    return BuildSpec.model_validate(
        {
            "base": BASE, "base_digest": ollama.digest(BASE), "strategy": "fewshot", "system": prompts.system,
            "parameters": {"temperature": 0, "seed": 7, "num_ctx": CONTEXT},
            "messages": list(example_messages(examples, prompts)),
        }
    )  # fmt: skip


def _write(url: str, run_key: int, tasks: list[Any], texts: list[str], built: dict[str, str], spec: Any) -> None:
    """Write dataset, samples and model as the stages before would have."""
    import psycopg

    from ljwx.core.tasks import TASKS

    with psycopg.connect(url) as connection:
        connection.execute(
            "INSERT INTO ljwx.datasets (dataset_id, sha256, spec, counts, exclusions, proof, first_session, "
            "last_session, folder, code_version, run_key) "
            "VALUES ('bench', '', '{}', '{}', '{}', '{}', '2026-01-05', '2026-01-05', '', '', %s)",
            (run_key,),
        )
        for at, text in enumerate(texts):
            session = date(2026, 1, 5) + timedelta(days=at)
            connection.execute(
                "INSERT INTO ljwx.samples (sample_id, ts_code, session, task, snapshot, snapshot_sha256, answer, "
                "label, label_end, bars_from, feature_version, prompt_version, run_key) "
                "VALUES (%s, %s, %s, %s, %s, '', '{}', %s, %s, %s, '', 'v1', %s)",
                (
                    f"q{at}",
                    f"{at:06d}.SZ",
                    session,
                    tasks[at],
                    text,
                    TASKS[tasks[at]].classes[0],
                    session,
                    session,
                    run_key,
                ),
            )
            connection.execute("INSERT INTO ljwx.dataset_samples VALUES ('bench', %s, 'validation', NULL)", (f"q{at}",))
        connection.execute(
            "INSERT INTO ljwx.models (model, digest, strategy, base, base_digest, spec, spec_sha256, dataset_id, "
            "run_key) VALUES (%s, %s, 'fewshot', %s, %s, '{}', %s, 'bench', %s)",
            (built["model"], built["digest"], BASE, spec.base_digest, spec.sha256, run_key),
        )


def query(url: str, text: str) -> list[Any]:
    """Return the rows of a query."""
    import psycopg

    with psycopg.connect(url) as connection:
        return connection.execute(text).fetchall()
