"""The stage `promotions`: decisions as rows, and a served alias that follows them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowSkipException

from ljwx.assets import MODEL
from ljwx.core.evaluations import Scorecard
from ljwx.core.lines import line_of
from ljwx.core.models import BuildSpec
from ljwx.core.promotions.judging import PREDICTED, RETURNS
from ljwx.exceptions import BuildFailed, ConfigurationError
from ljwx.hooks.ollama import OllamaHook
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.services.serving import serve_aliases
from ljwx.settings import load_settings
from ljwx.stages.build.plan import plan_build
from ljwx.stages.promote.decision import decide_promotion
from ljwx.stages.promote.record import look_at_record
from ljwx.stages.promote.report import report_look
from ljwx.warehouse.forward import NewBatch
from ljwx.warehouse.lines import SessionEvidence, Statistic
from ljwx.warehouse.promotions import Promotion
from support_chain import SMALL, Chain, Database, evaluation_of
from support_forward import at, stop_clock
from support_ollama import BASE, OllamaServer
from support_rows import add_alias, add_decision, add_model
from support_tasks import TaskRunner
from support_tushare import REPOSITORY

ONE_DAY = timedelta(days=1)
LATEST, OTHER = "ljwx-stock:latest", "ljwx-stock:other"


@pytest.fixture
def server(ollama_sandbox: OllamaServer, tasks: TaskRunner) -> Iterator[OllamaServer]:
    """The model server; the alias and the second model are gone afterwards. The test split stays sealed."""
    tasks.variables["ljwx_training_config"] = settings(test_share=0)
    yield ollama_sandbox
    for name in (LATEST, OTHER, "ljwx-stock:previous", "ljwx-stock:challenger"):
        ollama_sandbox.delete(name)


def settings(**evaluation: Any) -> dict[str, Any]:
    return {**SMALL, "evaluation": SMALL["evaluation"] | evaluation}


def digests(server: OllamaServer) -> dict[str, str]:
    return {tag["name"]: tag["digest"].removeprefix("sha256:") for tag in server.get("tags")["models"]}


def answered(
    db: Database, chain: Chain, model: str, *, right: int, valid: bool = True, base: bool = False
) -> tuple[str, str]:
    """Write an evaluation of the model with the first `right` answers right; return model and question set."""
    evaluation = evaluation_of(db, chain, model, base=base)
    wrong = {"investment_advice": ("buy", "hold"), "risk_assessment": ("low", "medium"),
             "price_direction": ("up", "flat"), "technical_analysis": ("bullish", "neutral")}  # fmt: skip
    questions = db.rows(
        "SELECT sample_id, task, label FROM ljwx.questions JOIN ljwx.samples USING (sample_id) ORDER BY position"
    )
    for place, row in enumerate(questions):
        other = next(label for label in wrong[row["task"]] if label != row["label"])
        label = row["label"] if place < right else other
        db.execute(
            "INSERT INTO ljwx.answers (evaluation_id, sample_id, raw, valid, label, reason, latency_s, prompt_tokens, "
            "answer_tokens) VALUES (%s, %s, 'as it came', %s, %s, %s, 0.5, 300, 60)",
            evaluation, row["sample_id"], valid, label if valid else None, None if valid else "not_the_schema",
        )  # fmt: skip
    return model, chain.question_set_id


def second_model(db: Database, chain: Chain, server: OllamaServer) -> None:
    """Another model with the same weights, as row and as tag."""
    assert server.post("copy", {"source": chain.plan["model"], "destination": OTHER}).ok
    add_model(db, OTHER)


def promotions(db: Database) -> list[dict[str, Any]]:
    return db.rows("SELECT challenger, champion, verdict, promoted FROM ljwx.promotions ORDER BY promotion_id")


ALIASES = "SELECT alias, model, promotion_id, updated_at FROM ljwx.aliases ORDER BY alias"


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


def test_deciding_again_changes_nothing(
    chain_db: Database, chain: Chain, tasks: TaskRunner, server: OllamaServer
) -> None:
    evaluation = answered(chain_db, chain, chain.plan["model"], right=3)
    first = tasks.run(decide_promotion, *evaluation)
    rows, aliases, tags = promotions(chain_db), chain_db.state("aliases"), digests(server)
    assert tasks.run(decide_promotion, *evaluation) == first
    assert (promotions(chain_db), chain_db.state("aliases"), digests(server)) == (rows, aliases, tags)


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


def test_a_decision_keeps_the_settings_it_was_made_under_when_its_task_is_cleared(
    chain_db: Database, chain: Chain, tasks: TaskRunner, server: OllamaServer
) -> None:
    evaluation = answered(chain_db, chain, chain.plan["model"], right=4, valid=False)
    recorded_settings = "SELECT settings FROM ljwx.promotions"
    tasks.run(decide_promotion, *evaluation)
    before = chain_db.value(recorded_settings)
    assert before == load_settings(settings(test_share=0)).model_dump(mode="json")
    tasks.variables["ljwx_training_config"] = settings(test_share=0, questions=8)
    tasks.run(decide_promotion, *evaluation, again=True)
    assert chain_db.value("SELECT count(*) FROM ljwx.runs WHERE task_id = 'decide_promotion'") == 1
    assert chain_db.value(recorded_settings) == before
    assert tasks.run(plan_build) == chain.plan, "it was not decided on with eight questions"


def test_an_alias_that_was_lost_on_the_server_is_put_back(
    chain_db: Database, chain: Chain, tasks: TaskRunner, server: OllamaServer
) -> None:
    evaluation = answered(chain_db, chain, chain.plan["model"], right=3)
    tasks.run(decide_promotion, *evaluation)
    server.delete(LATEST)
    tasks.run(decide_promotion, *evaluation)
    assert digests(server)[LATEST] == digests(server)[chain.plan["model"]]


def test_answers_that_do_not_parse_reject_the_model_and_nothing_is_served(
    chain_db: Database, chain: Chain, tasks: TaskRunner, server: OllamaServer
) -> None:
    evaluation = answered(chain_db, chain, chain.plan["model"], right=4, valid=False)
    assert tasks.run(decide_promotion, *evaluation)["verdict"] == "rejected"
    assert chain_db.value("SELECT scorecard #>> '{model,overall,accuracy}' FROM ljwx.evaluations") == "0.0"
    assert chain_db.counts()["aliases"] == 0
    assert LATEST not in digests(server)


def three_lines(db: Database, chain: Chain, server: OllamaServer) -> str:
    """A champion of another line, and a rival of a third, who both answered the questions; return the rival."""
    second_model(db, chain, server)
    add_alias(db, OTHER)
    warehouse, rival, spec = WarehouseHook(), "ljwx-stock:rival", db.value("SELECT spec FROM ljwx.models LIMIT 1")
    for name, system in ((OTHER, "the champion's"), (rival, "another")):
        recipe = spec | {"system": system}
        if name != OTHER:
            add_model(db, name, digest="e" * 64)
        db.execute("UPDATE ljwx.models SET spec = %s WHERE model = %s", json.dumps(recipe), name)
        warehouse.open_line(1, line_of(BuildSpec.model_validate(recipe)), name)
        answered(db, chain, name, right=2)
    return rival


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


def recorded(db: Database, verdict: str, promoted: bool) -> int:
    """A decision on the newest evaluation against the other model, as an earlier run left it."""
    newest = "SELECT model, question_set_id, evaluation_id FROM ljwx.evaluations ORDER BY evaluation_id DESC LIMIT 1"
    (evaluation,) = db.rows(newest)
    return add_decision(db, evaluation.pop("model"), verdict, champion=OTHER, promoted=promoted, **evaluation)


def test_a_repeated_task_finds_its_own_decision_after_the_challenger_became_champion(
    chain_db: Database, chain: Chain, tasks: TaskRunner, server: OllamaServer
) -> None:
    second_model(chain_db, chain, server)
    answered(chain_db, chain, OTHER, right=0)
    evaluation = answered(chain_db, chain, chain.plan["model"], right=4)
    promotion = recorded(chain_db, "promoted", promoted=True)
    add_alias(chain_db, chain.plan["model"], promotion_id=promotion)
    before = promotions(chain_db), chain_db.rows(ALIASES)
    assert tasks.run(decide_promotion, *evaluation)["promotion_id"] == promotion
    assert (promotions(chain_db), chain_db.rows(ALIASES)) == before


def test_the_champion_is_not_decided_on_with_other_answers(
    chain_db: Database, chain: Chain, tasks: TaskRunner, server: OllamaServer
) -> None:
    evaluation = answered(chain_db, chain, chain.plan["model"], right=4)
    add_alias(chain_db, chain.plan["model"])
    with pytest.raises(ConfigurationError, match="is the champion already: there is nothing to decide"):
        tasks.run(decide_promotion, *evaluation)
    assert promotions(chain_db) == []


def made(chain: Chain, evaluation_id: int, champion: str | None, **changed: Any) -> Promotion:
    """A decision that promotes the model, as it is handed to the warehouse."""
    fields = {"verdict": "promoted", "promoted": True, "reasons": [], "policy": {}} | changed
    return Promotion(chain.plan["model"], champion, chain.question_set_id, evaluation_id, **fields)


def test_a_decision_stands_when_the_same_evidence_is_judged_again(
    chain_db: Database, chain: Chain, server: OllamaServer
) -> None:
    second_model(chain_db, chain, server)
    add_alias(chain_db, OTHER)
    evaluation = evaluation_of(chain_db, chain, chain.plan["model"])
    promotion = recorded(chain_db, "kept_champion", promoted=False)
    run = chain_db.column("SELECT run_key FROM ljwx.models")[0]
    again = made(chain, evaluation, OTHER)
    assert WarehouseHook().save_promotion(run, again, chain.built["digest"]) == promotion
    assert chain_db.column("SELECT model FROM ljwx.aliases") == [OTHER]
    assert promotions(chain_db)[0]["verdict"] == "kept_champion"


def test_another_policy_makes_another_decision_and_the_verdict_told_is_that_of_its_row(
    chain_db: Database, chain: Chain, tasks: TaskRunner, server: OllamaServer
) -> None:
    strict, loose = ({**settings(test_share=0), "gate": SMALL["gate"] | {"min_valid_share": s}} for s in (0.95, 0.0))
    evaluation = answered(chain_db, chain, chain.plan["model"], right=4, valid=False)
    told = []
    for config in (strict, loose, strict):
        tasks.variables["ljwx_training_config"] = config
        told.append(tasks.run(decide_promotion, *evaluation))
    # Once it is champion, a stricter policy does not make its decision another one.
    assert [each["verdict"] for each in told] == ["rejected", "first_champion", "first_champion"]
    rows = chain_db.rows("SELECT promotion_id, challenger AS model, verdict FROM ljwx.promotions ORDER BY 1")
    assert rows == told[:2]
    assert told[2] == told[1]


def test_a_challenger_keeps_its_alias_and_tag_until_it_is_champion(
    chain_db: Database, chain: Chain, tasks: TaskRunner, server: OllamaServer
) -> None:
    model = chain.plan["model"]
    evaluation = answered(chain_db, chain, model, right=4, valid=False)
    WarehouseHook().set_challenger(model, chain.built["digest"])
    rejected = tasks.run(decide_promotion, *evaluation)
    assert chain_db.rows("SELECT alias, model, promotion_id FROM ljwx.aliases") == [
        {"alias": "challenger", "model": model, "promotion_id": rejected["promotion_id"]}
    ]
    assert digests(server)["ljwx-stock:challenger"] == chain.built["digest"]
    loose = {**settings(test_share=0), "gate": SMALL["gate"] | {"min_valid_share": 0.0}}
    tasks.variables["ljwx_training_config"] = loose
    assert tasks.run(decide_promotion, *evaluation)["verdict"] == "first_champion"
    assert chain_db.rows("SELECT alias, model FROM ljwx.aliases") == [{"alias": "champion", "model": model}]
    assert "ljwx-stock:challenger" not in digests(server)


def test_the_window_is_not_opened_for_a_decision_that_stands(
    chain_db: Database, chain: Chain, tasks: TaskRunner, server: OllamaServer
) -> None:
    tasks.variables["ljwx_training_config"] = settings(test_share=0.25)
    second_model(chain_db, chain, server)
    add_alias(chain_db, OTHER)
    answered(chain_db, chain, OTHER, right=0)
    evaluation = answered(chain_db, chain, chain.plan["model"], right=4)
    recorded(chain_db, "kept_champion", promoted=False)
    policy = load_settings(tasks.variables["ljwx_training_config"]).gate.model_dump_json()
    chain_db.execute("UPDATE ljwx.promotions SET policy = %s::jsonb", policy)
    assert tasks.run(decide_promotion, *evaluation)["verdict"] == "kept_champion"
    assert (len(promotions(chain_db)), chain_db.rows(LOOKS)) == (1, [])


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


def test_a_rollback_while_the_sealed_questions_are_asked_is_not_undone(
    chain_db: Database, chain: Chain, tasks: TaskRunner, server: OllamaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No champion when the challenger was compared; a person has put one in place before the decision is written."""
    tasks.variables["ljwx_training_config"] = settings(test_share=0.25)
    second_model(chain_db, chain, server)
    evaluation = answered(chain_db, chain, chain.plan["model"], right=4)
    save = WarehouseHook.save_answer

    def interrupted(self: WarehouseHook, evaluation_id: int, answer: Any) -> None:
        add_alias(chain_db, OTHER)  # over a connection of its own, as another process would
        save(self, evaluation_id, answer)

    monkeypatch.setattr(WarehouseHook, "save_answer", interrupted)
    with pytest.raises(ConfigurationError, match=f"another champion in between: .* the champion is {OTHER}"):
        tasks.run(decide_promotion, *evaluation)
    assert promotions(chain_db) == []
    assert chain_db.column("SELECT model FROM ljwx.aliases") == [OTHER]


