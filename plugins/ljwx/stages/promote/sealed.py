"""The sealed test window: opened only for a challenger that passed, once, and every opening is counted.

Datasets made day after day have nearly the same window: what is counted are looks at the same sessions.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from ljwx.core.evaluations import Question, ScoredAnswer, answer_all, freeze, majority, question_set_hash, score
from ljwx.core.promotions import Decision, with_sealed_test
from ljwx.hooks.ollama import OllamaHook
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.services.candidates import ModelRef, open_evaluation
from ljwx.settings import Settings
from ljwx.stages.evaluate.questions import ask_all
from ljwx.stages.evaluate.scoring import questions_of, resampling_of

log = logging.getLogger(__name__)


def report_sealed_test(
    warehouse: WarehouseHook,
    ollama: OllamaHook,
    settings: Settings,
    run_key: int,
    evaluation: Mapping[str, Any],
    champion: Mapping[str, Any] | None,
    decision: Decision,
) -> Decision:
    """Return the decision with what challenger and champion show on the dataset's test split.

    The opening is recorded before the first question is asked; a repeated task finds it and asks only what is missing.
    Unchanged where the challenger did not pass, where settings never open the window, or where the split is empty.

    :param evaluation: the challenger's, on the questions it was decided on.
    :param champion: model and digest of whom it is compared with; without one, the majority of the train split.
    """

    opened = _open(warehouse, settings, run_key, evaluation) if decision.promote else None
    if opened is None:
        return decision
    dataset_id, question_set_id, looks, questions = opened
    log.info("the test split of %s is opened for %s: look number %d", dataset_id, evaluation["model"], looks)
    rivals = {"model": evaluation} | ({"champion": champion} if champion else {})
    asked = {name: _ask(warehouse, ollama, settings, run_key, rival, question_set_id) for name, rival in rivals.items()}
    given = {name: warehouse.answers(evaluation_id) for name, evaluation_id in asked.items()}
    given = given if champion else given | {"majority": _majority(warehouse, dataset_id, questions)}
    cards = {name: score(questions, answers, resampling=resampling_of(settings)) for name, answers in given.items()}
    warehouse.save_scorecard(asked["model"], {name: card.model_dump(mode="json") for name, card in cards.items()})
    rival = f"the champion {champion['model']}" if champion else "the majority of the train split"
    other = cards["champion" if champion else "majority"].overall.accuracy
    return with_sealed_test(decision, cards["model"], rival, cards["model"].overall.accuracy - other, looks)


def _open(
    warehouse: WarehouseHook, settings: Settings, run_key: int, evaluation: Mapping[str, Any]
) -> tuple[str, str, int, list[Question]] | None:
    """Freeze the questions and record the opening: dataset_id, question_set_id, look number and questions."""

    dataset_id = (warehouse.question_set(evaluation["question_set_id"]) or {})["dataset_id"]
    size = settings.evaluation.test_questions
    candidates = [Question(**row) for row in warehouse.question_candidates(dataset_id, "test")] if size else []
    if not candidates:
        log.info("the test split of %s stays sealed: %s", dataset_id, "it is empty" if size else "test_share is 0")
        return None
    chosen = freeze(candidates, size, settings.evaluation.seed)
    wanted = f"{question_set_hash(chosen)[:16]}-test"
    warehouse.save_question_set(run_key, wanted, dataset_id, chosen, kind="test")
    window = min(each.session for each in candidates), max(each.session for each in candidates)
    look = warehouse.look_at_test(run_key, dataset_id, evaluation["model"], wanted, window)
    questions = questions_of(warehouse.questions(look["question_set_id"]))
    return dataset_id, look["question_set_id"], look["looks"], questions


def _ask(
    warehouse: WarehouseHook,
    ollama: OllamaHook,
    settings: Settings,
    run_key: int,
    who: Mapping[str, Any],
    question_set_id: str,
) -> int:

    asked = ModelRef(who["model"], who["digest"])
    evaluation_id = open_evaluation(warehouse, settings, run_key, asked, question_set_id)
    ask_all(warehouse, ollama, settings, evaluation_id)
    return evaluation_id


def _majority(warehouse: WarehouseHook, dataset_id: str, questions: list[Question]) -> list[ScoredAnswer]:

    return list(answer_all(majority(warehouse.train_label_counts(dataset_id)), questions))
