"""How the forward record's numbers came to be what they are: the same bounds, as they stood at earlier closes.

Pure: no airflow, no I/O, no clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ljwx.core.evaluations.calibration import ReliabilityBin, reliability
from ljwx.core.evidence.confidence import confidence_bounds
from ljwx.core.evidence.scale import chance_of_rank_ics, usual_bounds
from ljwx.core.evidence.sessions import SessionDifference, along, rank_differences
from ljwx.core.evidence.statistics import score_difference
from ljwx.core.evidence.weighing import SIZES_OF_POSSIBLE
from ljwx.core.forward.settled import counting, in_order, matrix, signals, tasks_of, truths
from ljwx.core.tasks import TASKS

Floats = NDArray[np.float64]

POINTS: Final = 20
"""Closes at which a sequence is shown; the newest is always one."""
RIVAL: Final = "class_rates"


@dataclass(frozen=True)
class At:
    """A mean over the sessions up to one, and its bounds as they were at its close."""

    session: date
    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Course:
    """The record of one model on one task, in sessions whose classes mean the same.

    :param skill: gain in log score per question over class rates, in nats; ``rank_ic``: empty of a task without one.
    """

    answerer: str
    digest: str
    task: str
    horizon: int
    meaning: str
    skill: tuple[At, ...]
    rank_ic: tuple[At, ...]
    reliability: tuple[ReliabilityBin, ...]


def courses(settled: pl.DataFrame, calendar: Sequence[date]) -> tuple[Course, ...]:
    """Return the course of each model on each task.

    :param settled: SETTLED frame.
    :param calendar: the exchange's sessions, from the first of the record to the one at whose close one looks.
    """
    found: list[Course] = []
    for task in tasks_of(settled):
        asked = in_order(counting(settled, task).filter(~pl.col("late")))
        for alike in asked.partition_by("meaning", maintain_order=True):
            models = alike.filter(pl.col("digest").is_not_null()).sort("answerer", "digest", maintain_order=True)
            theirs = alike.filter(pl.col("digest").is_null(), answerer=RIVAL)
            each = models.partition_by("answerer", "digest", maintain_order=True)
            found += [_course(ours, theirs, task, calendar) for ours in each]
    return tuple(found)


def _course(ours: pl.DataFrame, theirs: pl.DataFrame, task: str, calendar: Sequence[date]) -> Course:
    answerer, digest, meaning, horizon = ours.select("answerer", "digest", "meaning", "horizon").row(0)
    gains = _gains(ours, theirs, task)
    possible = np.array([each.bound for each in gains])
    ics = _ics(ours, task)
    chance = chance_of_rank_ics(np.array([each.stocks for each in ics], dtype=np.float64))
    said = matrix(ours, task)
    valid = said.sum(axis=1) > 0
    confidence, right = said.max(axis=1)[valid], (said.argmax(axis=1) == truths(ours, task))[valid]
    return Course(
        answerer=answerer,
        digest=digest,
        task=task,
        horizon=horizon,
        meaning=meaning,
        skill=_followed(gains, possible / SIZES_OF_POSSIBLE, possible, calendar, horizon),
        rank_ic=_followed(ics, chance, np.ones(len(ics)), calendar, horizon),
        reliability=reliability(confidence, right) if valid.any() else (),
    )


def _gains(ours: pl.DataFrame, theirs: pl.DataFrame, task: str) -> list[SessionDifference]:
    keys = ["session", "ts_code"]
    both = ours.join(theirs.select(*keys, rival="probabilities"), on=keys, maintain_order="left")
    found = []
    for (session,), rows in both.group_by("session", maintain_order=True):
        rival = rows.with_columns(probabilities="rival")
        gap = score_difference(matrix(rows, task), matrix(rival, task), truths(rows, task), "log")
        found.append(SessionDifference(session, gap.value, gap.bound, gap.questions))
    return found


def _ics(ours: pl.DataFrame, task: str) -> list[SessionDifference]:
    known = ours.filter(pl.col("excess").is_not_null())
    if TASKS[task].direction is None or known.is_empty():
        return []
    return rank_differences(known["session"].to_list(), signals(known, task)[None, :], known["excess"].to_numpy())


def _followed(
    each: Sequence[SessionDifference], chance: Floats, most: Floats, calendar: Sequence[date], horizon: int
) -> tuple[At, ...]:
    """The mean and its bounds at some of the sessions, each with what was known at the close of its own outcome."""
    if not each:
        return ()
    found = []
    for n in sorted({int(n) for n in np.linspace(1, len(each), POINTS)}):
        days = [one.session for one in each[:n]]
        until = list(calendar[: calendar.index(days[-1]) + 1])
        values = along(until, days, [one.value for one in each[:n]])
        usual = usual_bounds(values, along(until, days, chance[:n].tolist(), absent=0.0), horizon)
        usual = np.minimum(usual, along(until, days, most[:n].tolist(), absent=0.0))
        bounds = confidence_bounds(values, usual, horizon)
        found.append(At(days[-1], float(np.nanmean(values)), bounds.low, bounds.high))
    return tuple(found)