def test_the_champion_that_is_beaten_becomes_previous(chain_db: Database, chain: Chain, server: OllamaServer) -> None:
    second_model(chain_db, chain, server)
    chain_db.execute("UPDATE ljwx.models SET digest = %s WHERE model = %s", "0" * 64, OTHER)
    add_alias(chain_db, OTHER)
    evaluation = evaluation_of(chain_db, chain, chain.plan["model"])
    run = chain_db.column("SELECT run_key FROM ljwx.models")[0]
    WarehouseHook().save_promotion(run, made(chain, evaluation, OTHER), chain.built["digest"])
    assert chain_db.rows("SELECT alias, model FROM ljwx.aliases ORDER BY alias") == [
        {"alias": "champion", "model": chain.plan["model"]},
        {"alias": "previous", "model": OTHER},
    ]


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


def test_a_previous_champion_that_is_gone_from_the_server_has_no_tag_and_the_champion_is_served(
    chain_db: Database, chain: Chain, server: OllamaServer
) -> None:
    model = chain.plan["model"]
    second_model(chain_db, chain, server)
    add_alias(chain_db, model)
    add_alias(chain_db, OTHER, "previous")
    serve_aliases(WarehouseHook(), OllamaHook(), "ljwx-stock")
    assert digests(server)["ljwx-stock:previous"] == digests(server)[LATEST] == digests(server)[model]
    server.delete(OTHER)
    chain_db.execute("UPDATE ljwx.aliases SET digest = repeat('0', 64) WHERE alias = 'previous'")
    serve_aliases(WarehouseHook(), OllamaHook(), "ljwx-stock")
    assert "ljwx-stock:previous" not in digests(server)
    assert digests(server)[LATEST] == digests(server)[model]


