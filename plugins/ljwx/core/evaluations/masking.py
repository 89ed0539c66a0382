"""What a model loses when it does not know which stock and which day it is. Pure: no airflow, no I/O, no clock.

A model that has read about a stock's past may answer from memory. The same facts without name, code and date show it:
with them it would be right more often.
"""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict

from ljwx.core.evaluations.intervals import Interval, Resampling, paired_difference
from ljwx.core.evaluations.pairing import is_right, pair
from ljwx.core.evaluations.questions import Question, ScoredAnswer


class MaskedGap(BaseModel):
    """The same questions asked twice, the second time without name, code and date. Shares are from 0 to 1.

    :param gap: accuracy as asked less accuracy masked: what the model owes to knowing stock and day.
    :param changed: share of questions whose class, or validity, changed.
    :param interval: of the gap; None where the sessions are too few.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    n: int
    accuracy: float
    masked_accuracy: float
    gap: float
    changed: float
    interval: Interval | None


def masked_gap(
    questions: Sequence[Question],
    answers: Sequence[ScoredAnswer],
    masked: Sequence[ScoredAnswer],
    resampling: Resampling,
) -> MaskedGap:
    """Compare the answers to the questions that were also asked masked.

    :param questions: those asked masked.
    :param answers: to at least these questions, as usually asked; more are left out.
    :raises ValueError: see :func:`ljwx.core.evaluations.pairing.pair`.
    """
    wanted = {question.sample_id for question in questions}
    plain = pair(questions, [answer for answer in answers if answer.sample_id in wanted])
    hidden = pair(questions, masked)
    before = sum(is_right(*both) for both in plain) / len(questions)
    after = sum(is_right(*both) for both in hidden) / len(questions)
    moved = sum(_said(a) != _said(b) for (_, a), (_, b) in zip(plain, hidden, strict=True))
    return MaskedGap(
        n=len(questions),
        accuracy=before,
        masked_accuracy=after,
        gap=before - after,
        changed=moved / len(questions),
        interval=paired_difference(questions, [answer for _, answer in plain], masked, resampling),
    )


def _said(answer: ScoredAnswer) -> str | None:
    return answer.label if answer.valid else None
