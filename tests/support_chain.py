"""A small market taken through the stages once; every test that asks gets a copy of the warehouse at that stage."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from subprocess import CompletedProcess
from types import ModuleType
from typing import Any

import polars as pl
import psycopg
import pytest
import requests
from psycopg.rows import dict_row

import support_shared
from ljwx.warehouse.market.bars import IngestDay
from ljwx_sandbox.postgres import EmbeddedPostgres
from support_ollama import BASE, OllamaServer
from support_postgres import COPYING, close, data_of
from support_tasks import TaskRunner
from support_tushare import REPOSITORY, TushareServer, running_tushare

FIRST, LAST = "2025-09-01", "2026-03-20"
MARKET = (
    "--stocks", "20", "--seed", "7", "--effect", "0.3", "--origin", "2025-01-01", "--to", "2026-11-20",
    "--sessions", str(REPOSITORY / "include" / "sessions" / "sse.txt"),
)  # fmt: skip
SMALL: dict[str, Any] = {
    "samples": {"max_train": 400, "max_validation": 60, "max_test": 60, "min_market_stocks": 10},
    "model": {"base": BASE, "strategy": "prompt", "examples_per_task": 1},
    "evaluation": {"questions": 4, "class_questions": 0},
    "gate": {"min_questions": 4, "max_modal_share": 1.0},
}
"""Four questions are enough to see what the stages do with answers; nothing here is about how good they are. Those of
which the class alone is asked have their own tests.

The strategy `prompt` has a quarter of the tokens of `fewshot` to read.
"""

TABLES = (
    "runs", "sessions", "instruments", "names", "index_members", "suspensions", "bars", "quarantine", "ingest_days",
    "complete_days", "features", "feature_marks", "samples", "datasets", "dataset_samples", "sample_supersessions",
    "models", "question_sets", "questions", "evaluations", "answers", "class_answers", "test_looks", "promotions",
    "aliases", "retention_events", "incidents", "rate_slots",
)  # fmt: skip


MOMENT = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00")


def content_of(folder: Path) -> dict[str, bytes]:
    """Every file of a dataset but for the moment that its card names: the same content can be known at another one."""
    return {name: MOMENT.sub(b"moment", text) for name, text in data_of(folder).items()}


class Database:
    """A warehouse looked at from outside: plain SQL over a connection of its own."""

    def __init__(self, url: str) -> None:
        self.url = url

    def rows(self, query: str, *values: Any) -> list[dict[str, Any]]:
        with psycopg.connect(self.url, row_factory=dict_row) as connection:
            return connection.execute(query, values).fetchall()

    def column(self, query: str, *values: Any) -> list[Any]:
        return [next(iter(row.values())) for row in self.rows(query, *values)]

    def value(self, query: str, *values: Any) -> Any:
        (value,) = self.column(query, *values)
        return value

    def execute(self, query: str, *values: Any) -> None:
        with psycopg.connect(self.url) as connection:
            connection.execute(query, values)

    def insert(self, query: str, *values: Any) -> int:
        """Run an INSERT … RETURNING and return the one number."""
        with psycopg.connect(self.url, row_factory=dict_row) as connection:
            row = connection.execute(query, values).fetchone()
        assert row is not None
        return int(next(iter(row.values())))

    def turns(self, *, taken: bool) -> list[int]:
        """PostgreSQL's processes that have an advisory lock of this database, or wait for one."""
        return self.column(
            "SELECT pid FROM pg_locks JOIN pg_database d ON d.oid = database "
            "WHERE datname = current_database() AND locktype = 'advisory' AND granted = %s", taken,
        )  # fmt: skip

    def counts(self) -> dict[str, int]:
        """Rows of every table."""
        return {table: self.value(f"SELECT count(*) FROM ljwx.{table}") for table in TABLES}

    def state(self, *tables: str) -> dict[str, list[tuple[str, str]]]:
        """Every row of the tables with the transaction that wrote it: equal only if nothing was touched."""
        query = "SELECT t::text AS row, xmin::text AS by FROM ljwx.{} t ORDER BY 1"
        return {table: [tuple(row.values()) for row in self.rows(query.format(table))] for table in tables or TABLES}


