"""The stage `promotions`: decisions as rows, and a served alias that follows them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from ljwx.assets import MODEL
from ljwx.exceptions import ConfigurationError
from ljwx.tasks.promotions import decide_promotion
from support_chain import Chain, Database
from support_ollama import OllamaServer
from support_tasks import TaskRunner

LATEST, OTHER = "ljwx-stock:latest", "ljwx-stock:other"


@pytest.fixture
def server(ollama_sandbox: OllamaServer) -> Iterator[OllamaServer]:
    """The model server; the alias and the second model are gone afterwards."""
    yield ollama_sandbox
    ollama_sandbox.delete(LATEST)
    ollama_sandbox.delete(OTHER)


def digests(server: OllamaServer) -> dict[str, str]:
    return {tag["name"]: tag["digest"].removeprefix("sha256:") for tag in server.get("tags")["models"]}


def answered(db: Database, chain: Chain, model: str, *, right: int, valid: bool = True) -> int:
    """Write an evaluation of the model with the first `right` answers right, and return its id."""
    evaluation = db.insert(
        "INSERT INTO ljwx.evaluations (model, digest, question_set_id, run_key) "
        "SELECT model, digest, %s, run_key FROM ljwx.models WHERE model = %s RETURNING evaluation_id",
        chain.question_set_id, model,
    )  # fmt: skip
    wrong = {"investment_advice": ("buy", "hold"), "risk_assessment": ("low", "medium"),
             "price_direction": ("up", "flat"), "technical_analysis": ("bullish", "neutral")}  # fmt: skip
    questions = db.rows(
        "SELECT sample_id, task, label FROM ljwx.questions JOIN ljwx.samples USING (sample_id) ORDER BY position"
    )
    for at, row in enumerate(questions):
        other = next(label for label in wrong[row["task"]] if label != row["label"])
        label = row["label"] if at < right else other
        db.execute(
            "INSERT INTO ljwx.answers (evaluation_id, sample_id, raw, valid, label, reason, latency_s, prompt_tokens, "
            "answer_tokens) VALUES (%s, %s, 'as it came', %s, %s, %s, 0.5, 300, 60)",
            evaluation, row["sample_id"], valid, label if valid else None, None if valid else "not_the_schema",
        )  # fmt: skip
    return evaluation


def second_model(db: Database, chain: Chain, server: OllamaServer) -> None:
    """Another model with the same weights, as row and as tag."""
    assert server.post("copy", {"source": chain.plan["model"], "destination": OTHER}).ok
    db.execute(
        "INSERT INTO ljwx.models (model, digest, strategy, base, base_digest, spec, spec_sha256, dataset_id, run_key) "
        "SELECT %s, digest, strategy, base, base_digest, spec, spec_sha256, dataset_id, run_key FROM ljwx.models",
        OTHER,
    )


def crown(db: Database, model: str, promotion: int | None = None) -> None:
    db.execute(
        "INSERT INTO ljwx.aliases (alias, model, digest, promotion_id) "
        "SELECT 'champion', model, digest, %s FROM ljwx.models WHERE model = %s",
        promotion, model,
    )  # fmt: skip


def promotions(db: Database) -> list[dict[str, Any]]:
    return db.rows("SELECT challenger, champion, verdict, promoted FROM ljwx.promotions ORDER BY promotion_id")


ALIASES = "SELECT alias, model, promotion_id, updated_at FROM ljwx.aliases ORDER BY alias"


def test_the_first_model_above_the_floors_becomes_champion_and_is_served(
    chain_db: Database, chain: Chain, tasks: TaskRunner, server: OllamaServer
) -> None:
    model = chain.plan["model"]
    evaluation = answered(chain_db, chain, model, right=3)
    told = tasks.run(decide_promotion, evaluation)
    assert told["verdict"] == "first_champion"
    assert promotions(chain_db) == [
        {"challenger": model, "champion": None, "verdict": "first_champion", "promoted": True}
    ]
    assert digests(server)[LATEST] == digests(server)[model]
    assert chain_db.rows("SELECT alias, model, digest FROM ljwx.aliases") == [
        {"alias": "champion", "model": model, "digest": digests(server)[model]}
    ]
    cards = chain_db.value("SELECT scorecard FROM ljwx.evaluations")
    assert set(cards) == {"model", "majority", "persistence"}
    assert cards["model"]["overall"]["accuracy"] == 0.75
    codes = {reason["code"] for reason in chain_db.value("SELECT reasons FROM ljwx.promotions")}
    assert "first_champion_unproven" in codes
    assert tasks.outlets[MODEL].extra == told
    assert tasks.outlets[MODEL].partitions == ["latest"]


def test_deciding_again_changes_nothing(
    chain_db: Database, chain: Chain, tasks: TaskRunner, server: OllamaServer
) -> None:
    evaluation = answered(chain_db, chain, chain.plan["model"], right=3)
    first = tasks.run(decide_promotion, evaluation)
    rows, aliases, tags = promotions(chain_db), chain_db.state("aliases"), digests(server)
    assert tasks.run(decide_promotion, evaluation) == first
    assert (promotions(chain_db), chain_db.state("aliases"), digests(server)) == (rows, aliases, tags)


def test_an_alias_that_was_lost_on_the_server_is_put_back(
    chain_db: Database, chain: Chain, tasks: TaskRunner, server: OllamaServer
) -> None:
    evaluation = answered(chain_db, chain, chain.plan["model"], right=3)
    tasks.run(decide_promotion, evaluation)
    server.delete(LATEST)
    tasks.run(decide_promotion, evaluation)
    assert digests(server)[LATEST] == digests(server)[chain.plan["model"]]


def test_answers_that_do_not_parse_reject_the_model_and_nothing_is_served(
    chain_db: Database, chain: Chain, tasks: TaskRunner, server: OllamaServer
) -> None:
    evaluation = answered(chain_db, chain, chain.plan["model"], right=4, valid=False)
    assert tasks.run(decide_promotion, evaluation)["verdict"] == "rejected"
    assert chain_db.value("SELECT scorecard #>> '{model,overall,accuracy}' FROM ljwx.evaluations") == "0.0"
    assert chain_db.counts()["aliases"] == 0
    assert LATEST not in digests(server)


def test_without_evidence_the_champion_stays(
    chain_db: Database, chain: Chain, tasks: TaskRunner, server: OllamaServer
) -> None:
    second_model(chain_db, chain, server)
    crown(chain_db, OTHER)
    answered(chain_db, chain, OTHER, right=0)
    evaluation = answered(chain_db, chain, chain.plan["model"], right=4)
    before = chain_db.rows(ALIASES)
    assert tasks.run(decide_promotion, evaluation)["verdict"] == "kept_champion"
    assert promotions(chain_db) == [
        {"challenger": chain.plan["model"], "champion": OTHER, "verdict": "kept_champion", "promoted": False}
    ]
    assert chain_db.rows(ALIASES) == before


def test_a_champion_that_has_not_answered_the_questions_is_a_clear_error_and_nothing_is_decided(
    chain_db: Database, chain: Chain, tasks: TaskRunner, server: OllamaServer
) -> None:
    second_model(chain_db, chain, server)
    crown(chain_db, OTHER)
    evaluation = answered(chain_db, chain, chain.plan["model"], right=4)
    before = chain_db.state("aliases", "promotions", "evaluations")
    with pytest.raises(ConfigurationError) as refused:
        tasks.run(decide_promotion, evaluation)
    assert str(refused.value) == (
        f"the champion {OTHER} has not answered question set {chain.question_set_id}: "
        "it became champion in between; clear the task ask_questions and what follows"
    )
    assert chain_db.state("aliases", "promotions", "evaluations") == before
    assert LATEST not in digests(server)


def recorded(db: Database, chain: Chain, verdict: str, promoted: bool) -> int:
    """A decision on the model against the other one, as an earlier run left it."""
    return db.insert(
        "INSERT INTO ljwx.promotions (challenger, champion, question_set_id, verdict, promoted, reasons, policy, "
        "run_key) SELECT model, %s, %s, %s, %s, '[]', '{}', run_key FROM ljwx.models WHERE model = %s "
        "RETURNING promotion_id", OTHER, chain.question_set_id, verdict, promoted, chain.plan["model"],
    )  # fmt: skip


def test_a_repeated_task_finds_its_own_decision_after_the_challenger_became_champion(
    chain_db: Database, chain: Chain, tasks: TaskRunner, server: OllamaServer
) -> None:
    second_model(chain_db, chain, server)
    answered(chain_db, chain, OTHER, right=0)
    evaluation = answered(chain_db, chain, chain.plan["model"], right=4)
    promotion = recorded(chain_db, chain, "promoted", promoted=True)
    crown(chain_db, chain.plan["model"], promotion)
    before = promotions(chain_db), chain_db.rows(ALIASES)
    assert tasks.run(decide_promotion, evaluation)["promotion_id"] == promotion
    assert (promotions(chain_db), chain_db.rows(ALIASES)) == before


def test_a_decision_stands_when_the_same_evidence_is_judged_again(
    chain_db: Database, chain: Chain, server: OllamaServer
) -> None:
    from ljwx.hooks.warehouse import WarehouseHook

    second_model(chain_db, chain, server)
    crown(chain_db, OTHER)
    promotion = recorded(chain_db, chain, "kept_champion", promoted=False)
    again = {
        "challenger": chain.plan["model"], "champion": OTHER, "question_set_id": chain.question_set_id,
        "verdict": "promoted", "promoted": True, "reasons": [], "policy": json.loads("{}"),
    }  # fmt: skip
    run = chain_db.column("SELECT run_key FROM ljwx.models")[0]
    assert WarehouseHook().save_promotion(run, again, chain.built["digest"]) == promotion
    assert chain_db.column("SELECT model FROM ljwx.aliases") == [OTHER]
    assert promotions(chain_db)[0]["verdict"] == "kept_champion"


def test_the_champion_that_is_beaten_becomes_previous(chain_db: Database, chain: Chain, server: OllamaServer) -> None:
    from ljwx.hooks.warehouse import WarehouseHook

    second_model(chain_db, chain, server)
    chain_db.execute("UPDATE ljwx.models SET digest = %s WHERE model = %s", "0" * 64, OTHER)
    crown(chain_db, OTHER)
    decision = {
        "challenger": chain.plan["model"], "champion": OTHER, "question_set_id": chain.question_set_id,
        "verdict": "promoted", "promoted": True, "reasons": [], "policy": {},
    }  # fmt: skip
    run = chain_db.column("SELECT run_key FROM ljwx.models")[0]
    WarehouseHook().save_promotion(run, decision, chain.built["digest"])
    assert chain_db.rows("SELECT alias, model FROM ljwx.aliases ORDER BY alias") == [
        {"alias": "champion", "model": chain.plan["model"]},
        {"alias": "previous", "model": OTHER},
    ]
