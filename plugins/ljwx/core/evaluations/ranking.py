"""RankIC: does an answerer put the stocks of a session in the order in which they then did? Pure: no I/O, no clock.

The signal is the probability of the class for higher prices less that of the class for lower ones. What came of it is
known by the true class alone, as -1, 0 or 1: a sample keeps its class and not its return. Ties get the mean rank.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from ljwx.core.evaluations.intervals import Interval, Resampling, mean_interval
from ljwx.core.evaluations.questions import Question, ScoredAnswer
from ljwx.core.tasks import TASKS
from ljwx.core.tasks.definition import Direction

FEWEST_STOCKS: Final = 3
"""A session with fewer questions of the task, or whose truths are all one class, has no order to find."""

Floats = NDArray[np.float64]


class RankIC(BaseModel):
    """Mean over sessions of Spearman's correlation of signal and truth, from -1 to 1.

    :param sessions: sessions with an order to find; an answerer that puts all their stocks alike has 0 there.
    :param interval: None where those sessions are too few.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    mean: float
    sessions: int
    interval: Interval | None


def rank_ic(pairs: Sequence[tuple[Question, ScoredAnswer]], resampling: Resampling | None = None) -> RankIC | None:
    """Return the RankIC of one task's answers; None for a task without direction, or where no session has an order.

    An answer without probabilities is as certain as can be; an invalid one has no opinion: signal 0.
    """
    found = session_rank_ics(pairs)
    if not found:
        return None
    values = np.array(list(found.values()))
    interval = mean_interval(list(found), values, resampling, lowest=-1) if resampling else None
    return RankIC(mean=float(values.mean()), sessions=len(found), interval=interval)


def session_rank_ics(pairs: Sequence[tuple[Question, ScoredAnswer]]) -> dict[date, float]:
    """Return the RankIC of each session with an order to find, the oldest first; none of a task without direction."""
    by_session: dict[date, list[tuple[float, float]]] = defaultdict(list)
    for question, answer in pairs:
        direction = TASKS[question.task].direction
        if direction is not None:
            by_session[question.session].append((signal(direction, answer), _sign(direction, question.label)))
    return {day: _spearman(np.array(points)) for day, points in sorted(by_session.items()) if _has_order(points)}


def signal(direction: Direction, answer: ScoredAnswer) -> float:
    """Return P(higher) - P(lower); of an answer without probabilities as if it were certain; 0 of an invalid one."""
    if not answer.valid or answer.label is None:
        return 0.0
    if answer.probabilities is None:
        return _sign(direction, answer.label)
    higher, lower = direction
    return answer.probabilities[higher] - answer.probabilities[lower]


def _sign(direction: Direction, label: str) -> float:
    higher, lower = direction
    return float(label == higher) - float(label == lower)


def _has_order(points: Sequence[tuple[float, float]]) -> bool:
    return len(points) >= FEWEST_STOCKS and len({truth for _, truth in points}) > 1


def _spearman(points: Floats) -> float:
    """Return the correlation of the ranks of two columns; 0 where the first has one value only."""
    given, truth = _ranks(points[:, 0]), _ranks(points[:, 1])
    if not np.ptp(given):
        return 0.0
    return float(np.corrcoef(given, truth)[0, 1])


def _ranks(values: Floats) -> Floats:
    """Return ranks from 1, ties with their mean."""
    _, index, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return np.asarray((last - (counts - 1) / 2)[index], dtype=np.float64)
