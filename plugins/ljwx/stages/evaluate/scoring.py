"""Evidence for the gate: the scorecards of a challenger and of all that it has to beat, on the same questions."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ljwx.core.evaluations import (
    Interval,
    Question,
    Resampling,
    Scorecard,
    ScoredAnswer,
    answer_all,
    logistic,
    majority,
    masked_gap,
    moving_averages,
    numbers,
    paired_difference,
    persistence,
    score,
    slice_scores,
    unknown,
)
from ljwx.exceptions import ConfigurationError
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.services.asking import request_config
from ljwx.settings import Settings

log = logging.getLogger(__name__)

TRAIN_SAMPLES = 5000
"""Samples of each task that the regression is fitted on, at most: more change it little and cost memory."""


@dataclass(frozen=True)
class Evidence:
    """Scorecards by name, the challenger's as `model`; and its differences from the others."""

    cards: dict[str, Scorecard]
    differences: dict[str, Interval | None] = field(default_factory=dict)


def questions_of(rows: Sequence[Mapping[str, Any]]) -> list[Any]:
    """Return the Questions in rows of a question set, in their order."""

    return [Question(**{name: row[name] for name in Question.__dataclass_fields__}) for row in rows]


def resampling_of(settings: Settings) -> Resampling:
    """Return how all intervals are made."""
    return settings.gate.resampling(settings.samples.horizon, settings.evaluation.seed)


def gather(
    warehouse: WarehouseHook, settings: Settings, evaluation: Mapping[str, Any], champion: Mapping[str, Any] | None
) -> Evidence:
    """Score the challenger, the baselines, the untuned base and the champion on one question set.

    :param evaluation: the challenger's.
    :param champion: the champion's, of the same question set; None without one.
    :raises ConfigurationError: somebody has not answered all questions.
    """

    rows, resampling = warehouse.questions(evaluation["question_set_id"]), resampling_of(settings)
    questions, answers = questions_of(rows), _all_answers(warehouse, evaluation, len(rows))
    rivals, left_out = _baselines(warehouse, rows, questions)
    for name, asked in (("base", _of_base(warehouse, settings, evaluation)), ("champion", champion)):
        rivals |= {} if asked is None else {name: _all_answers(warehouse, asked, len(rows))}
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
) -> tuple[dict[str, Sequence[ScoredAnswer]], tuple[str, ...]]:
    """Answer the questions without a model; name the numbers that the regression did without."""

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


def _of_base(warehouse: WarehouseHook, settings: Settings, evaluation: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the untuned base's evaluation; None for a model that was asked before bases were."""

    model = warehouse.model(evaluation["model"]) or {}
    sent = request_config(settings, model["spec"]["parameters"])
    return warehouse.evaluation_of(model["base"], model["base_digest"], evaluation["question_set_id"], sent)


def _all_answers(warehouse: WarehouseHook, evaluation: Mapping[str, Any], questions: int) -> list[ScoredAnswer]:
    """Return the answers of an evaluation, one to each question.

    :raises ConfigurationError: questions were left out, as when a task was marked as success that was not.
    """
    answers = warehouse.answers(evaluation["evaluation_id"])
    if len(answers) < questions:
        raise ConfigurationError(
            f"{evaluation['model']} has answered {len(answers)} of the {questions} questions of set "
            f"{evaluation['question_set_id']}: clear the task ask_questions and what follows"
        )
    return answers


def _masked_gap(
    warehouse: WarehouseHook, evaluation: Mapping[str, Any], answers: Sequence[ScoredAnswer], resampling: Resampling
) -> Any:

    asked = warehouse.masked_evaluation(evaluation["evaluation_id"])
    if asked is None:
        return None
    questions = questions_of(warehouse.questions(asked["question_set_id"]))
    return masked_gap(questions, answers, _all_answers(warehouse, asked, len(questions)), resampling)