def test_a_champion_that_was_replaced_on_the_server_is_not_served(
    chain_db: Database, chain: Chain, server: OllamaServer
) -> None:
    add_alias(chain_db, chain.plan["model"])
    chain_db.execute("UPDATE ljwx.aliases SET digest = repeat('0', 64)")
    with pytest.raises(BuildFailed, match=f"{LATEST} cannot be the champion {chain.plan['model']}"):
        serve_aliases(WarehouseHook(), OllamaHook(), "ljwx-stock")
    assert LATEST not in digests(server)


def masked(db: Database, chain: Chain, model: str) -> None:
    """The first question asked again masked, and answered in a way that cannot be read."""
    name = f"{chain.question_set_id}-masked"
    db.execute(
        "INSERT INTO ljwx.question_sets (question_set_id, dataset_id, kind, part_of, run_key) "
        "SELECT %s, dataset_id, 'masked', question_set_id, run_key FROM ljwx.question_sets", name,
    )  # fmt: skip
    db.execute(
        "INSERT INTO ljwx.questions (question_set_id, position, sample_id) "
        "SELECT %s, 0, sample_id FROM ljwx.questions WHERE position = 0", name,
    )  # fmt: skip
    evaluation = evaluation_of(db, chain, model, name)
    db.execute(
        "INSERT INTO ljwx.answers (evaluation_id, sample_id, raw, valid, reason, latency_s, prompt_tokens, "
        "answer_tokens) SELECT %s, sample_id, '?', false, 'not_the_schema', 0.5, 300, 60 FROM ljwx.questions "
        "WHERE question_set_id = %s", evaluation, name,
    )  # fmt: skip


