"""Two answerers held against each other by ranking and by a proper score, for one look. Pure: no I/O, no clock.

What decides on a promotion is weighed in :mod:`ljwx.core.evidence.weighing`, for any number of looks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from statistics import NormalDist
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from ljwx.core.evaluations.intervals import Resampling, mean_interval
from ljwx.core.evaluations.pairing import pair
from ljwx.core.evaluations.questions import Question, ScoredAnswer
from ljwx.core.evaluations.ranking import session_rank_ics
from ljwx.core.evidence.sessions import Distribution, of_answers, of_rates
from ljwx.core.evidence.size import USUAL_EDGE
from ljwx.core.tasks import TASKS

Floats = NDArray[np.float64]
Measure = Literal["rank_ic", "brier"]

WIDEST: Final = 2.0
"""Two RankICs, or two Brier scores, differ by no more."""


@dataclass(frozen=True)
class Paired:
    """A measure of two answerers on one task, as means over sessions.

    :param measure: ``rank_ic``: -1 to 1, larger is better; ``brier``: 0 to 2, smaller is better.
    :param difference: first less second.
    :param class_rates: what one scores who says the class rates of the train period; None of a RankIC.
    :param low: bound of the difference; None, like what follows, where the sessions are too few for one.
    :param shrunken: the difference drawn towards 0 by as much as its error asks for.
    :param smallest: about the smallest difference that so many sessions show in four of five cases.
    """

    measure: Measure
    task: str
    sessions: int
    first: float
    second: float
    difference: float
    class_rates: float | None = None
    low: float | None = None
    high: float | None = None
    shrunken: float | None = None
    smallest: float | None = None


def paired_measures(
    questions: Sequence[Question],
    first: Sequence[ScoredAnswer],
    second: Sequence[ScoredAnswer],
    resampling: Resampling,
    rates: Mapping[str, Mapping[str, float]],
) -> tuple[Paired, ...]:
    """Return the measures of each task that is about the future; copying the prompt is no skill.

    :param rates: task → class → its share in the train period.
    :raises ValueError: see :func:`ljwx.core.evaluations.pairing.pair`.
    """
    ours, theirs = dict(pair(questions, first)), dict(pair(questions, second))
    tasks = [task for task in dict.fromkeys(each.task for each in questions) if not TASKS[task].is_copying]
    found = []
    for task in tasks:
        asked = [each for each in questions if each.task == task]
        ranked = session_rank_ics([(each, ours[each]) for each in asked])
        if ranked:
            other = session_rank_ics([(each, theirs[each]) for each in asked])
            found.append(_paired("rank_ic", task, ranked, other, resampling=resampling))
        given = [of_answers({each.sample_id: said[each] for each in asked}) for said in (ours, theirs)]
        brier = _paired("brier", task, *(_briers(asked, said) for said in given), resampling=resampling)
        usual = _briers(asked, of_rates(rates[task])) if task in rates else None
        found.append(replace(brier, class_rates=None if usual is None else float(np.mean(list(usual.values())))))
    return tuple(found)


def _briers(asked: Sequence[Question], said: Distribution) -> dict[date, float]:
    """Return the mean Brier score of each session's questions; an answer without probabilities counts as certain."""
    by_session: dict[date, list[float]] = {}
    for question in sorted(asked, key=lambda each: each.session):
        likely, truth = np.array(said(question)), TASKS[question.task].classes.index(question.label)
        by_session.setdefault(question.session, []).append(float(likely @ likely - 2 * likely[truth] + 1))
    return {day: float(np.mean(losses)) for day, losses in by_session.items()}


def _paired(
    measure: Measure, task: str, first: Mapping[date, float], second: Mapping[date, float], *, resampling: Resampling
) -> Paired:
    days = list(first)
    gaps: Floats = np.array([first[day] - second[day] for day in days])
    plain = Paired(
        measure=measure,
        task=task,
        sessions=len(days),
        first=float(np.mean([first[day] for day in days])),
        second=float(np.mean([second[day] for day in days])),
        difference=float(gaps.mean()),
    )
    made = mean_interval(days, gaps / WIDEST, resampling, lowest=-1)
    if made is None:
        return plain
    low, high = WIDEST * made.low, WIDEST * made.high
    error = (high - low) / 2 / NormalDist().inv_cdf((1 + resampling.confidence) / 2)
    return replace(
        plain,
        low=low,
        high=high,
        shrunken=plain.difference * USUAL_EDGE**2 / (USUAL_EDGE**2 + error**2),
        smallest=(high - low) / 2 + NormalDist().inv_cdf(0.8) * error,
    )
