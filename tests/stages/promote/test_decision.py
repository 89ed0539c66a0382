"""The stage `promotions`: decisions as rows, and a served alias that follows them."""

from __future__ import annotations

import re

import pytest

from ljwx.assets import MODEL
from ljwx.core.evaluations import Scorecard
from ljwx.exceptions import ConfigurationError
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.services.asking.full import class_request_config
from ljwx.settings import load_settings
from ljwx.stages.build.plan import plan_build
from ljwx.stages.promote.decision import decide_promotion
from ljwx.warehouse.class_answers import ClassAnswer
from support_chain import SMALL, Chain, Database
from support_decisions import (
    ALIASES,
    LATEST,
    OTHER,
    answered,
    digests,
    masked,
    promotions,
    second_model,
    settings,
    three_lines,
)
from support_ollama import BASE, OllamaServer
from support_rows import add_alias, add_decision, add_model
from support_tasks import TaskRunner
from support_tushare import REPOSITORY


def test_the_first_model_above_the_floors_becomes_champion_and_is_served(
    chain_db: Database, chain: Chain, tasks: TaskRunner, server: OllamaServer
) -> None:
    model = chain.plan["model"]
    evaluation = answered(chain_db, chain, model, right=3)
    told = tasks.run(decide_promotion, *evaluation)
    assert told["verdict"] == "first_champion"
    assert promotions(chain_db) == [
        {"challenger": model, "champion": None, "verdict": "first_champion", "promoted": True}
    ]
    assert digests(server)[LATEST] == digests(server)[model]
    assert chain_db.rows("SELECT alias, model, digest FROM ljwx.aliases") == [
        {"alias": "champion", "model": model, "digest": digests(server)[model]}
    ]
    cards = chain_db.value("SELECT scorecard FROM ljwx.evaluations")
    card = Scorecard.model_validate(cards["model"])
    assert set(card.slices) == {"board", "industry", "regime"}
    assert set(card.slices["regime"]) <= {"rising", "falling", "sideways"}
    assert set(card.differences) == set(cards) - {"model"}
    assert set(cards) == {"model", "majority", "persistence", "ma_rule", "logistic"}
    assert cards["model"]["overall"]["accuracy"] == 0.75
    codes = {reason["code"] for reason in chain_db.value("SELECT reasons FROM ljwx.promotions")}
    assert "first_champion_unproven" in codes
    assert tasks.outlets[MODEL].extra == told
    assert tasks.outlets[MODEL].partitions == ["latest"]


def test_a_first_champion_is_served_unproven_until_its_line_is_proven(
    chain_db: Database, chain: Chain, tasks: TaskRunner, server: OllamaServer
) -> None:
    tasks.run(decide_promotion, *answered(chain_db, chain, chain.plan["model"], right=3))
    assert chain_db.column("SELECT proven FROM ljwx.promotions") == [False]
    assert [alias.proven for alias in WarehouseHook().aliases()] == [False]
    chain_db.execute("UPDATE ljwx.lines SET proven = true")
    assert [alias.proven for alias in WarehouseHook().aliases()] == [True]


def test_with_the_models_given_up_as_the_manual_tells_the_same_one_is_built_and_crowned_again(
    chain_db: Database, chain: Chain, tasks: TaskRunner, server: OllamaServer
) -> None:
    evaluation = answered(chain_db, chain, chain.plan["model"], right=3)
    first = tasks.run(decide_promotion, *evaluation)
    manual = (REPOSITORY / "docs" / "operations.md").read_text(encoding="utf-8")
    (given_up,) = re.findall(r"```sql\nBEGIN;\n(.*?);\nCOMMIT;\n```", manual, re.DOTALL)
    for statement in given_up.split(";\n"):
        chain_db.execute(statement)
    assert tasks.run(plan_build) == chain.plan
    chain_db.execute("UPDATE ljwx.models SET deleted_at = NULL")  # as verify_model does
    assert tasks.run(decide_promotion, *evaluation) == first
    assert promotions(chain_db) == [
        {"challenger": chain.plan["model"], "champion": None, "verdict": "first_champion", "promoted": True}
    ]
    assert chain_db.rows("SELECT alias, model, promotion_id FROM ljwx.aliases") == [
        {"alias": "champion", "model": chain.plan["model"], "promotion_id": first["promotion_id"]}
    ]


