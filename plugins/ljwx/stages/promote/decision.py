"""The stage `promotions`: score, decide, and let the alias follow the decision."""

from __future__ import annotations

import logging
from typing import Any

from airflow.sdk import get_current_context

from ljwx.assets import LATEST, MODEL
from ljwx.core.promotions import Decision, RolledBack, decide
from ljwx.exceptions import ConfigurationError
from ljwx.hooks.ollama import OllamaHook
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.services.asking import request_config
from ljwx.services.candidates import candidate
from ljwx.services.serving import serve_aliases
from ljwx.settings import Settings, current_settings
from ljwx.stages.evaluate.scoring import gather
from ljwx.stages.promote.sealed import report_sealed_test
from ljwx.stages.runs import recorded_run

log = logging.getLogger(__name__)

PLAN = "the task plan_questions and what follows"


def decide_promotion(model: str, question_set_id: str) -> dict[str, Any]:
    """Score the challenger, compare it with baselines, base and champion, decide, and serve the champion.

    What was decided on this evidence before stands, and nothing is asked or written again.

    :return: promotion_id, model and verdict.
    :raises ConfigurationError: the challenger or the champion has not answered the questions, the challenger is the
        champion, or another one became champion in between.
    :raises BuildFailed: the champion is not on the server as it was decided on.
    """

    settings, warehouse, ollama = current_settings(), WarehouseHook(), OllamaHook()
    evaluation = _evaluation(warehouse, settings, model, question_set_id)
    with recorded_run(warehouse, evaluation_id=evaluation["evaluation_id"]) as run:
        told = warehouse.standing_decision(evaluation["evaluation_id"], settings.gate.model_dump())
        told = told or _decided(warehouse, ollama, settings, run.key, evaluation)
        log.info("decision %d: %s", told["promotion_id"], told["verdict"])
        serve_aliases(warehouse, ollama, settings.model.repository)
        run.outputs |= told
    events = get_current_context()["outlet_events"][MODEL]
    events.extra = told
    events.add_partitions(LATEST)
    return told


def _evaluation(warehouse: WarehouseHook, settings: Settings, model: str, question_set_id: str) -> dict[str, Any]:
    """Return the challenger's evaluation with the settings in force."""

    digest = candidate(warehouse, model)["digest"]
    found = warehouse.evaluation_of(model, digest, question_set_id, request_config(settings))
    if found is None:
        raise ConfigurationError(
            f"{model} has not been asked question set {question_set_id} with the settings in force: clear {PLAN}"
        )
    return found


def _decided(
    warehouse: WarehouseHook, ollama: OllamaHook, settings: Settings, run_key: int, evaluation: dict[str, Any]
) -> dict[str, Any]:
    """Decide, open the sealed window after a pass, and write both."""

    champion = warehouse.champion()
    decision = _decide(settings, warehouse, evaluation, champion)
    decision = report_sealed_test(warehouse, ollama, settings, run_key, evaluation, champion, decision)
    for reason in decision.reasons:
        log.info("%s %s: %s", "+" if reason.favourable else "-", reason.code, reason.text)
    row = _row(decision, evaluation, champion["model"] if champion else None)
    promotion_id = warehouse.save_promotion(run_key, row, evaluation["digest"])
    return {"promotion_id": promotion_id, "model": evaluation["model"], "verdict": decision.verdict}


def _row(decision: Decision, evaluation: dict[str, Any], champion: str | None) -> dict[str, Any]:
    return {
        "challenger": evaluation["model"], "champion": champion, "verdict": decision.verdict,
        "question_set_id": evaluation["question_set_id"], "evaluation_id": evaluation["evaluation_id"],
        "promoted": decision.promote, "reasons": [reason.model_dump() for reason in decision.reasons],
        "policy": decision.policy.model_dump(),
    }  # fmt: skip


def _decide(
    settings: Settings, warehouse: WarehouseHook, evaluation: dict[str, Any], champion: dict[str, Any] | None
) -> Decision:

    theirs = _of_champion(warehouse, settings, evaluation, champion) if champion else None
    evidence = gather(warehouse, settings, evaluation, theirs)
    warehouse.save_scorecard(
        evaluation["evaluation_id"], {name: card.model_dump(mode="json") for name, card in evidence.cards.items()}
    )
    before = warehouse.rolled_back(evaluation["model"])
    return decide(
        settings.gate,
        evidence.cards["model"],
        evidence.cards.get("champion"),
        evidence.differences.get("champion"),
        {name: gap for name, gap in evidence.differences.items() if name != "champion"},
        RolledBack(**before) if before else None,
    )


def _of_champion(
    warehouse: WarehouseHook, settings: Settings, evaluation: dict[str, Any], champion: dict[str, Any]
) -> dict[str, Any]:
    """Return the evaluation of the champion that the challenger has to beat."""

    name, question_set_id = champion["model"], evaluation["question_set_id"]
    if name == evaluation["model"]:
        raise ConfigurationError(f"{name} is the champion already: there is nothing to decide")
    theirs = warehouse.evaluation_of(name, champion["digest"], question_set_id, request_config(settings))
    if theirs is None:
        raise ConfigurationError(
            f"the champion {name} has not answered question set {question_set_id} with the settings in force: "
            f"clear {PLAN}"
        )
    return theirs
