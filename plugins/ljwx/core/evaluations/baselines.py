"""Answerers that need no model: what any model has to beat. Pure: no airflow, no I/O, no clock."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from ljwx.core.evaluations.questions import Question, ScoredAnswer
from ljwx.core.tasks import TASKS

Answerer = Callable[[Question], ScoredAnswer]
"""Whatever answers a question without reading its label."""


def answer_all(answerer: Answerer, questions: Iterable[Question]) -> tuple[ScoredAnswer, ...]:
    """Return the answerer's answer to every question, in the questions' order."""
    return tuple(answerer(question) for question in questions)


def majority(train_label_counts: Mapping[str, Mapping[str, int]]) -> Answerer:
    """Return the answerer that always says its task's most frequent class, with the train split's frequencies.

    :param train_label_counts: labels per task and class in the train split; a tie goes to the class listed first.
    :raises ValueError: a class that the task does not have, no labels; or, when it is asked, a task not counted.
    """
    frequencies = {task: _frequencies(task, counts) for task, counts in train_label_counts.items()}

    def answer(question: Question) -> ScoredAnswer:
        if question.task not in frequencies:
            raise ValueError(f"majority: no train labels counted for task {question.task}")
        shares = frequencies[question.task]
        return ScoredAnswer(question.sample_id, True, max(shares, key=lambda name: shares[name]), shares)

    return answer


def _frequencies(task: str, counts: Mapping[str, int]) -> dict[str, float]:
    foreign = set(counts) - set(TASKS[task].classes if task in TASKS else ())
    total = sum(counts.values())
    if foreign or total < 1 or min(counts.values()) < 0:
        raise ValueError(
            f"majority: counts of {task} must be of its classes, not negative and not all 0: {dict(counts)}"
        )
    return {name: counts.get(name, 0) / total for name in TASKS[task].classes}


def persistence(question: Question) -> ScoredAnswer:
    """Answer the class of the stock's most recent mature label.

    Where there is none the answer is invalid (``no_previous_label``) and counts as wrong, as for any other answerer:
    the scorecard's valid share tells how often that was.
    """
    if question.previous_label is None:
        return ScoredAnswer(question.sample_id, False, None, reason="no_previous_label")
    return ScoredAnswer(question.sample_id, True, question.previous_label)


def moving_averages(signals: Mapping[str, Mapping[str, str]]) -> Answerer:
    """Return the answerer that follows each task's rule: for most the order of the 5, 10, 20 and 60 session averages.

    :param signals: the words of each question's snapshot, by sample_id and signal.
    :raises ValueError: when it is asked, a question whose signals are not known.
    """

    def answer(question: Question) -> ScoredAnswer:
        if question.sample_id not in signals:
            raise ValueError(f"moving averages: no signals of {question.sample_id}")
        rule = TASKS[question.task].rule
        return ScoredAnswer(question.sample_id, True, rule.says[signals[question.sample_id][rule.signal]])

    return answer
