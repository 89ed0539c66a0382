"""Questions and answers. Pure: no airflow, no I/O, no clock."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from math import isfinite

from ljwx.core.tasks import TASKS

ROUNDING_TOLERANCE = 0.02
"""How far from 1 three written probabilities may sum: each may be rounded to two digits, or cut."""


@dataclass(frozen=True)
class Question:
    """One case of a question set: a sample whose truth is known.

    :param session: the as-of session of the sample.
    :param label: the true class.
    :param previous_label: the class of the stock's most recent label that was mature at the as-of session
        (label_end <= as-of), which is what persistence answers; None if there is none.
    :raises ValueError: an unknown task, or a label that is not one of its classes.
    """

    sample_id: str
    task: str
    ts_code: str
    session: date
    label: str
    previous_label: str | None
    board: str
    industry: str

    def __post_init__(self) -> None:
        if self.task not in TASKS:
            raise ValueError(f"question {self.sample_id}: unknown task {self.task!r}; known: {', '.join(TASKS)}")
        for name, label in (("label", self.label), ("previous_label", self.previous_label)):
            if label not in TASKS[self.task].classes and not (name == "previous_label" and label is None):
                raise ValueError(f"question {self.sample_id}: {name} {label!r} is no class of {self.task}")


@dataclass(frozen=True)
class ClaimCounts:
    """How many numbers and signals an answer claims, by what its snapshot says of them.

    :param unchecked: characters of its prose that claim nothing a snapshot could bear out, of ``characters`` in all.
    :param checker: the version of the checker; counts that do not name theirs are of 1, which knew no unchecked words.
    """

    right: int = 0
    wrong: int = 0
    unsupported: int = 0
    unchecked: int = 0
    characters: int = 0
    checker: int = 1


@dataclass(frozen=True)
class ScoredAnswer:
    """What an answerer said to one question.

    :param valid: whether the answer kept to its schema. An invalid one counts as wrong; its label is never read.
    :param label: the class answered.
    :param probabilities: the probability of each class of the task, summing to 1; None if the answerer gave none.
    :param latency_s: seconds from request to last token.
    :param reason: machine-readable cause of an invalid answer.
    :param claims: of a valid answer that was held against its snapshot; None where it was not.
    :raises ValueError: a valid answer without label, an invalid one without reason, a negative or non-finite number.
    """

    sample_id: str
    valid: bool
    label: str | None
    probabilities: Mapping[str, float] | None = None
    latency_s: float = 0.0
    prompt_tokens: int = 0
    answer_tokens: int = 0
    reason: str | None = None
    claims: ClaimCounts | None = None

    def __post_init__(self) -> None:
        if self.valid and self.label is None:
            raise ValueError(f"answer {self.sample_id}: valid, but without a label")
        if not self.valid and not self.reason:
            raise ValueError(f"answer {self.sample_id}: invalid, but without a reason")
        if not isfinite(self.latency_s) or min(self.latency_s, self.prompt_tokens, self.answer_tokens) < 0:
            raise ValueError(f"answer {self.sample_id}: latency and token counts must be finite and not negative")


def distribution(task: str, written: Mapping[str, float]) -> dict[str, float] | None:
    """Return the probabilities a model wrote as a distribution over the task's classes, or None if they are none.

    Written numbers are rounded: a sum within ``ROUNDING_TOLERANCE`` of 1 is scaled to 1, any other is not believed.
    A missing or foreign class, a negative number, NaN or infinity make it None as well.
    """
    if set(written) != set(TASKS[task].classes):
        return None
    if not all(isfinite(p) and p >= 0 for p in written.values()):
        return None
    total = sum(written.values())
    if abs(total - 1) > ROUNDING_TOLERANCE:
        return None
    return {name: written[name] / total for name in TASKS[task].classes}


def question_set_hash(questions: Iterable[Question]) -> str:
    """Return the sha256 (hex) of a question set: of every field of every question, whatever their order."""
    lines = sorted(
        json.dumps(vars(question), ensure_ascii=False, sort_keys=True, default=date.isoformat) for question in questions
    )
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
