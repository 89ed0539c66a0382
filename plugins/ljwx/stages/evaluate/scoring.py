"""Evidence for the gate: the scorecards of a challenger and of all that it has to beat, on the same questions."""

from __future__ import annotations

import json
import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from ljwx.core.evaluations import (
    TRAIN_SAMPLES,
    Interval,
    MaskedGap,
    Resampling,
    Scorecard,
    ScoredAnswer,
    answer_all,
    logistic,
    majority,
    masked_gap,
    moving_averages,
    numbers,
    persistence,
    predictive_difference,
    score,
    slice_scores,
    unknown,
)
from ljwx.exceptions import ConfigurationError
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.services.asking.candidates import candidate, counting
from ljwx.services.asking.full import request_config
from ljwx.settings import Settings
from ljwx.warehouse.evaluations import Evaluation, StoredQuestion

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Evidence:
    """The challenger's scorecard, and by name those of its rivals and its differences from them."""

    model: Scorecard
    rivals: Mapping[str, Scorecard]
    differences: Mapping[str, Interval | None]

    @property
    def cards(self) -> dict[str, Scorecard]:
        """All scorecards by name, the challenger's as `model`."""
        return {"model": self.model, **self.rivals}

    @property
    def champion(self) -> Scorecard | None:
        """The champion's scorecard; None without one."""
        return self.rivals.get("champion")

    @property
    def over_champion(self) -> Interval | None:
        """The challenger's difference from the champion; None without one, or without an interval."""
        return self.differences.get("champion")


def gather(
    warehouse: WarehouseHook, settings: Settings, evaluation: Evaluation, champion: Evaluation | None
) -> Evidence:
    """Score the challenger, the baselines, the untuned base and the champion on one question set.

    Questions about what challenger or champion was made from do not count for anybody.

    :param evaluation: the challenger's.
    :param champion: the champion's, of the same question set; None without one.
    :raises ConfigurationError: somebody has not answered all questions, or none counts.
    """

    every, resampling = warehouse.questions(evaluation.question_set_id), settings.resampling
    stored = _counting(warehouse, every, evaluation, champion)
    questions = [each.question for each in stored]
    counted = {question.sample_id for question in questions}
    answers = _all_answers(warehouse, evaluation, len(every), counted)
    rivals, left_out = _baselines(warehouse, evaluation.question_set_id, stored)
    for name, asked in (("base", _of_base(warehouse, settings, evaluation)), ("champion", champion)):
        rivals |= {} if asked is None else {name: _all_answers(warehouse, asked, len(every), counted)}
    cards = {
        name: score(questions, given, resampling=resampling).model_copy(
            update={"left_out": left_out} if name == "logistic" else {}
        )
        for name, given in rivals.items()
    }
    differences = {name: predictive_difference(questions, answers, given, resampling) for name, given in rivals.items()}
    market = warehouse.market_returns({question.session for question in questions})
    details = {
        "slices": slice_scores(questions, answers, market, resampling),
        "masked": _masked_gap(warehouse, evaluation, answers, counted, resampling),
        "differences": differences,
    }
    evidence = Evidence(score(questions, answers, resampling=resampling).model_copy(update=details), cards, differences)
    for name, card in evidence.cards.items():
        log.info("%-12s accuracy %.3f, valid %.1f %%", name, card.overall.accuracy, 100 * card.overall.valid_share)
    return evidence


def _counting(
    warehouse: WarehouseHook, stored: Sequence[StoredQuestion], evaluation: Evaluation, champion: Evaluation | None
) -> list[StoredQuestion]:
    """The questions that neither the challenger nor the champion was made from."""
    later = counting(warehouse, stored, evaluation.model, champion.model if champion else None)
    if stored and not later:
        raise ConfigurationError(
            f"no question of set {evaluation.question_set_id} lies after what challenger and champion were made from: "
            "clear the task freeze_questions and what follows"
        )
    return later


def _baselines(
    warehouse: WarehouseHook, question_set_id: str, stored: Sequence[StoredQuestion]
) -> tuple[dict[str, Sequence[ScoredAnswer]], tuple[str, ...]]:
    """Answer the questions without a model; name the numbers that the regression did without."""

    dataset_id = dataset_of(warehouse, question_set_id)
    questions = [each.question for each in stored]
    facts = {each.question.sample_id: json.loads(each.snapshot) for each in stored}
    train = [
        (sample.task, sample.label, json.loads(sample.snapshot))
        for sample in warehouse.train_snapshots(dataset_id, TRAIN_SAMPLES)
    ]
    left_out = unknown([*facts.values(), *(snapshot for _, _, snapshot in train)])
    if left_out:
        log.info("the regression does without %s: some snapshots have none", ", ".join(left_out))
    fitted = logistic(
        ((task, label, numbers(snapshot, left_out)) for task, label, snapshot in train),
        {sample_id: numbers(snapshot, left_out) for sample_id, snapshot in facts.items()},
        warehouse.class_rates(dataset_id),
    )
    answerers = {
        "majority": majority(warehouse.train_label_counts(dataset_id)),
        "persistence": persistence,
        "ma_rule": moving_averages({sample_id: snapshot["readings"] for sample_id, snapshot in facts.items()}),
        "logistic": fitted,
    }
    return {name: answer_all(answerer, questions) for name, answerer in answerers.items()}, left_out


def dataset_of(warehouse: WarehouseHook, question_set_id: str) -> str:
    """Return the dataset_id that a question set was chosen from.

    :raises ConfigurationError: there is no such question set.
    """
    found = warehouse.question_set(question_set_id)
    if found is None:
        raise ConfigurationError(f"question set {question_set_id} is not in the warehouse: clear freeze_questions")
    return found.dataset_id


def _of_base(warehouse: WarehouseHook, settings: Settings, evaluation: Evaluation) -> Evaluation | None:
    """Return the untuned base's evaluation; None for a model that was asked before bases were."""

    model = candidate(warehouse, evaluation.model)
    sent = request_config(settings, model.parameters)
    return warehouse.evaluation_of(model.base, model.base_digest, evaluation.question_set_id, sent)


def _all_answers(
    warehouse: WarehouseHook, evaluation: Evaluation, questions: int, counted: Collection[str]
) -> list[ScoredAnswer]:
    """Return the answers of an evaluation to the questions that count, one to each.

    :param questions: how many there are, those that do not count included.
    :raises ConfigurationError: questions were left out, as when a task was marked as success that was not.
    """
    answers = warehouse.answers(evaluation.evaluation_id)
    if len(answers) < questions:
        raise ConfigurationError(
            f"{evaluation.model} has answered {len(answers)} of the {questions} questions of set "
            f"{evaluation.question_set_id}: clear the task ask_questions and what follows"
        )
    return [answer for answer in answers if answer.sample_id in counted]


def _masked_gap(
    warehouse: WarehouseHook,
    evaluation: Evaluation,
    answers: Sequence[ScoredAnswer],
    counted: Collection[str],
    resampling: Resampling,
) -> MaskedGap | None:

    asked = warehouse.masked_evaluation(evaluation.evaluation_id)
    if asked is None:
        return None
    every = [each.question for each in warehouse.questions(asked.question_set_id)]
    questions = [question for question in every if question.sample_id in counted]
    if not questions:
        return None
    return masked_gap(questions, answers, _all_answers(warehouse, asked, len(every), counted), resampling)