LOOKS = "SELECT dataset_id, model FROM ljwx.test_looks"


def test_a_pass_opens_the_sealed_test_split_once_and_the_decision_reports_it(
    chain_db: Database, chain: Chain, tasks: TaskRunner, server: OllamaServer
) -> None:
    tasks.variables["ljwx_training_config"] = settings(test_share=0.25)
    model = chain.plan["model"]
    evaluation = answered(chain_db, chain, model, right=3)
    told = tasks.run(decide_promotion, *evaluation)
    assert chain_db.rows(LOOKS) == [{"dataset_id": chain.dataset_id, "model": model}]
    assert chain_db.column(
        "SELECT d.split FROM ljwx.answers a JOIN ljwx.evaluations USING (evaluation_id) "
        "JOIN ljwx.question_sets q USING (question_set_id) "
        "JOIN ljwx.dataset_samples d ON d.dataset_id = q.dataset_id AND d.sample_id = a.sample_id "
        "WHERE q.kind = 'test'"
    ) == ["test"]
    (reason,) = [r for r in chain_db.value("SELECT reasons FROM ljwx.promotions") if r["code"] == "sealed_test"]
    assert "1 questions of the sealed test window" in reason["text"]
    assert "against the majority of the train split; look number 1" in reason["text"]
    asked = server.stats()["requests"]
    assert tasks.run(decide_promotion, *evaluation) == told
    assert (server.stats()["requests"], chain_db.value("SELECT count(*) FROM ljwx.test_looks")) == (asked, 1)