def test_answers_that_do_not_parse_reject_the_model_and_nothing_is_served(
    chain_db: Database, chain: Chain, tasks: TaskRunner, server: OllamaServer
) -> None:
    evaluation = answered(chain_db, chain, chain.plan["model"], right=4, valid=False)
    assert tasks.run(decide_promotion, *evaluation)["verdict"] == "rejected"
    assert chain_db.value("SELECT scorecard #>> '{model,overall,accuracy}' FROM ljwx.evaluations") == "0.0"
    assert chain_db.counts()["aliases"] == 0
    assert LATEST not in digests(server)


def test_whether_a_model_has_collapsed_is_told_by_the_classes_that_were_asked_alone_too(
    chain_db: Database, chain: Chain, tasks: TaskRunner, server: OllamaServer
) -> None:
    asked = settings(test_share=0, class_questions=60)
    tasks.variables["ljwx_training_config"] = asked | {"gate": SMALL["gate"] | {"max_modal_share": 0.95}}
    evaluation = answered(chain_db, chain, chain.plan["model"], right=3)
    warehouse, now = WarehouseHook(), load_settings(tasks.variables["ljwx_training_config"])
    digest = digests(server)[chain.plan["model"]]
    alone = warehouse.open_evaluation(1, chain.plan["model"], digest, chain.question_set_id, class_request_config(now))
    for task, classes in {"price_direction": ("up", "down"), "risk_assessment": ("low",)}.items():
        samples = chain_db.column(
            "SELECT sample_id FROM ljwx.samples WHERE task = %s ORDER BY sample_id LIMIT 40", task
        )
        for at, sample in enumerate(samples):
            said = {classes[at % len(classes)]: 1.0}
            warehouse.save_class_answer(alone, ClassAnswer(sample, said, None, "ollama_default", 0.2, 0.1, 500, 6))
    assert tasks.run(decide_promotion, *evaluation)["verdict"] == "rejected"
    reasons = {each["code"]: each for each in chain_db.value("SELECT reasons FROM ljwx.promotions")}
    told = {task: reasons[f"modal_share:{task}"] for task in ("price_direction", "risk_assessment")}
    assert [told[task]["favourable"] for task in told] == [True, False]
    assert all("of 41, 40 of them a class alone" in each["text"] for each in told.values())


def test_the_newest_models_of_other_open_lines_are_decided_on_in_the_same_run(
    chain_db: Database, chain: Chain, tasks: TaskRunner, server: OllamaServer
) -> None:
    rival = three_lines(chain_db, chain, server)
    told = tasks.run(decide_promotion, *answered(chain_db, chain, chain.plan["model"], right=4))
    assert told["model"] == chain.plan["model"]
    assert promotions(chain_db) == [
        {"challenger": name, "champion": OTHER, "verdict": "kept_champion", "promoted": False}
        for name in (chain.plan["model"], rival)
    ]
    others = chain_db.value("SELECT outputs -> 'others' FROM ljwx.runs WHERE task_id = 'decide_promotion'")
    assert others == [told["promotion_id"] + 1]


def test_a_model_of_another_line_that_was_lost_half_way_keeps_nobody_from_a_decision(
    chain_db: Database, chain: Chain, tasks: TaskRunner, server: OllamaServer
) -> None:
    rival = three_lines(chain_db, chain, server)
    chain_db.execute(
        "DELETE FROM ljwx.answers WHERE (evaluation_id, sample_id) = (SELECT evaluation_id, min(sample_id) "
        "FROM ljwx.answers JOIN ljwx.evaluations USING (evaluation_id) WHERE model = %s GROUP BY 1)",
        rival,
    )
    told = tasks.run(decide_promotion, *answered(chain_db, chain, chain.plan["model"], right=4))
    assert [each["challenger"] for each in promotions(chain_db)] == [told["model"]] == [chain.plan["model"]]


