"""A decision that is taken again: it stands on the same evidence, and another policy makes another."""

from __future__ import annotations

import pytest

from ljwx.exceptions import ConfigurationError
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.settings import load_settings
from ljwx.stages.build.plan import plan_build
from ljwx.stages.promote.decision import decide_promotion
from support_chain import SMALL, Chain, Database, evaluation_of
from support_decisions import ALIASES, LOOKS, OTHER, answered, digests, made, promotions, second_model, settings
from support_ollama import OllamaServer
from support_rows import add_alias, add_decision
from support_tasks import TaskRunner


def test_deciding_again_changes_nothing(
    chain_db: Database, chain: Chain, tasks: TaskRunner, server: OllamaServer
) -> None:
    evaluation = answered(chain_db, chain, chain.plan["model"], right=3)
    first = tasks.run(decide_promotion, *evaluation)
    rows, aliases, tags = promotions(chain_db), chain_db.state("aliases"), digests(server)
    assert tasks.run(decide_promotion, *evaluation) == first
    assert (promotions(chain_db), chain_db.state("aliases"), digests(server)) == (rows, aliases, tags)


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
