"""The pipeline behind a real pgbouncer in transaction mode: the same names, from the bars to a decision."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ljwx.hooks.warehouse import WarehouseHook
from ljwx.stages.ingest.features import compute_features
from ljwx_sandbox.postgres import EmbeddedPostgres
from support_chain import (
    FIRST,
    LAST,
    SMALL,
    Chain,
    Database,
    connect,
    database,
    ingest,
    to_decision,
    to_questions,
)
from support_ollama import OllamaServer
from support_pgbouncer import Pooler
from support_tasks import TaskRunner
from support_tushare import TushareServer


@pytest.fixture
def pooled(
    pooler: Pooler, postgres: EmbeddedPostgres, market: TushareServer, ollama_sandbox: OllamaServer, tmp_path: Path,
    tasks: TaskRunner, monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Database]:  # fmt: skip
    """An empty database, which the pipeline reaches through the pooler and the test directly."""
    with database(postgres, "template1") as name:
        connect(monkeypatch, pooler.url(postgres.url(name)))
        monkeypatch.setenv("AIRFLOW_CONN_OLLAMA_DEFAULT", ollama_sandbox.connection)
        monkeypatch.setenv("LJWX_DATA", str(tmp_path))
        tasks.variables["ljwx_training_config"] = SMALL
        yield Database(postgres.url(name))


def test_the_stages_make_the_same_names(pooled: Database, chain: Chain, tasks: TaskRunner) -> None:
    WarehouseHook().migrate()
    tasks.run(compute_features, ingest(tasks, FIRST, LAST))
    made = to_questions(tasks)
    assert (made["dataset_id"], made["plan"]["model"], made["built"]["digest"], made["question_set_id"]) == (
        chain.dataset_id, chain.plan["model"], chain.built["digest"], chain.question_set_id,
    )  # fmt: skip
    assert pooled.value("SELECT count(*) FROM ljwx.models WHERE verified IS NOT NULL") == 1
    verdict = to_decision(tasks, made["built"]["model"], made["question_set_id"])
    assert pooled.column("SELECT verdict FROM ljwx.promotions") == [verdict]