@pytest.mark.parametrize(
    ("first", "last", "number"),
    [("2000-01-01", "window", 2), ("window", "2050-01-01", 2), ("2000-01-01", "before", 1), ("after", "2050-01-01", 1)],
)
def test_looks_of_another_dataset_are_counted_where_the_windows_share_sessions(
    chain_db: Database, chain: Chain, tasks: TaskRunner, server: OllamaServer, first: str, last: str, number: int
) -> None:
    tasks.variables["ljwx_training_config"] = settings(test_share=0.25)
    second_model(chain_db, chain, server)
    begin, end = chain_db.rows(
        "SELECT min(session) AS begin, max(session) AS end FROM ljwx.samples JOIN ljwx.dataset_samples "
        "USING (sample_id) WHERE split = 'test'"
    )[0].values()
    dates = {"window": begin if last == "window" else end, "before": begin - ONE_DAY, "after": end + ONE_DAY}
    chain_db.execute(
        "INSERT INTO ljwx.datasets (dataset_id, sha256, spec, counts, exclusions, proof, first_session, last_session, "
        "folder, code_version, run_key) SELECT 'yesterday', sha256, spec, counts, exclusions, proof, first_session, "
        "last_session, folder, code_version, run_key FROM ljwx.datasets"
    )
    chain_db.execute(
        "INSERT INTO ljwx.test_looks (dataset_id, model, question_set_id, first_session, last_session, run_key) "
        "SELECT 'yesterday', %s, question_set_id, %s, %s, run_key FROM ljwx.question_sets",
        OTHER, dates.get(first, first), dates.get(last, last),
    )  # fmt: skip
    tasks.run(decide_promotion, *answered(chain_db, chain, chain.plan["model"], right=3))
    (reason,) = [r for r in chain_db.value("SELECT reasons FROM ljwx.promotions") if r["code"] == "sealed_test"]
    assert f"look number {number} at these sessions" in reason["text"]


