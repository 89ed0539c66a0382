"""Evidence for the gate: the scorecards of a challenger and of all that it has to beat, on the same questions."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ljwx.core.evaluations import Answer, Interval, Question, Resampling, Scorecard
    from ljwx.hooks.warehouse import WarehouseHook
    from ljwx.settings import Settings

log = logging.getLogger(__name__)

TRAIN_SAMPLES = 5000
"""Samples of each task that the regression is fitted on, at most: more change it little and cost memory."""


@dataclass(frozen=True)
class Evidence:
    """Scorecards by name, the challenger's as `model`; and its differences from the others."""

    cards: dict[str, Scorecard]
    differences: dict[str, Interval | None] = field(default_factory=dict)


def resampling_of(settings: Settings) -> Resampling:
    """Return how all intervals are made."""
    return settings.gate.resampling(settings.samples.horizon, settings.evaluation.seed)


def gather(
    warehouse: WarehouseHook, settings: Settings, evaluation: Mapping[str, Any], champion: Sequence[Answer] | None
) -> Evidence:
    """Score the challenger, the baselines, the untuned base and the champion on one question set.

    :param evaluation: the challenger's.
    :param champion: the champion's answers to the same questions; None without one.
    :raises ValueError: somebody has not answered all questions.
    """
    from ljwx.core.evaluations import paired_difference, score, slice_scores
    from ljwx.tasks.evaluations import questions_of

    rows, resampling = warehouse.questions(evaluation["question_set_id"]), resampling_of(settings)
    questions, answers = questions_of(rows), warehouse.answers(evaluation["evaluation_id"])
    rivals, left_out = _baselines(warehouse, rows, questions)
    base = _base_answers(warehouse, settings, evaluation)
    rivals |= {} if base is None else {"base": base}
    rivals |= {} if champion is None else {"champion": champion}
    cards = {name: score(questions, given, resampling=resampling) for name, given in rivals.items()}
    differences = {name: paired_difference(questions, answers, given, resampling) for name, given in rivals.items()}
    market = warehouse.market_returns({question.session for question in questions})
    details = {
        "slices": slice_scores(questions, answers, market, resampling),
        "masked": _masked_gap(warehouse, evaluation, answers, resampling),
        "differences": differences,
    }
    cards["model"] = score(questions, answers, resampling=resampling).model_copy(update=details)
    cards["logistic"] = cards["logistic"].model_copy(update={"left_out": left_out})
    for name, card in cards.items():
        log.info("%-12s accuracy %.3f, valid %.1f %%", name, card.overall.accuracy, 100 * card.overall.valid_share)
    return Evidence(cards, differences)


def _baselines(
    warehouse: WarehouseHook, rows: Sequence[Mapping[str, Any]], questions: Sequence[Question]
) -> tuple[dict[str, Sequence[Answer]], tuple[str, ...]]:
    """Answer the questions without a model; name the numbers that the regression did without."""
    from ljwx.core.evaluations import answer_all, logistic, majority, moving_averages, numbers, persistence, unknown

    dataset_id = rows[0]["dataset_id"]
    facts = {row["sample_id"]: json.loads(row["snapshot"]) for row in rows}
    train = [
        (row["task"], row["label"], json.loads(row["snapshot"]))
        for row in warehouse.train_snapshots(dataset_id, TRAIN_SAMPLES)
    ]
    left_out = unknown([*facts.values(), *(snapshot for _, _, snapshot in train)])
    if left_out:
        log.info("the regression does without %s: some snapshots have none", ", ".join(left_out))
    fitted = logistic(
        ((task, label, numbers(snapshot, left_out)) for task, label, snapshot in train),
        {sample_id: numbers(snapshot, left_out) for sample_id, snapshot in facts.items()},
    )
    answerers = {
        "majority": majority(warehouse.train_label_counts(dataset_id)),
        "persistence": persistence,
        "ma_rule": moving_averages({sample_id: snapshot["readings"] for sample_id, snapshot in facts.items()}),
        "logistic": fitted,
    }
    return {name: answer_all(answerer, questions) for name, answerer in answerers.items()}, left_out


def _base_answers(warehouse: WarehouseHook, settings: Settings, evaluation: Mapping[str, Any]) -> list[Answer] | None:
    """Return the untuned base's answers; None for a model that was asked before bases were."""
    from ljwx.tasks.asking import asked_with

    model, sent = warehouse.model(evaluation["model"]) or {}, asked_with(settings, untuned=True)
    asked = warehouse.evaluation_of(model["base"], model["base_digest"], evaluation["question_set_id"], sent)
    return None if asked is None else warehouse.answers(asked["evaluation_id"])


def _masked_gap(
    warehouse: WarehouseHook, evaluation: Mapping[str, Any], answers: Sequence[Answer], resampling: Resampling
) -> Any:
    from ljwx.core.evaluations import masked_gap
    from ljwx.tasks.evaluations import questions_of

    asked = warehouse.masked_evaluation(evaluation["evaluation_id"])
    if asked is None:
        return None
    questions = questions_of(warehouse.questions(asked["question_set_id"]))
    return masked_gap(questions, answers, warehouse.answers(asked["evaluation_id"]), resampling)
