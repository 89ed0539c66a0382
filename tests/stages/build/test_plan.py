"""The stage `models`: what is planned, and when nothing is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowSkipException

from ljwx.core.lines import line_of
from ljwx.core.models import BuildSpec
from ljwx.core.promotions import GatePolicy
from ljwx.exceptions import ConfigurationError, ModelMissing
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.operators.ollama import OllamaOperator
from ljwx.stages.build.plan import plan_build
from ljwx.stages.build.verification import verify_model
from support_chain import SMALL, Chain, Database
from support_ollama import BASE, OllamaServer
from support_rows import add_alias, add_decision, add_model
from support_tasks import TaskRunner

WRITTEN = ("models", "evaluations", "promotions", "aliases")


@pytest.fixture(autouse=True)
def _own_specs(chain: Chain) -> Iterator[None]:
    """Leave no spec in the folder that others audit."""
    yield
    for path in (chain.data / "specs").glob("*.json"):
        if str(path) != chain.plan["spec_path"]:
            path.unlink()


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


NEWER = "20260323-000000000000"
NEXT = """
INSERT INTO ljwx.datasets (dataset_id, sha256, spec, counts, exclusions, proof, known_at, first_session, last_session,
                           folder, code_version, run_key)
SELECT %s, sha256, spec, counts, exclusions, proof, now(), first_session, %s, folder, code_version, run_key
FROM ljwx.datasets WHERE dataset_id = %s
"""


def newer_dataset(db: Database, chain: Chain, sessions: int = 1) -> None:
    """Another dataset, which ends so many sessions later."""
    last = db.value("SELECT last_session FROM ljwx.datasets WHERE dataset_id = %s", chain.dataset_id)
    days = [day for at in range(1, 60) if (day := last + timedelta(at)).weekday() < 5]
    add = "INSERT INTO ljwx.sessions (session, run_key) SELECT unnest(%s::date[]), max(run_key) FROM ljwx.runs"
    db.execute(f"{add} ON CONFLICT DO NOTHING", days)
    later = db.column("SELECT session FROM ljwx.sessions WHERE session > %s ORDER BY session", last)
    db.execute(NEXT, NEWER, later[sessions - 1], chain.dataset_id)


def test_a_line_is_trained_again_only_after_its_sessions_and_judged_on_newer_questions_until_then(
    chain_db: Database, chain: Chain, tasks: TaskRunner
) -> None:
    newer_dataset(chain_db, chain, 19)
    again = tasks.run(plan_build)
    assert again == chain.plan | {"dataset_id": NEWER, "made_from": chain.dataset_id}
    assert tasks.run(verify_model, again, chain.built) == chain.plan["model"]
    tasks.variables["ljwx_training_config"] = overlaid("model", retrain_every=19)
    trained = tasks.run(plan_build)
    assert (trained["dataset_id"], trained["made_from"]) == (NEWER, NEWER)
    assert trained["model"] != chain.plan["model"]


def test_a_run_that_is_given_its_settings_trains_at_once(chain_db: Database, chain: Chain, tasks: TaskRunner) -> None:
    newer_dataset(chain_db, chain)
    assert tasks.run(plan_build, params={"model": {"strategy": "prompt"}})["made_from"] == NEWER


def test_while_the_champion_is_too_young_to_be_trained_again_another_open_line_is_judged(
    chain_db: Database, chain: Chain, tasks: TaskRunner
) -> None:
    newer_dataset(chain_db, chain)
    add_alias(chain_db, chain.plan["model"])
    with pytest.raises(AirflowSkipException, match="nothing relevant changed: the champion"):
        tasks.run(plan_build)
    spec = chain_db.value("SELECT spec FROM ljwx.models") | {"system": "another"}
    add_model(chain_db, "ljwx-stock:rival", spec=spec, digest="e" * 64)
    WarehouseHook().open_line(1, line_of(BuildSpec.model_validate(spec)), "ljwx-stock:rival")
    assert tasks.run(plan_build)["model"] == "ljwx-stock:rival"
    add_decision(chain_db, "ljwx-stock:rival", "rejected")
    with pytest.raises(AirflowSkipException, match="nothing relevant changed: the champion"):
        tasks.run(plan_build)


def rival_line(db: Database, **changed: Any) -> tuple[str, BuildSpec]:
    """Open a line beside the settings', with a model of the oldest dataset; return it and that model's spec."""
    spec = BuildSpec.model_validate(db.value("SELECT spec FROM ljwx.models ORDER BY created_at LIMIT 1") | changed)
    before = spec.model_dump(mode="json") | {"messages": [{"role": "user", "content": "as of then"}]}
    add_model(db, "ljwx-stock:rival", spec=before, digest="e" * 64)
    return WarehouseHook().open_line(1, line_of(spec), "ljwx-stock:rival"), spec


def test_every_open_line_is_trained_again_by_the_settings_it_was_opened_with(
    chain_db: Database, chain: Chain, tasks: TaskRunner
) -> None:
    newer_dataset(chain_db, chain, 20)
    line, spec = rival_line(chain_db, parameters={"temperature": 0.5, "seed": 7, "num_ctx": 4096})
    own = tasks.run(plan_build)
    assert (own["made_from"], own["line_id"]) == (NEWER, ""), "the settings' own line goes first"
    add_alias(chain_db, chain.plan["model"])
    again = tasks.run(plan_build)
    assert (again["made_from"], again["line_id"], again["spec_sha256"]) == (NEWER, line, spec.sha256)
    made = BuildSpec.model_validate_json(Path(again["spec_path"]).read_text(encoding="utf-8"))
    assert (made.parameters["temperature"], made.messages) == (0.5, ())
    refused = {"dataset_id": NEWER, "spec": spec.model_dump(mode="json"), "line_id": line, "verified": None}
    add_model(chain_db, again["model"], **refused)
    chain_db.execute("DELETE FROM ljwx.runs WHERE task_id = 'plan_build'")
    judged = tasks.run(plan_build)
    assert (judged["model"], judged["line_id"]) == ("ljwx-stock:rival", ""), "it waits until its sessions have passed"


def test_a_line_whose_training_fails_holds_up_nobody(chain_db: Database, chain: Chain, tasks: TaskRunner) -> None:
    newer_dataset(chain_db, chain, 20)
    line, _ = rival_line(chain_db, parameters={"temperature": 0.5, "seed": 7, "num_ctx": 4096})
    add_alias(chain_db, chain.plan["model"])
    planned = tasks.run(plan_build)
    assert planned["line_id"] == line
    assert tasks.run(plan_build, again=True) == planned, "the same run goes on with what it began"
    judged = tasks.run(plan_build)
    assert (judged["model"], judged["line_id"]) == ("ljwx-stock:rival", "")


@pytest.mark.parametrize(
    "changed", [{"system": "another"}, {"base_digest": "f" * 64}, {"base": "gone:1b"}, {"strategy": "another"}]
)
def test_a_line_whose_recipe_cannot_be_made_any_more_is_judged_with_the_model_it_has(
    chain_db: Database, chain: Chain, tasks: TaskRunner, changed: dict[str, Any]
) -> None:
    newer_dataset(chain_db, chain, 20)
    rival_line(chain_db, **changed)
    add_alias(chain_db, chain.plan["model"])
    assert tasks.run(plan_build)["model"] == "ljwx-stock:rival"


def reject(db: Database, chain: Chain) -> None:
    """Write the decision that the gate in force did not let the model through."""
    policy = GatePolicy.model_validate(SMALL["gate"]).model_dump_json()
    db.execute(
        "INSERT INTO ljwx.promotions (challenger, question_set_id, verdict, promoted, reasons, policy, settings, "
        "run_key) SELECT %s, %s, 'rejected', false, '[]', %s, inputs -> 'settings', run_key FROM ljwx.models "
        "JOIN ljwx.runs USING (run_key)",
        chain.plan["model"], chain.question_set_id, policy,
    )  # fmt: skip


def test_a_model_that_was_decided_on_is_not_built_again(chain_db: Database, chain: Chain, tasks: TaskRunner) -> None:
    reject(chain_db, chain)
    with pytest.raises(AirflowSkipException, match=chain.plan["model"]):
        tasks.run(plan_build)
    chain_db.execute("UPDATE ljwx.models SET deleted_at = now()")
    assert tasks.run(plan_build) == chain.plan, "once it is deleted it may be built again"


def test_a_model_that_was_decided_on_and_then_refused_is_verified_again(
    chain_db: Database, chain: Chain, tasks: TaskRunner
) -> None:
    reject(chain_db, chain)
    chain_db.execute("UPDATE ljwx.models SET verified = NULL")
    assert tasks.run(plan_build) == chain.plan


@pytest.mark.parametrize("changed", [{"masked_share": 0.5}, {"test_share": 0}, {"shard_size": 7}])
def test_a_model_is_not_judged_again_because_of_what_decides_nothing(
    chain_db: Database, chain: Chain, tasks: TaskRunner, changed: dict[str, Any]
) -> None:
    """The same decision would stand, with the settings it was made under, and the next build be judged again too."""
    reject(chain_db, chain)
    tasks.variables["ljwx_training_config"] = overlaid("evaluation", **changed)
    with pytest.raises(AirflowSkipException, match="is built and decided on"):
        tasks.run(plan_build)


def test_a_decision_from_before_models_could_think_stands_until_they_are_let(
    chain_db: Database, chain: Chain, tasks: TaskRunner
) -> None:
    reject(chain_db, chain)
    chain_db.execute("UPDATE ljwx.promotions SET settings = settings #- '{evaluation,think}'")
    with pytest.raises(AirflowSkipException, match="is built and decided on"):
        tasks.run(plan_build)
    tasks.variables["ljwx_training_config"] = overlaid("evaluation", think=True)
    assert tasks.run(plan_build) == chain.plan


@pytest.mark.parametrize("spelled", [BASE.upper(), f"library/{BASE}", f"registry.ollama.ai/library/{BASE}"])
def test_a_base_is_found_and_built_from_by_any_spelling_of_its_name(
    chain_db: Database, chain: Chain, tasks: TaskRunner, ollama_sandbox: OllamaServer, spelled: str
) -> None:
    tasks.variables["ljwx_training_config"] = overlaid("model", base=spelled)
    plan = tasks.run(plan_build)
    spec = BuildSpec.model_validate_json(Path(plan["spec_path"]).read_text(encoding="utf-8"))
    listed = next(tag for tag in ollama_sandbox.get("tags")["models"] if tag["name"] == BASE)
    assert (spec.base, spec.base_digest) == (spelled, listed["digest"])
    built = OllamaOperator(task_id="build", model=plan["model"], spec_path=plan["spec_path"]).execute({})
    assert tasks.run(verify_model, plan, built) == plan["model"]
    ollama_sandbox.delete(plan["model"])


def test_a_verification_after_the_decision_does_not_say_what_was_decided_with(
    chain_db: Database, chain: Chain, tasks: TaskRunner
) -> None:
    reject(chain_db, chain)
    chain_db.execute("UPDATE ljwx.models SET verified = jsonb_set(verified, '{evaluation,num_predict}', '500')")
    with pytest.raises(AirflowSkipException, match="is built and decided on"):
        tasks.run(plan_build)
    tasks.variables["ljwx_training_config"] = overlaid("evaluation", num_predict=500)
    assert tasks.run(plan_build) == chain.plan, "it was verified like this, and not decided on"


@pytest.mark.parametrize(
    ("section", "changed"),
    [("gate", {"min_valid_share": 0.5}), ("evaluation", {"num_predict": 500})],
)
def test_a_model_is_judged_again_when_the_gate_or_the_questions_changed(
    chain_db: Database,
    chain: Chain,
    tasks: TaskRunner,
    section: str,
    changed: dict[str, Any],
) -> None:
    reject(chain_db, chain)
    tasks.variables["ljwx_training_config"] = overlaid(section, **changed)
    assert tasks.run(plan_build) == chain.plan


def test_a_model_is_judged_again_on_another_dataset(chain_db: Database, chain: Chain, tasks: TaskRunner) -> None:
    """With the strategy `prompt` datasets of one last session give one model, and different questions."""
    reject(chain_db, chain)
    chain_db.execute(
        "INSERT INTO ljwx.datasets SELECT (jsonb_populate_record(d, %s::jsonb)).* FROM ljwx.datasets d",
        json.dumps({"dataset_id": "another-dataset", "known_at": "2100-01-01"}),
    )
    assert tasks.run(plan_build) == chain.plan | {"dataset_id": "another-dataset"}


def test_a_base_other_than_the_pinned_one_is_refused(
    chain_db: Database, chain: Chain, tasks: TaskRunner, ollama_sandbox: OllamaServer
) -> None:
    digest = next(tag["digest"] for tag in ollama_sandbox.get("tags")["models"] if tag["name"] == BASE)
    tasks.variables["ljwx_training_config"] = overlaid("model", base_digest=digest)
    assert tasks.run(plan_build) == chain.plan
    with pytest.raises(ConfigurationError, match=f"model.base_digest: {BASE} on .* is {digest}, not 0{{64}}"):
        tasks.run(plan_build, params={"model": {"base_digest": "0" * 64}})


def test_a_template_of_the_settings_is_written_into_the_spec(
    chain_db: Database, chain: Chain, tasks: TaskRunner
) -> None:
    template = "{{ range .Messages }}{{ .Role }}: {{ .Content }}\n{{ end }}"
    plan = tasks.run(plan_build, params={"model": {"template": template}})
    assert plan["model"] != chain.plan["model"]
    spec = BuildSpec.model_validate_json(Path(plan["spec_path"]).read_text(encoding="utf-8"))
    assert spec.template == template


def test_nothing_is_built_from_the_spec_the_champion_is_made_of(
    chain_db: Database, chain: Chain, tasks: TaskRunner
) -> None:
    chain_db.execute("UPDATE ljwx.models SET model = 'ljwx-stock:20200101-' || left(spec_sha256, 12)")
    model = chain_db.value("SELECT model FROM ljwx.models")
    add_alias(chain_db, model, promotion_id=add_decision(chain_db, model, "first_champion"))
    with pytest.raises(AirflowSkipException, match="nothing relevant changed: the champion ljwx-stock:20200101-"):
        tasks.run(plan_build)
    chain_db.execute("UPDATE ljwx.models SET verified = NULL")
    assert tasks.run(plan_build) == chain.plan, "the champion did not pass its last verification"
    tasks.variables["ljwx_training_config"] = overlaid("model", parameters={"temperature": 0, "num_ctx": 2048})
    assert tasks.run(plan_build)["model"] != chain.plan["model"]
