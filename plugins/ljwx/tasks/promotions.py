"""The stage `promotions`: score, decide, and let the alias follow the decision."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from ljwx.exceptions import ConfigurationError

if TYPE_CHECKING:
    from ljwx.core.evaluations import Answer, Scorecard
    from ljwx.core.promotions import Decision
    from ljwx.hooks.ollama import OllamaHook
    from ljwx.hooks.warehouse import WarehouseHook
    from ljwx.settings import Settings

log = logging.getLogger(__name__)


def decide_promotion(evaluation_id: int) -> dict[str, Any]:
    """Score the challenger, compare it with baselines and champion, decide, and serve the champion.

    :return: promotion_id, model and verdict.
    :raises BuildFailed: the alias does not point where the decision says.
    """
    from airflow.sdk import get_current_context

    from ljwx.assets import LATEST, MODEL
    from ljwx.hooks.ollama import OllamaHook
    from ljwx.hooks.warehouse import WarehouseHook
    from ljwx.settings import current_settings
    from ljwx.tasks.runs import recorded_run

    settings, warehouse = current_settings(), WarehouseHook()
    evaluation = warehouse.evaluation(evaluation_id) or {}
    with recorded_run(warehouse, evaluation_id=evaluation_id) as run:
        decision, champion = _decide(settings, warehouse, evaluation)
        for reason in decision.reasons:
            log.info("%s %s: %s", "+" if reason.favourable else "-", reason.code, reason.text)
        promotion_id = warehouse.save_promotion(
            run.key,
            {
                "challenger": evaluation["model"], "champion": champion, "verdict": decision.verdict,
                "question_set_id": evaluation["question_set_id"], "promoted": decision.promote,
                "reasons": [reason.model_dump() for reason in decision.reasons],
                "policy": decision.policy.model_dump(),
            },
            evaluation["digest"],
        )  # fmt: skip
        serve_champion(warehouse, OllamaHook(), settings.model.repository)
        told = {"promotion_id": promotion_id, "model": evaluation["model"], "verdict": decision.verdict}
        run.outputs |= told
    events = get_current_context()["outlet_events"][MODEL]
    events.extra = told
    events.add_partitions(LATEST)
    return told


def _decide(settings: Settings, warehouse: WarehouseHook, evaluation: dict[str, Any]) -> tuple[Decision, str | None]:
    from ljwx.core.evaluations import Question, answer_all, majority, paired_difference, persistence, score
    from ljwx.core.promotions import decide

    rows = warehouse.questions(evaluation["question_set_id"])
    questions = [Question(**{name: row[name] for name in Question.__dataclass_fields__}) for row in rows]
    answers = warehouse.answers(evaluation["evaluation_id"])
    resampling = settings.gate.resampling(settings.samples.horizon, settings.evaluation.seed)
    rivals: dict[str, tuple[Answer, ...] | list[Answer]] = {
        "majority": answer_all(majority(warehouse.train_label_counts(rows[0]["dataset_id"])), questions),
        "persistence": answer_all(persistence, questions),
    }
    champion, champion_answers = _champion(warehouse, evaluation)
    if champion is not None:
        rivals["champion"] = champion_answers
    cards = {name: score(questions, given, resampling=resampling) for name, given in rivals.items()}
    cards["model"] = score(questions, answers, resampling=resampling)
    gaps = {name: paired_difference(questions, answers, given, resampling) for name, given in rivals.items()}
    warehouse.save_scorecard(
        evaluation["evaluation_id"], {name: card.model_dump(mode="json") for name, card in cards.items()}
    )
    _log_scores(cards)
    decision = decide(
        settings.gate,
        cards["model"],
        cards.get("champion"),
        gaps.get("champion"),
        {name: gap for name, gap in gaps.items() if name != "champion"},
    )
    return decision, champion


def _champion(warehouse: WarehouseHook, evaluation: dict[str, Any]) -> tuple[str | None, list[Answer]]:
    """Return the champion that the challenger has to beat, with its answers.

    Asked again about the champion itself, that is the one it took the place of: the same evidence, so that a repeated
    task finds its own decision. None for the first champion.
    """
    champion = warehouse.champion() or {}
    again = champion.get("model") == evaluation["model"]
    rival = champion.get("beaten") if again else champion.get("model")
    if rival is None:
        return None, []
    theirs = warehouse.evaluation_of(rival, evaluation["question_set_id"])
    if theirs is None and again:
        return None, []
    if theirs is None:
        raise ConfigurationError(
            f"the champion {rival} has not answered question set {evaluation['question_set_id']}: "
            "it became champion in between; clear the task ask_questions and what follows"
        )
    return rival, warehouse.answers(theirs["evaluation_id"])


def _log_scores(cards: dict[str, Scorecard]) -> None:
    for name, card in cards.items():
        overall = card.overall
        log.info("%-12s accuracy %.3f, valid %.1f %%", name, overall.accuracy, 100 * overall.valid_share)


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