@pytest.mark.parametrize("valid", [False, True], ids=["rejected", "never to be opened"])
def test_without_a_pass_or_a_share_the_test_split_stays_sealed(
    chain_db: Database, chain: Chain, tasks: TaskRunner, server: OllamaServer, valid: bool
) -> None:
    tasks.variables["ljwx_training_config"] = settings(test_share=0 if valid else 0.25)
    evaluation = answered(chain_db, chain, chain.plan["model"], right=4, valid=valid)
    assert tasks.run(decide_promotion, *evaluation)["verdict"] == ("first_champion" if valid else "rejected")
    assert chain_db.rows(LOOKS) == []
    assert chain_db.column("SELECT kind FROM ljwx.question_sets") == ["validation"]


def test_a_decision_tells_how_often_its_line_and_its_very_model_were_decided_about(
    chain_db: Database, chain: Chain, tasks: TaskRunner, server: OllamaServer
) -> None:
    model = chain.plan["model"]
    spec = chain_db.value("SELECT spec FROM ljwx.models")
    others = {
        OTHER: {"examples": ["elsewhere"] * len(spec["examples"])},  # the same texts, from samples of another dataset
        "ljwx-stock:newer-data": {"messages": [{"role": "user", "content": "another example"}]},
        "ljwx-stock:other-line": {"system": "another"},
    }
    for name, changed in others.items():
        add_decision(chain_db, add_model(chain_db, name, spec=spec | changed))
    chain_db.execute(
        "INSERT INTO ljwx.lines (line_id, strategy, recipe, run_key) "
        "SELECT 'another', strategy, recipe, run_key FROM ljwx.lines LIMIT 1"
    )
    chain_db.execute("UPDATE ljwx.models SET line_id = 'another' WHERE model = 'ljwx-stock:other-line'")
    tasks.run(decide_promotion, *answered(chain_db, chain, model, right=3))
    reasons = chain_db.value("SELECT reasons FROM ljwx.promotions WHERE challenger = %s", model)
    (told,) = [reason["text"] for reason in reasons if reason["code"] == "decided_before"]
    assert told == (
        "Decision number 3 about this recipe, on whatever data, 1 of them about this very model under another name; "
        "2 recipes were decided about so far."
    )


AFTER = 40
"""Sessions that came after the lines were opened."""


