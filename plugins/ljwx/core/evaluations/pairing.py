"""Puts each answer to its question. Pure: no airflow, no I/O, no clock."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ljwx.core.evaluations.questions import Question, ScoredAnswer
from ljwx.exceptions import ConfigurationError


def pair(questions: Sequence[Question], answers: Iterable[ScoredAnswer]) -> list[tuple[Question, ScoredAnswer]]:
    """Return each question with its answer, in the questions' order.

    :raises ConfigurationError: no questions.
    :raises ValueError: a question that occurs twice, has no answer or has two; an answer to no question.
        A missing answer is never dropped: it would make the others look better.
    """
    if not questions:
        raise ConfigurationError("question set: it is empty; there is nothing to score")
    given: dict[str, ScoredAnswer] = {}
    for answer in answers:
        if answer.sample_id in given:
            raise ValueError(f"answers: {answer.sample_id} is answered twice")
        given[answer.sample_id] = answer
    asked = {question.sample_id for question in questions}
    if len(asked) != len(questions):
        raise ValueError("question set: a sample_id occurs twice")
    for problem, ids in (("have no answer", asked - set(given)), ("were never asked", set(given) - asked)):
        if ids:
            raise ValueError(f"answers: {len(ids)} of {len(asked)} {problem}, first {min(ids)}")
    return [(question, given[question.sample_id]) for question in questions]


def is_right(question: Question, answer: ScoredAnswer) -> bool:
    """Tell whether the answer is valid and says the true class."""
    return answer.valid and answer.label == question.label
