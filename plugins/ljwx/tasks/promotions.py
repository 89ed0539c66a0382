"""The stage `promotions`: score, decide, and let the alias follow the decision."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from ljwx.exceptions import ConfigurationError

if TYPE_CHECKING:
    from ljwx.core.evaluations import Answer
    from ljwx.core.promotions import Decision
    from ljwx.hooks.ollama import OllamaHook
    from ljwx.hooks.warehouse import WarehouseHook
    from ljwx.settings import Settings

log = logging.getLogger(__name__)

PLAN = "the task plan_questions and what follows"


def decide_promotion(model: str, question_set_id: str) -> dict[str, Any]:
    """Score the challenger, compare it with baselines, base and champion, decide, and serve the champion.

    :return: promotion_id, model and verdict.
    :raises ConfigurationError: the challenger or the champion has not answered the questions.
    :raises BuildFailed: the alias does not point where the decision says.
    """
    from airflow.sdk import get_current_context

    from ljwx.assets import LATEST, MODEL
    from ljwx.hooks.ollama import OllamaHook
    from ljwx.hooks.warehouse import WarehouseHook
    from ljwx.settings import current_settings
    from ljwx.tasks.runs import recorded_run
    from ljwx.tasks.sealed import report_sealed_test

    settings, warehouse, ollama = current_settings(), WarehouseHook(), OllamaHook()
    evaluation = warehouse.evaluation_of(model, question_set_id)
    if evaluation is None:
        raise ConfigurationError(f"{model} has not been asked question set {question_set_id}: clear {PLAN}")
    with recorded_run(warehouse, evaluation_id=evaluation["evaluation_id"]) as run:
        decision, champion = _decide(settings, warehouse, evaluation)
        decision = report_sealed_test(warehouse, ollama, settings, run.key, evaluation, champion, decision)
        _log_reasons(decision)
        promotion_id = warehouse.save_promotion(run.key, _row(decision, evaluation, champion), evaluation["digest"])
        serve_champion(warehouse, ollama, settings.model.repository)
        told: dict[str, Any] = {"promotion_id": promotion_id, "model": model, "verdict": decision.verdict}
        run.outputs |= told
    events = get_current_context()["outlet_events"][MODEL]
    events.extra = told
    events.add_partitions(LATEST)
    return told


def _log_reasons(decision: Decision) -> None:
    for reason in decision.reasons:
        log.info("%s %s: %s", "+" if reason.favourable else "-", reason.code, reason.text)


def _row(decision: Decision, evaluation: dict[str, Any], champion: str | None) -> dict[str, Any]:
    return {
        "challenger": evaluation["model"], "champion": champion, "verdict": decision.verdict,
        "question_set_id": evaluation["question_set_id"], "promoted": decision.promote,
        "reasons": [reason.model_dump() for reason in decision.reasons],
        "policy": decision.policy.model_dump(),
    }  # fmt: skip


def _decide(settings: Settings, warehouse: WarehouseHook, evaluation: dict[str, Any]) -> tuple[Decision, str | None]:
    from ljwx.core.promotions import decide
    from ljwx.tasks.scoring import gather

    champion, champion_answers = _champion(warehouse, evaluation)
    evidence = gather(warehouse, settings, evaluation, champion_answers)
    warehouse.save_scorecard(
        evaluation["evaluation_id"], {name: card.model_dump(mode="json") for name, card in evidence.cards.items()}
    )
    decision = decide(
        settings.gate,
        evidence.cards["model"],
        evidence.cards.get("champion"),
        evidence.differences.get("champion"),
        {name: gap for name, gap in evidence.differences.items() if name != "champion"},
    )
    return decision, champion


def _champion(warehouse: WarehouseHook, evaluation: dict[str, Any]) -> tuple[str | None, list[Answer] | None]:
    """Return the champion that the challenger has to beat, with its answers.

    Asked again about the champion itself, that is the one it took the place of: the same evidence, so that a repeated
    task finds its own decision. None for the first champion.
    """
    champion = warehouse.champion() or {}
    again = champion.get("model") == evaluation["model"]
    rival = champion.get("beaten") if again else champion.get("model")
    if rival is None:
        return None, None
    theirs = warehouse.evaluation_of(rival, evaluation["question_set_id"])
    if theirs is None and again:
        return None, None
    if theirs is None:
        raise ConfigurationError(
            f"the champion {rival} has not answered question set {evaluation['question_set_id']}: "
            f"it became champion in between; clear {PLAN}"
        )
    return rival, warehouse.answers(theirs["evaluation_id"])


def serve_champion(warehouse: WarehouseHook, ollama: OllamaHook, repository: str) -> None:
    """Point the tag `latest` at the champion, and verify it by digest; nothing to do when it points there."""
    from ljwx.exceptions import BuildFailed, ModelMissing

    champion = warehouse.champion()
    if champion is None:
        return
    alias = f"{repository}:latest"
    try:
        served = ollama.digest(alias)
    except ModelMissing:
        served = None
    if served != champion["digest"]:
        ollama.copy(champion["model"], alias)
        served = ollama.digest(alias)
    if served != champion["digest"]:
        raise BuildFailed(f"{alias} has digest {served}, the champion {champion['model']} has {champion['digest']}")
    log.info("%s is %s", alias, champion["model"])