@pytest.fixture
def waiting(chain_db: Database, chain: Chain, tasks: TaskRunner, server: OllamaServer) -> list[date]:
    """Two lines were decided on for want of evidence, and a record has begun; return the complete sessions."""
    three_lines(chain_db, chain, server)
    tasks.run(decide_promotion, *answered(chain_db, chain, chain.plan["model"], right=4))
    warehouse = WarehouseHook()
    days = warehouse.complete_sessions()
    stop_clock(chain_db.url, at(days[-1], 19))
    (dataset,) = chain_db.rows("SELECT spec, fit FROM ljwx.datasets")
    warehouse.open_batch(1, NewBatch(days[-1], at(days[-1], 9, 15, days=3), chain.dataset_id, **dataset))
    chain_db.execute("UPDATE ljwx.datasets SET last_session = %s", days[-AFTER])
    for table in ("models", "evaluations", "aliases"):  # the copy on the server has the challenger's
        chain_db.execute(f"UPDATE ljwx.{table} SET digest = repeat('f', 64) WHERE model = %s", OTHER)
    return days


def noted(chain: Chain, days: list[date], rank_ic: float) -> None:
    """What sessions of the record said about the model and the champion, as looks before have noted it."""
    warehouse = WarehouseHook()
    ours, theirs = (known.line_id for name in (chain.plan["model"], OTHER) if (known := warehouse.model(name)))
    assert ours is not None
    assert theirs is not None

    def row(at: int, task: str, statistic: Statistic, value: float) -> SessionEvidence:
        models = chain.plan["model"], OTHER
        return SessionEvidence(ours, theirs, days[at], task, statistic, value, 1.0, 80, days[at + 5], *models, "record")

    known = range(len(days) - 6)
    warehouse.save_evidence(1, [row(at, task, "rank_ic", rank_ic * (1 + at % 3)) for at in known for task in RETURNS])
    warehouse.save_evidence(1, [row(at, task, "brier", 0.001 * (at % 3)) for at in known for task in PREDICTED])


def test_a_challenger_that_waits_is_promoted_served_and_reported_by_the_record_alone(
    chain_db: Database, chain: Chain, tasks: TaskRunner, server: OllamaServer, waiting: list[date]
) -> None:
    model, decisions = chain.plan["model"], len(promotions(chain_db))
    noted(chain, waiting, 0.1)
    found = tasks.run(look_at_record)
    assert (found["model"], found["verdict"]) == (model, "promoted")
    assert promotions(chain_db)[decisions:] == [
        {"challenger": model, "champion": OTHER, "verdict": "promoted", "promoted": True}
    ]
    assert digests(server)[LATEST] == digests(server)[model]
    assert (tasks.outlets[MODEL].extra, tasks.outlets[MODEL].partitions[-1]) == (found, "latest")
    decision: dict[str, Any] = chain_db.rows("SELECT evidence FROM ljwx.promotions ORDER BY promotion_id DESC")[0]
    (source,) = decision["evidence"]["sources"]
    assert (source["source"], source["last"]) == ("record", str(waiting[-7]))
    assert decision["evidence"]["session"] == str(waiting[-1])
    assert tasks.run(report_look, found["promotion_id"]).endswith("report.html")


@pytest.mark.parametrize("rank_ic", [0.0, -0.1])
def test_a_look_that_promotes_nobody_is_counted_and_writes_no_decision(
    chain_db: Database, chain: Chain, tasks: TaskRunner, waiting: list[date], rank_ic: float
) -> None:
    before = promotions(chain_db)
    noted(chain, waiting, rank_ic)
    with pytest.raises(AirflowSkipException, match=f"no challenger is shown to be better than {OTHER}"):
        tasks.run(look_at_record)
    assert promotions(chain_db) == before
    assert waiting[-1] in chain_db.column("SELECT session FROM ljwx.line_looks")


def test_without_a_champion_or_a_record_nothing_is_looked_at(
    chain_db: Database, chain: Chain, tasks: TaskRunner
) -> None:
    with pytest.raises(AirflowSkipException, match="no champion yet, or no forward record"):
        tasks.run(look_at_record)
