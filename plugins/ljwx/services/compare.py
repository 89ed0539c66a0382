"""Two models on the questions that both have answered."""

from __future__ import annotations

from typing import Any

from ljwx.core.evaluations import Question, Resampling, ScoredAnswer, paired_difference
from ljwx.core.evaluations.pairing import is_right, pair
from ljwx.exceptions import NotFound
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.settings import current_settings


def compare(first: str, second: str) -> dict[str, Any]:
    """Return accuracy of both models overall and per task, and the interval of the difference, first − second.

    :return: question_set_id, questions, and `parts`: name, first, second, difference, low, high; low and high are None
        where the sessions are too few for an interval.
    :raises NotFound: a model is unknown, or no question set was answered by both.
    """

    settings, warehouse = current_settings(), WarehouseHook()
    for name in (first, second):
        if warehouse.model(name) is None:
            raise NotFound(f"no model is called {name!r}; `ljwx report` lists them")
    common = warehouse.common_question_set(first, second)
    if common is None:
        raise NotFound(f"{first} and {second} have no question set in common; a build asks challenger and champion")
    questions = [
        Question(**{name: row[name] for name in Question.__dataclass_fields__})
        for row in warehouse.questions(common["question_set_id"])
    ]
    ours, theirs = warehouse.answers(common["first"]), warehouse.answers(common["second"])
    both = {answer.sample_id for answer in ours} & {answer.sample_id for answer in theirs}
    asked = [question for question in questions if question.sample_id in both]
    if not asked:
        raise NotFound(f"{first} and {second} have not answered one question of {common['question_set_id']} both")
    resampling = settings.gate.resampling(settings.samples.horizon, settings.evaluation.seed)
    tasks = list(dict.fromkeys(question.task for question in asked))
    parts = [_part("overall", asked, ours, theirs, resampling)]
    for task in tasks:
        mine = [question for question in asked if question.task == task]
        parts.append(_part(task, mine, ours, theirs, resampling))
    return {
        "first": first, "second": second, "question_set_id": common["question_set_id"],
        "questions": len(asked), "confidence": settings.gate.confidence, "parts": parts,
    }  # fmt: skip


def _part(
    name: str, questions: list[Question], ours: list[ScoredAnswer], theirs: list[ScoredAnswer], resampling: Resampling
) -> dict[str, Any]:

    wanted = {question.sample_id for question in questions}
    given = [[answer for answer in answers if answer.sample_id in wanted] for answers in (ours, theirs)]
    shares = [sum(is_right(*each) for each in pair(questions, answers)) / len(questions) for answers in given]
    gap = paired_difference(questions, given[0], given[1], resampling)
    return {
        "part": name, "questions": len(questions), "first": shares[0], "second": shares[1],
        "difference": shares[0] - shares[1], "low": gap.low if gap else None, "high": gap.high if gap else None,
    }  # fmt: skip
