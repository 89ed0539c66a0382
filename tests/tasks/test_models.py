"""The stage `models`: what is planned, and when nothing is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowSkipException

from ljwx.core.models import BuildSpec
from ljwx.exceptions import ConfigurationError, ModelMissing
from ljwx.tasks.models import plan_build
from support_chain import SMALL, Chain, Database
from support_ollama import OllamaServer
from support_tasks import TaskRunner

WRITTEN = ("models", "evaluations", "promotions", "aliases")


def overlaid(section: str, **values: Any) -> dict[str, Any]:
    return SMALL | {section: SMALL[section] | values}


def test_a_plan_is_repeatable_and_its_file_is_the_spec(chain_db: Database, chain: Chain, tasks: TaskRunner) -> None:
    plan = tasks.run(plan_build)
    assert plan == chain.plan
    path = Path(plan["spec_path"])
    spec = json.loads(path.read_text(encoding="utf-8"))
    assert path.name == f"{plan['spec_sha256']}.json"
    assert plan["model"] == f"ljwx-stock:{chain.dataset_id[:8]}-{plan['spec_sha256'][:12]}"
    assert (spec["strategy"], spec["messages"]) == ("prompt", [])


def test_few_shot_examples_are_answers_of_the_train_split_one_of_each_task(
    chain_db: Database, chain: Chain, tasks: TaskRunner
) -> None:
    tasks.variables["ljwx_training_config"] = overlaid("model", strategy="fewshot")
    plan = tasks.run(plan_build)
    assert plan["model"] != chain.plan["model"]
    spec = BuildSpec.model_validate_json(Path(plan["spec_path"]).read_text(encoding="utf-8"))
    answers = [message.content for message in spec.messages if message.role == "assistant"]
    found = chain_db.rows(
        "SELECT DISTINCT task, split FROM ljwx.samples JOIN ljwx.dataset_samples USING (sample_id) "
        "WHERE answer::text = ANY(%s)", answers,
    )  # fmt: skip
    assert len(answers) == 4
    assert {row["task"] for row in found if row["split"] == "train"} == {
        "investment_advice", "risk_assessment", "price_direction", "technical_analysis",
    }  # fmt: skip


def test_a_base_that_is_not_on_the_server_fails_and_nothing_is_written(chain_db: Database, tasks: TaskRunner) -> None:
    tasks.variables["ljwx_training_config"] = overlaid("model", base="no-such-base:7b")
    before = chain_db.state(*WRITTEN)
    with pytest.raises(ModelMissing, match="no-such-base:7b") as refused:
        tasks.run(plan_build)
    assert len(str(refused.value).splitlines()) == 1
    assert chain_db.state(*WRITTEN) == before


def test_without_a_dataset_it_says_what_to_run(
    db: Database, tasks: TaskRunner, ollama_sandbox: OllamaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_OLLAMA_DEFAULT", ollama_sandbox.connection)
    with pytest.raises(ConfigurationError, match="run ljwx_sample_generation first"):
        tasks.run(plan_build)


def test_a_model_that_was_decided_on_is_not_built_again(chain_db: Database, chain: Chain, tasks: TaskRunner) -> None:
    chain_db.execute(
        "INSERT INTO ljwx.promotions (challenger, question_set_id, verdict, promoted, reasons, policy, run_key) "
        "SELECT %s, %s, 'rejected', false, '[]', '{}', run_key FROM ljwx.models",
        chain.plan["model"], chain.question_set_id,
    )  # fmt: skip
    with pytest.raises(AirflowSkipException, match=chain.plan["model"]):
        tasks.run(plan_build)
    chain_db.execute("UPDATE ljwx.models SET deleted_at = now()")
    assert tasks.run(plan_build) == chain.plan, "once it is deleted it may be built again"


def test_no_more_examples_are_taken_than_fit_the_context(
    chain_db: Database,
    chain: Chain,
    tasks: TaskRunner,
    ollama_sandbox: OllamaServer,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def planned(num_ctx: int) -> BuildSpec:
        chosen = {"strategy": "fewshot", "examples_per_task": 3, "parameters": {"num_ctx": num_ctx, "temperature": 0}}
        tasks.variables["ljwx_training_config"] = overlaid("model", **chosen)
        return BuildSpec.model_validate_json(Path(tasks.run(plan_build)["spec_path"]).read_text(encoding="utf-8"))

    everything, fewer = len(planned(8192).messages), len(planned(5000).messages)
    assert (everything, everything > fewer, fewer % 8) == (24, True, 0)
    with pytest.raises(ConfigurationError, match=r"num_ctx of .*: not one example a task fits"):
        planned(1024)


def test_nothing_is_built_from_the_spec_the_champion_is_made_of(
    chain_db: Database, chain: Chain, tasks: TaskRunner
) -> None:
    chain_db.execute("UPDATE ljwx.models SET model = 'ljwx-stock:20200101-' || left(spec_sha256, 12)")
    promotion = chain_db.insert(
        "INSERT INTO ljwx.promotions (challenger, question_set_id, verdict, promoted, reasons, policy, run_key) "
        "SELECT model, %s, 'first_champion', true, '[]', '{}', run_key FROM ljwx.models RETURNING promotion_id",
        chain.question_set_id,
    )  # fmt: skip
    chain_db.execute(
        "INSERT INTO ljwx.aliases (alias, model, digest, promotion_id) "
        "SELECT 'champion', model, digest, %s FROM ljwx.models", promotion,
    )  # fmt: skip
    with pytest.raises(AirflowSkipException, match="nothing relevant changed: the champion ljwx-stock:20200101-"):
        tasks.run(plan_build)
    tasks.variables["ljwx_training_config"] = overlaid("model", parameters={"temperature": 0, "num_ctx": 2048})
    assert tasks.run(plan_build)["model"] != chain.plan["model"]