@contextmanager
def database(server: EmbeddedPostgres, template: str, keep: str | None = None) -> Iterator[str]:
    """A copy of a database, by its name.

    It is dropped at the end, unless it is one to `keep` under that name: that one can only be copied then.
    """
    name = keep or f"test_{uuid.uuid4().hex}"
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        # Hooks that nobody uses any more close their connections when they are collected, which may not be yet.
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (template,))
        connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template} {COPYING}")
    yield name
    if keep:
        close(server, name)
    else:
        with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def copied(server: EmbeddedPostgres, template: str) -> Iterator[Database]:
    """A copy of a database, which the connection `ljwx_postgres` names meanwhile."""
    with database(server, template) as name, pytest.MonkeyPatch.context() as patch:
        connect(patch, server.url(name))
        yield Database(server.url(name))


@contextmanager
def warehouse_at(server: EmbeddedPostgres, revision: str) -> Iterator[tuple[str, Database]]:
    """A warehouse as a migration left it, and its URL to upgrade it from there."""
    from ljwx.migrations import upgrade

    with database(server, "template1") as name:
        url = server.url(name, "postgresql+psycopg")
        upgrade(url, revision)
        yield url, Database(server.url(name))


def connect(patch: pytest.MonkeyPatch, url: str) -> None:
    """Let the connection `ljwx_postgres` name a database."""
    patch.setenv("AIRFLOW_CONN_LJWX_POSTGRES", url.replace("postgresql://", "postgres://"))


@contextmanager
def running_tasks() -> Iterator[tuple[TaskRunner, pytest.MonkeyPatch]]:
    """A task runner outside of any one test."""
    import airflow.sdk

    with pytest.MonkeyPatch.context() as patch:
        runner = TaskRunner()
        runner.variables["ljwx_training_config"] = SMALL
        patch.setattr(airflow.sdk.Variable, "get", runner.variable)
        yield runner, patch


@pytest.fixture(scope="session")
def market_process() -> Iterator[TushareServer]:
    """The TuShare server of the small market."""
    with running_tushare(*MARKET) as server:
        yield server


