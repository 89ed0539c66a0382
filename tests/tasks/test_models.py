"""The stage `models`: what is planned, and what a model has to show before it becomes a candidate."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowSkipException

from ljwx.core.models import BuildSpec
from ljwx.exceptions import BuildFailed, ConfigurationError, ModelMissing
from ljwx.tasks.models import plan_build, verify_model
from support_chain import SMALL, Chain, Database, answer_next
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


def test_a_verified_model_cites_its_dataset_spec_and_digest(
    chain_db: Database, chain: Chain, ollama_sandbox: OllamaServer
) -> None:
    (row,) = chain_db.rows("SELECT * FROM ljwx.models")
    tag = next(tag for tag in ollama_sandbox.get("tags")["models"] if tag["name"] == row["model"])
    assert row["digest"] == tag["digest"].removeprefix("sha256:")
    assert (row["model"], row["dataset_id"]) == (chain.plan["model"], chain.dataset_id)
    canonical = json.dumps(row["spec"], ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    assert hashlib.sha256(canonical.encode()).hexdigest() == row["spec_sha256"]
    assert len(row["verified"]["latency_s"]) == 2
    assert chain_db.column(
        "SELECT split FROM ljwx.dataset_samples WHERE sample_id = %s", row["verified"]["sample_id"]
    ) == ["validation"]


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        (["我看好这只股票", "我看好这只股票"], r"no valid answer \(not_the_schema\): '我看好这只股票'"),
        (["{answer}", "{answer} "], "answers the same question in two ways at temperature 0"),
    ],
)
def test_a_model_that_answers_badly_is_recorded_but_never_verified(
    chain_db: Database, chain: Chain, tasks: TaskRunner, ollama_faulty: OllamaServer, answers: list[str], message: str
) -> None:
    probe = chain_db.value("SELECT verified ->> 'sample_id' FROM ljwx.models")
    good = chain_db.value("SELECT answer::text FROM ljwx.samples WHERE sample_id = %s", probe)
    chain_db.execute("DELETE FROM ljwx.models")
    answer_next(ollama_faulty, *(answer.replace("{answer}", good) for answer in answers))
    with pytest.raises(BuildFailed, match=message):
        tasks.run(verify_model, chain.plan, chain.built)
    assert chain_db.rows("SELECT model, verified FROM ljwx.models") == [
        {"model": chain.plan["model"], "verified": None}
    ]
    assert chain_db.column("SELECT finished_at FROM ljwx.runs WHERE inputs ? 'spec_sha256' AND finished_at IS NULL")
