"""The pipeline behind a real pgbouncer in transaction mode: the same names, from the bars to a verified model."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ljwx.hooks.warehouse import WarehouseHook
from ljwx.operators.ollama import OllamaOperator
from ljwx.stages.build.plan import plan_build
from ljwx.stages.build.verification import verify_model
from ljwx.stages.evaluate.questions import freeze_questions
from ljwx.stages.ingest.features import compute_features
from ljwx.stages.samples.dataset import build_dataset
from ljwx_sandbox.postgres import EmbeddedPostgres
from support_chain import FIRST, LAST, SMALL, Chain, Database, connect, database, ingest
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
    dataset_id = tasks.run(build_dataset)
    plan = tasks.run(plan_build)
    built = OllamaOperator(task_id="build", model=plan["model"], spec_path=plan["spec_path"]).execute({})
    tasks.run(verify_model, plan, built)
    questions = tasks.run(freeze_questions, dataset_id)
    assert (dataset_id, plan["model"], built["digest"], questions) == (
        chain.dataset_id, chain.plan["model"], chain.built["digest"], chain.question_set_id,
    )  # fmt: skip
    assert pooled.value("SELECT count(*) FROM ljwx.models WHERE verified IS NOT NULL") == 1
