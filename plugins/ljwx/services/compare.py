"""Two models on the questions that both have answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ljwx.core.evaluations.intervals import Resampling, paired_difference
from ljwx.core.evaluations.pairing import is_right, pair
from ljwx.core.evaluations.questions import Question, ScoredAnswer
from ljwx.core.evidence.paired import Paired, paired_measures
from ljwx.exceptions import NotFound
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.services.names import known_model
from ljwx.services.rivals import InRecord, Rival, in_record, rivals
from ljwx.settings import current_settings


@dataclass(frozen=True)
class ComparedPart:
    """Accuracy of both models on some of the questions, and the difference first − second.

    :param part: ``overall``, or a task.
    :param low: bound of the difference; None, like `high`, where the sessions are too few for an interval.
    """

    part: str
    questions: int
    first: float
    second: float
    difference: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Comparison:
    """Two models on the questions of one set that both answered.

    :param confidence: of the bounds.
    :param measures: ranking and a proper score, on tasks about the future.
    :param rivals: what any model has to beat, on the questions of the set that a decision was made on.
    :param record: what the forward record says of both, of their bases and of the rules.
    """

    first: str
    second: str
    question_set_id: str
    questions: int
    confidence: float
    parts: tuple[ComparedPart, ...]
    measures: tuple[Paired, ...] = ()
    rivals: tuple[Rival, ...] = ()
    record: tuple[InRecord, ...] = ()


def compare(first: str, second: str) -> Comparison:
    """Compare two models overall and per task.

    :param first: a model, or a name that stands for one, such as ``champion``; `second` likewise.
    :raises NotFound: a model is unknown, or no question set was answered by both.
    """

    settings, warehouse = current_settings(), WarehouseHook()
    first, second = known_model(warehouse, first), known_model(warehouse, second)
    common = warehouse.common_questions(first, second)
    if common is None:
        raise NotFound(f"{first} and {second} have no question set in common; a build asks challenger and champion")
    ours, theirs = warehouse.answers(common.first), warehouse.answers(common.second)
    both = {answer.sample_id for answer in ours} & {answer.sample_id for answer in theirs}
    asked = [each.question for each in warehouse.questions(common.question_set_id) if each.question.sample_id in both]
    if not asked:
        raise NotFound(f"{first} and {second} have not answered one question of {common.question_set_id} both")
    groups = {"overall": asked}
    for task in dict.fromkeys(question.task for question in asked):
        groups[task] = [question for question in asked if question.task == task]
    parts = tuple(_part(name, chosen, ours, theirs, settings.resampling) for name, chosen in groups.items())
    given, other = ([answer for answer in answers if answer.sample_id in both] for answers in (ours, theirs))
    measures = paired_measures(asked, given, other, settings.resampling, _rates(warehouse, common.question_set_id))
    known = [found for each in (first, second) if (found := warehouse.model(each)) is not None]
    return Comparison(
        first=first,
        second=second,
        question_set_id=common.question_set_id,
        questions=len(asked),
        confidence=settings.gate.confidence,
        parts=parts,
        measures=measures,
        rivals=rivals(warehouse, (common.first, common.second)),
        record=in_record(warehouse, known),
    )


def _rates(warehouse: WarehouseHook, question_set_id: str) -> Mapping[str, Mapping[str, float]]:
    """How often each class came in the train period of the dataset that the questions are from."""
    asked = warehouse.question_set(question_set_id)
    if asked is None:
        raise NotFound(f"question set {question_set_id} is not in the warehouse")
    return warehouse.class_rates(asked.dataset_id)


def _part(
    name: str,
    questions: Sequence[Question],
    ours: Sequence[ScoredAnswer],
    theirs: Sequence[ScoredAnswer],
    resampling: Resampling,
) -> ComparedPart:

    wanted = {question.sample_id for question in questions}
    first, second = ([answer for answer in answers if answer.sample_id in wanted] for answers in (ours, theirs))
    mine, other = (_accuracy(questions, answers) for answers in (first, second))
    gap = paired_difference(questions, first, second, resampling)
    low, high = (gap.low, gap.high) if gap else (None, None)
    return ComparedPart(name, len(questions), mine, other, mine - other, low, high)


def _accuracy(questions: Sequence[Question], answers: Sequence[ScoredAnswer]) -> float:
    return sum(is_right(*each) for each in pair(questions, answers)) / len(questions)