def test_without_evidence_the_champion_stays(
    chain_db: Database, chain: Chain, tasks: TaskRunner, server: OllamaServer
) -> None:
    second_model(chain_db, chain, server)
    add_alias(chain_db, OTHER)
    answered(chain_db, chain, OTHER, right=0)
    evaluation = answered(chain_db, chain, chain.plan["model"], right=4)
    before = chain_db.rows(ALIASES)
    assert tasks.run(decide_promotion, *evaluation)["verdict"] == "kept_champion"
    assert promotions(chain_db) == [
        {"challenger": chain.plan["model"], "champion": OTHER, "verdict": "kept_champion", "promoted": False}
    ]
    assert chain_db.rows(ALIASES) == before


def test_a_champion_that_has_not_answered_the_questions_is_a_clear_error_and_nothing_is_decided(
    chain_db: Database, chain: Chain, tasks: TaskRunner, server: OllamaServer
) -> None:
    second_model(chain_db, chain, server)
    add_alias(chain_db, OTHER)
    evaluation = answered(chain_db, chain, chain.plan["model"], right=4)
    before = chain_db.state("aliases", "promotions", "evaluations")
    with pytest.raises(ConfigurationError) as refused:
        tasks.run(decide_promotion, *evaluation)
    assert str(refused.value) == (
        f"the champion {OTHER} has not answered question set {chain.question_set_id} with the settings in force: "
        "clear the task plan_questions and what follows"
    )
    assert chain_db.state("aliases", "promotions", "evaluations") == before
    assert LATEST not in digests(server)


def test_answers_that_were_asked_otherwise_are_no_evidence(
    chain_db: Database, chain: Chain, tasks: TaskRunner, server: OllamaServer
) -> None:
    second_model(chain_db, chain, server)
    add_alias(chain_db, OTHER)
    answered(chain_db, chain, OTHER, right=0)
    evaluation = answered(chain_db, chain, chain.plan["model"], right=4)
    # The champion was asked when answers were cut earlier.
    chain_db.execute(
        "UPDATE ljwx.evaluations SET asked_with = jsonb_set(asked_with, '{options,num_predict}', '64') "
        "WHERE model = %s", OTHER,
    )  # fmt: skip
    with pytest.raises(
        ConfigurationError, match=f"the champion {OTHER} has not answered .* with the settings in force"
    ):
        tasks.run(decide_promotion, *evaluation)
    tasks.variables["ljwx_training_config"] = settings(test_share=0, num_predict=200)
    with pytest.raises(ConfigurationError, match=f"{evaluation[0]} has not been asked .* with the settings in force"):
        tasks.run(decide_promotion, *evaluation)
    assert promotions(chain_db) == []


@pytest.mark.parametrize("who", ["challenger", "champion", "base"])
def test_questions_that_were_never_asked_are_named_with_the_task(
    chain_db: Database, chain: Chain, tasks: TaskRunner, server: OllamaServer, who: str
) -> None:
    """As when a task of ask_questions was marked as success by hand."""
    second_model(chain_db, chain, server)
    add_alias(chain_db, OTHER)
    answered(chain_db, chain, OTHER, right=0)
    answered(chain_db, chain, BASE, right=2, base=True)
    evaluation = answered(chain_db, chain, chain.plan["model"], right=4)
    model = {"challenger": chain.plan["model"], "champion": OTHER, "base": BASE}[who]
    chain_db.execute(
        "DELETE FROM ljwx.answers WHERE sample_id = (SELECT max(sample_id) FROM ljwx.questions) AND evaluation_id IN "
        "(SELECT evaluation_id FROM ljwx.evaluations WHERE model = %s)", model,
    )  # fmt: skip
    named = f"{model} has answered 3 of the 4 questions of set {chain.question_set_id}: clear the task ask_questions"
    with pytest.raises(ConfigurationError, match=named):
        tasks.run(decide_promotion, *evaluation)
    assert promotions(chain_db) == []


def test_the_bases_answers_count_whatever_the_parameters_of_the_next_model_are(
    chain_db: Database, chain: Chain, tasks: TaskRunner, server: OllamaServer
) -> None:
    evaluation = answered(chain_db, chain, chain.plan["model"], right=3)
    answered(chain_db, chain, BASE, right=2, base=True)
    later = SMALL["model"] | {"parameters": {"temperature": 0, "num_ctx": 2048}}
    tasks.variables["ljwx_training_config"] = settings(test_share=0) | {"model": later}
    tasks.run(decide_promotion, *evaluation)
    card = chain_db.value("SELECT scorecard -> 'base' FROM ljwx.evaluations WHERE model = %s", chain.plan["model"])
    assert card["overall"]["accuracy"] == 0.5


