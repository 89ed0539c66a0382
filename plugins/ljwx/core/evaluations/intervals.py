"""Intervals by moving-block bootstrap over sessions. Pure: no airflow, no I/O, no clock.

Answers of one session share that day's market, and labels over a horizon of h sessions overlap with those of the next
h - 1: questions are not independent, blocks of at least h consecutive sessions nearly are (Künsch 1989).

The plain percentile interval is too narrow where blocks are few: with 20 sessions in blocks of 5 and no real difference
its 95 % interval lay above 0 in up to 16 % of simulated comparisons instead of 2.5 %. So it is widened as Student's t
is against the normal distribution; see ``widening_of``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from functools import lru_cache
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from ljwx.core.evaluations.pairing import is_right, pair
from ljwx.core.evaluations.questions import Question, ScoredAnswer
from ljwx.core.tasks import TASKS

Floats = NDArray[np.float64]

FEWEST_BLOCKS = 4
"""With fewer blocks than this in the sessions no interval is made: it would mislead, however wide."""


class Resampling(BaseModel):
    """How an interval is made.

    :param block: sessions per block; at least the horizon of the labels.
        Twice the horizon costs little and covers correlation beyond it better.
    :param confidence: coverage of the two-sided interval.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    block: int = Field(default=10, ge=1)
    resamples: int = Field(default=2000, ge=100, le=100_000)
    confidence: float = Field(default=0.95, gt=0.5, le=0.999)
    seed: int = Field(default=0, ge=0)


class Interval(BaseModel):
    """An estimate, its interval, and how it was made. The estimate is of accuracy, or of a difference of accuracies."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    estimate: float
    low: float
    high: float
    questions: int
    sessions: int
    resampling: Resampling


def accuracy_interval(
    questions: Sequence[Question], answers: Iterable[ScoredAnswer], resampling: Resampling
) -> Interval | None:
    """Return the accuracy with its interval; None if the sessions are too few for one.

    :raises ValueError: see :func:`ljwx.core.evaluations.pairing.pair`.
    """
    values = np.array([is_right(*both) for both in pair(questions, answers)], dtype=np.float64)
    return mean_interval([question.session for question in questions], values, resampling, lowest=0)


def paired_difference(
    questions: Sequence[Question],
    challenger: Iterable[ScoredAnswer],
    other: Iterable[ScoredAnswer],
    resampling: Resampling,
) -> Interval | None:
    """Return accuracy of the challenger − accuracy of the other on the same questions, with its interval.

    Both are resampled together, so what made a session hard for both cancels out.

    :return: None if the sessions are too few for an interval.
    :raises ValueError: see :func:`ljwx.core.evaluations.pairing.pair`.
    """
    ours = np.array([is_right(*both) for both in pair(questions, challenger)], dtype=np.float64)
    theirs = np.array([is_right(*both) for both in pair(questions, other)], dtype=np.float64)
    return mean_interval([question.session for question in questions], ours - theirs, resampling, lowest=-1)


def predictive_difference(
    questions: Sequence[Question],
    challenger: Iterable[ScoredAnswer],
    other: Iterable[ScoredAnswer],
    resampling: Resampling,
) -> Interval | None:
    """Return the paired difference over the questions whose answer does not stand in the prompt: copying is no skill.

    :return: None if there are none, or if their sessions are too few for an interval.
    """
    asked = [question for question in questions if not TASKS[question.task].is_copying]
    if not asked:
        return None
    ids = {question.sample_id for question in asked}
    ours, theirs = ([answer for answer in given if answer.sample_id in ids] for given in (challenger, other))
    return paired_difference(asked, ours, theirs, resampling)


def mean_interval(days: Sequence[date], values: Floats, resampling: Resampling, lowest: float) -> Interval | None:
    """Return the mean of ``values``, which lie between ``lowest`` and 1, with its interval.

    :param days: the session of each value, in any order.
    :return: None if the sessions are too few for an interval.
    """
    sessions, index = np.unique(np.array([day.toordinal() for day in days]), return_inverse=True)
    if len(sessions) < FEWEST_BLOCKS * resampling.block:
        return None
    sums = np.bincount(index, weights=values).astype(np.float64)
    counts = np.bincount(index).astype(np.float64)
    estimate, low, high = (float(each[0]) for each in block_interval(sums[:, None], counts, resampling))
    return Interval(
        estimate=estimate,
        low=max(low, lowest),
        high=min(high, 1.0),
        questions=len(days),
        sessions=len(sessions),
        resampling=resampling,
    )


def block_interval(sums: Floats, counts: Floats, resampling: Resampling) -> tuple[Floats, Floats, Floats]:
    """Return estimate, lower and upper end of the mean per question, for each column of ``sums``.

    :param sums: sessions × columns; sum of the values of each session, in time order.
    :param counts: questions of each session.
    """
    drawn = draws(len(sums), resampling)
    means = (drawn @ sums) / (drawn @ counts)[:, None]
    tail = (1 - resampling.confidence) / 2
    widening = widening_of(len(sums) / resampling.block, 1 - tail)
    estimate, centre = sums.sum(axis=0) / counts.sum(), means.mean(axis=0)
    low, high = (estimate + widening * (end - centre) for end in np.quantile(means, [tail, 1 - tail], axis=0))
    return estimate, low, high


def widening_of(blocks: float, level: float) -> float:
    """Return by how much the quantile at ``level`` must be moved out, with so many blocks in the sessions.

    The variance between overlapping blocks is that of a Bartlett window: it is short by 1 - 1/blocks, because the mean
    was estimated from the same sessions, and has about 1.5 x blocks degrees of freedom. Student's quantile over the
    normal one is by its expansion (Abramowitz and Stegun 26.7.5; within 0.1 % for 6 degrees and more, at 95 %).
    """
    z, freedom = NormalDist().inv_cdf(level), 1.5 * blocks
    student = (
        z
        + (z**3 + z) / (4 * freedom)
        + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * freedom**2)
        + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * freedom**3)
    )
    return float(student / z * (blocks / (blocks - 1)) ** 0.5)


@lru_cache(maxsize=8)
def draws(sessions: int, resampling: Resampling) -> Floats:
    """Return how often each resample (row) holds each session (column).

    A resample is as many sessions as there are, taken as blocks of consecutive ones from random starts, the last cut.
    It depends on nothing else, so that all comparisons over the same sessions are resampled alike.
    """
    rows, block = resampling.resamples, resampling.block
    generator = np.random.default_rng(resampling.seed)
    starts = generator.integers(0, sessions - block + 1, size=(rows, -(-sessions // block)))
    picks = (starts[:, :, None] + np.arange(block)).reshape(rows, -1)[:, :sessions]
    flat = (picks + sessions * np.arange(rows)[:, None]).ravel()
    return np.bincount(flat, minlength=rows * sessions).reshape(rows, sessions).astype(np.float64)