@pytest.fixture
def market(market_process: TushareServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[TushareServer]:
    """The small market's server, without faults, which the connection `tushare_default` names."""
    market_process.faults()
    monkeypatch.setenv("AIRFLOW_CONN_TUSHARE_DEFAULT", market_process.connection())
    yield market_process
    market_process.faults()


@pytest.fixture
def db(warehouse_url: str) -> Database:
    """An empty warehouse."""
    return Database(warehouse_url)


def ingest(runner: TaskRunner, first: str, last: str) -> list[dict[str, str]]:
    """Take a range through the stage `bars`, and return what `plan_ingest` planned."""
    from ljwx.stages.ingest.bars import ingest_bars
    from ljwx.stages.ingest.plan import plan_ingest

    chunks = runner.run(plan_ingest, params={"start_date": first, "end_date": last})
    for chunk in chunks:
        runner.run(ingest_bars, chunk)
    return chunks


@pytest.fixture(scope="session")
def ingested(postgres: EmbeddedPostgres, migrated_template: str, market_process: TushareServer) -> str:
    """A database with bars and features of the whole range, to be copied."""
    from ljwx.stages.ingest.features import compute_features

    def fill() -> str:
        with (
            database(postgres, migrated_template, keep="chain_ingested") as name,
            running_tasks() as (runner, patch),
        ):
            connect(patch, postgres.url(name))
            patch.setenv("AIRFLOW_CONN_TUSHARE_DEFAULT", market_process.connection())
            runner.run(compute_features, ingest(runner, FIRST, LAST))
        return name

    return str(support_shared.once("chain_ingested", fill))


@pytest.fixture
def market_db(postgres: EmbeddedPostgres, ingested: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    """A warehouse with bars and features, of this test's own."""
    with database(postgres, ingested) as name:
        connect(monkeypatch, postgres.url(name))
        yield Database(postgres.url(name))


@dataclass(frozen=True)
class Chain:
    """What the stages made of the small market."""

    template: str
    data: Path
    dataset_id: str
    plan: dict[str, str]
    built: dict[str, Any]
    question_set_id: str


@pytest.fixture(scope="session")
def chain(
    postgres: EmbeddedPostgres, ingested: str, ollama_sandbox: OllamaServer, tmp_path_factory: pytest.TempPathFactory
) -> Chain:
    """A dataset, a verified model made from it, and a question set that nobody has answered.

    It is made once a run; each process has a copy of its database and files, and the model on its own server.
    """
    from ljwx.operators.ollama import OllamaOperator

    made = support_shared.once("chain_built", lambda: build_chain(postgres, ingested, ollama_sandbox))
    data = tmp_path_factory.mktemp("chain")
    shutil.copytree(made["data"], data, dirs_exist_ok=True)
    plan = {name: text.replace(made["data"], str(data)) for name, text in made["plan"].items()}
    with database(postgres, made["template"], keep=f"chain_{support_shared.WORKER}") as name:
        move = "UPDATE ljwx.datasets SET folder = replace(folder, %s, %s)"
        Database(postgres.url(name)).execute(move, made["data"], str(data))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRFLOW_CONN_OLLAMA_DEFAULT", ollama_sandbox.connection)
        served = OllamaOperator(task_id="build", model=plan["model"], spec_path=plan["spec_path"]).execute({})
    assert served["digest"] == made["built"]["digest"]
    return Chain(name, data, made["dataset_id"], plan, made["built"], made["question_set_id"])


def build_chain(postgres: EmbeddedPostgres, ingested: str, ollama: OllamaServer) -> dict[str, Any]:
    """Take the small market from its bars to a question set, and return the fields of its `Chain`."""
    data = support_shared.folder() / "chain"
    shutil.rmtree(data, ignore_errors=True)  # what an attempt that failed left
    with database(postgres, ingested, keep="chain_built") as name, running_tasks() as (runner, patch):
        connect(patch, postgres.url(name))
        patch.setenv("AIRFLOW_CONN_OLLAMA_DEFAULT", ollama.connection)
        patch.setenv("LJWX_DATA", str(data))
        made = to_questions(runner)
    return {"template": name, "data": str(data), **made}


def to_questions(runner: TaskRunner) -> dict[str, Any]:
    """Take a warehouse from its features to a verified model and a question set."""
    from ljwx.operators.ollama import OllamaOperator
    from ljwx.stages.build.plan import plan_build
    from ljwx.stages.build.verification import verify_model
    from ljwx.stages.evaluate.questions import freeze_questions
    from ljwx.stages.samples.dataset import build_dataset

    dataset_id = runner.run(build_dataset)
    plan = runner.run(plan_build)
    built = OllamaOperator(task_id="build", model=plan["model"], spec_path=plan["spec_path"]).execute({})
    runner.run(verify_model, plan, built)
    question_set_id = runner.run(freeze_questions, dataset_id)
    return {"dataset_id": dataset_id, "plan": plan, "built": built, "question_set_id": question_set_id}


def to_decision(runner: TaskRunner, model: str, question_set_id: str) -> str:
    """Ask a model its questions, and return the gate's verdict on it."""
    from ljwx.stages.evaluate.asking import ask_questions
    from ljwx.stages.evaluate.questions import plan_questions
    from ljwx.stages.promote.decision import decide_promotion

    for shard in runner.run(plan_questions, model, question_set_id):
        runner.run(ask_questions, shard)
    return str(runner.run(decide_promotion, model, question_set_id)["verdict"])


@pytest.fixture
def chain_db(
    postgres: EmbeddedPostgres,
    chain: Chain,
    ollama_sandbox: OllamaServer,
    tasks: TaskRunner,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Database]:
    """A warehouse with dataset, model and questions, of this test's own; both peers and the settings are in force."""
    with database(postgres, chain.template) as name:
        connect(monkeypatch, postgres.url(name))
        monkeypatch.setenv("AIRFLOW_CONN_OLLAMA_DEFAULT", ollama_sandbox.connection)
        monkeypatch.setenv("LJWX_DATA", str(chain.data))
        tasks.variables["ljwx_training_config"] = SMALL
        yield Database(postgres.url(name))


def evaluation_of(db: Database, chain: Chain, model: str, question_set_id: str = "", *, base: bool = False) -> int:
    """The open evaluation of a model on the chain's questions, asked with the settings of SMALL; its id."""
    from ljwx.services.asking.full import request_config
    from ljwx.settings import load_settings

    settings = load_settings(SMALL)
    sent = request_config(settings, settings.model.parameters if base else None)
    return db.insert(
        "INSERT INTO ljwx.evaluations (model, digest, question_set_id, is_base, asked_with, run_key) "
        "SELECT %s, CASE WHEN %s THEN base_digest ELSE digest END, %s, %s, %s, run_key FROM ljwx.models "
        "WHERE model = %s RETURNING evaluation_id",
        model, base, question_set_id or chain.question_set_id, base,
        json.dumps(sent), chain.plan["model"] if base else model,
    )  # fmt: skip


def bars_of(session: date, **changed: dict[str, float | None]) -> pl.DataFrame:
    """Bars of three stocks on one session; `changed` lays other values over a column: ``close={"000001.SZ": 9.9}``."""
    codes = ["000001.SZ", "300001.SZ", "600000.SH"]
    plain = {
        "open": 10.0, "high": 10.5, "low": 9.5, "close": 10.2, "pre_close": 10.0, "vol": 1000.0, "amount": 1020.0,
        "ah_vol": None, "ah_amount": None, "adj_factor": 1.5, "up_limit": 11.0, "down_limit": 9.0,
    }  # fmt: skip
    columns = {name: [changed.get(name, {}).get(code, value) for code in codes] for name, value in plain.items()}
    return pl.DataFrame({"session": session, "ts_code": codes}).with_columns(
        *(pl.Series(name, values, dtype=pl.Float64) for name, values in columns.items()),
        flags=pl.Series([["vwap", "no_trade"], [], []], dtype=pl.List(pl.String)),
    )


def whole_day(session: date, complete: bool = True, **changed: Any) -> IngestDay:
    """The row of `ljwx.ingest_days` for the bars of `bars_of`."""
    day = IngestDay(session, complete, expected=3, received=3, quarantined=0, suspended=0)
    return replace(day, **changed)


RunScript = Callable[..., "CompletedProcess[str]"]


@pytest.fixture(scope="session")
def run_script(programs: ModuleType) -> RunScript:
    """Runs a script in a process of its own, which may kill itself; modules beside the tests are importable."""
    path = os.pathsep.join(str(REPOSITORY / name) for name in ("plugins", "sandbox", "tests"))

    def run(script: str, **environment: str) -> CompletedProcess[str]:
        done: CompletedProcess[str] = programs.run(
            [sys.executable, "-c", script], env={**os.environ, **environment, "PYTHONPATH": path},
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        return done

    return run


UNPLAYED: dict[str, Any] = {"route": "chat", "kind": "delay", "seconds": 0}
"""The server answers by itself."""


def answer_next(server: OllamaServer, *texts: str | None) -> None:
    """Let the next chats be answered with these texts; where there is None, the server answers by itself."""
    end = {"model": "x", "done": True, "done_reason": "stop", "prompt_eval_count": 9, "eval_count": 9}
    faults = [
        UNPLAYED
        if text is None
        else {"route": "chat", "kind": "lines", "lines": [{**end, "message": {"role": "assistant", "content": text}}]}
        for text in texts
    ]
    requests.put(f"{server.url}/_sandbox/faults", json=faults, timeout=60).raise_for_status()