def test_a_model_that_was_never_verified_is_not_decided_on(
    chain_db: Database, chain: Chain, tasks: TaskRunner, server: OllamaServer
) -> None:
    evaluation = answered(chain_db, chain, chain.plan["model"], right=4)
    chain_db.execute("UPDATE ljwx.models SET verified = NULL")
    with pytest.raises(ConfigurationError, match="was never verified: clear the task verify_model"):
        tasks.run(decide_promotion, *evaluation)
    assert promotions(chain_db) == []


LATER = """
INSERT INTO ljwx.datasets SELECT (jsonb_populate_record(d, '{"dataset_id": "later", "last_session": "2099-01-05"}')).*
FROM ljwx.datasets d
"""


NEWER = """
UPDATE ljwx.models SET dataset_id = 'later', verified = '{}', digest = 'newer',
                       line_id = (SELECT line_id FROM ljwx.models WHERE model = %s) WHERE model = %s
"""


def test_an_old_run_does_not_decide_on_a_model_whose_line_has_a_newer_one(
    chain_db: Database, chain: Chain, tasks: TaskRunner, server: OllamaServer
) -> None:
    evaluation = answered(chain_db, chain, chain.plan["model"], right=4)
    add_model(chain_db, OTHER)
    chain_db.execute(LATER)
    chain_db.execute(NEWER, chain.plan["model"], OTHER)
    with pytest.raises(ConfigurationError, match=f"{OTHER} of the same line was made from newer data"):
        tasks.run(decide_promotion, *evaluation)
    assert promotions(chain_db) == []
    add_decision(chain_db, OTHER, verdict="rejected")
    assert tasks.run(decide_promotion, *evaluation)["verdict"] == "first_champion"


def test_a_challenger_that_was_not_asked_is_a_clear_error(
    chain_db: Database, chain: Chain, tasks: TaskRunner, server: OllamaServer
) -> None:
    with pytest.raises(ConfigurationError, match=r"has not been asked question set .*: clear the task plan_questions"):
        tasks.run(decide_promotion, chain.plan["model"], chain.question_set_id)


def test_the_untuned_base_and_the_masked_questions_are_in_the_scorecard(
    chain_db: Database, chain: Chain, tasks: TaskRunner, server: OllamaServer
) -> None:
    model = chain.plan["model"]
    evaluation = answered(chain_db, chain, model, right=3)
    answered(chain_db, chain, BASE, right=1, base=True)
    masked(chain_db, chain, model)
    tasks.run(decide_promotion, *evaluation)
    cards = chain_db.value("SELECT scorecard FROM ljwx.evaluations WHERE scorecard IS NOT NULL")
    assert cards["base"]["overall"]["accuracy"] == 0.25
    # The one question that was asked again was right with the stock's name, and wrong without it.
    gap = cards["model"]["masked"]
    assert (gap["n"], gap["accuracy"], gap["masked_accuracy"], gap["changed"]) == (1, 1.0, 0.0, 1.0)
    codes = {reason["code"] for reason in chain_db.value("SELECT reasons FROM ljwx.promotions")}
    assert "baseline_not_compared:base" in codes


def test_numbers_that_the_source_does_not_carry_leave_the_regression_and_are_named(
    chain_db: Database, chain: Chain, tasks: TaskRunner, server: OllamaServer
) -> None:
    """A source of k-lines knows no amounts: their rank is null in every snapshot."""
    chain_db.execute("UPDATE ljwx.samples SET snapshot = jsonb_set(snapshot::jsonb, '{ranks,amount}', 'null')")
    told = tasks.run(decide_promotion, *answered(chain_db, chain, chain.plan["model"], right=3))
    assert told["verdict"] == "first_champion"
    cards = chain_db.value("SELECT scorecard FROM ljwx.evaluations")
    assert cards["logistic"]["left_out"] == ["ranks.amount"]
    assert cards["logistic"]["overall"]["valid_share"] == 1.0
