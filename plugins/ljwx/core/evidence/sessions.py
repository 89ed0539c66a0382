"""From answers to what each session says about a challenger and its rival on one task. Pure: no I/O, no clock."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from ljwx.core.evaluations import Question, ScoredAnswer
from ljwx.core.evaluations.ranking import signal
from ljwx.core.evidence.statistics import Rule, rank_ics, score_difference
from ljwx.core.tasks import TASKS

Floats = NDArray[np.float64]
Answers = Mapping[str, ScoredAnswer]
"""By sample_id."""
Distribution = Callable[[Question], Sequence[float]]
"""What somebody says of a question: a probability for each class of its task."""

Moves = Callable[[Sequence[Question]], Floats]
"""Returns on the days after questions: (questions, h)."""

Source = Literal["record", "validation"]
"""Who asked about a session: the forward record before its outcome existed, or a dataset's validation window."""
RECORD: Final[Source] = "record"
VALIDATION: Final[Source] = "validation"

FEWEST_STOCKS: Final = 20
"""Fewer stocks of a session say nothing about an order: their RankIC is chance."""
EPOCH: Final = date(1970, 1, 1).toordinal()
WIDEST: Final = 2.0
"""Two rank correlations can differ by no more."""


@dataclass(frozen=True)
class SessionDifference:
    """By how much the challenger is better on one session's questions.

    :param bound: the largest value that was possible, known before the outcome.
    :param days: the differences on each of the days after it; None where they are not known, or of a score.
    """

    session: date
    value: float
    bound: float
    stocks: int
    days: Sequence[float] | None = field(default=None, kw_only=True)


@dataclass(frozen=True)
class Counted(SessionDifference):
    """A session that counts for a pair; at the close of `label_end` its outcome was known."""

    label_end: date
    source: Source = VALIDATION


def rank_differences(
    sessions: Sequence[date], signals: Floats, outcomes: Floats, moves: Floats | None = None
) -> list[SessionDifference]:
    """Return the difference of the RankICs of each session, in their order.

    Sessions of fewer than ``FEWEST_STOCKS`` rows, or with equal outcomes only, are left out.

    :param sessions: (rows) each row is a stock of a session.
    :param signals: (1 or 2, rows): the challenger's, and the rival's; without a rival the RankIC is held against 0.
    :param outcomes: (rows) numbers such as the excess return.
    :param moves: (rows, h) returns on each of the days after the session; NaN where they are not known.
    """
    ordinals = np.array(sessions, dtype="datetime64[D]").astype(np.int64) + EPOCH
    days, place, counts = np.unique(ordinals, return_inverse=True, return_counts=True)
    order, ends = np.argsort(place, kind="stable"), np.cumsum(counts)
    values = np.full(len(days), np.nan)
    parts: list[Sequence[float] | None] = [None] * len(days)
    for count in np.unique(counts[counts >= FEWEST_STOCKS]):
        alike = np.flatnonzero(counts == count)
        rows = order[(ends[alike] - count)[:, None] + np.arange(count)]
        came = np.broadcast_to(outcomes[rows], (len(signals), *rows.shape))
        ics = rank_ics(signals[:, rows], came)
        values[alike] = ics[0] - (ics[1] if len(signals) > 1 else 0.0)
        if moves is not None:
            known = ~np.isnan(moves[rows]).any(axis=(1, 2))
            for at, said in zip(alike[known], _on_days(signals[:, rows[known]], moves[rows[known]]), strict=True):
                parts[at] = tuple(said.tolist())
    widest = WIDEST * len(signals) / 2
    return [
        SessionDifference(date.fromordinal(day), float(value), widest, int(stocks), days=said)
        for day, value, stocks, said in zip(days.tolist(), values, counts, parts, strict=True)
        if not np.isnan(value)
    ]


def _on_days(signals: Floats, moves: Floats) -> Floats:
    """Return sessions × h: differences of RankIC on the days after sessions of as many stocks each.

    :param signals: (1 or 2, sessions, stocks), and `moves`: (sessions, stocks, h).
    """
    came = np.moveaxis(moves, -1, 0)
    ics = rank_ics(signals[:, None], came)
    return np.asarray((ics[0] - (ics[1] if len(signals) > 1 else 0.0)).T)


def known_rank_ic(signals: Floats, outcomes: Floats) -> float:
    """Return the RankIC over the stocks of which both are known; NaN where they are fewer than ``FEWEST_STOCKS``.

    :param signals: (stocks), NaN where nothing was said; likewise ``outcomes``.
    """
    both = ~(np.isnan(signals) | np.isnan(outcomes))
    return float(rank_ics(signals[both], outcomes[both])) if both.sum() >= FEWEST_STOCKS else float("nan")


def ranking_differences(
    task: str,
    questions: Sequence[Question],
    ours: Answers,
    theirs: Answers | None,
    outcomes: Mapping[str, float],
    moves: Moves | None = None,
) -> list[SessionDifference]:
    """Return the difference of the RankICs of each session, as :func:`rank_differences` does.

    :param theirs: None: the challenger's RankIC against 0.
    :param outcomes: sample_id → a number such as the excess return; a sample without one is left out.
    :param moves: returns on the days after the questions, as :meth:`ljwx.core.evidence.days.DailyMoves.of` has them.
    :raises ValueError: the task has no direction.
    """
    direction = TASKS[task].direction
    if direction is None:
        raise ValueError(f"task {task} does not order stocks")
    asked = [each for each in questions if each.task == task and each.sample_id in outcomes]
    came = np.array([outcomes[each.sample_id] for each in asked], dtype=np.float64)
    both = [given for given in (ours, theirs) if given is not None]
    signals = np.array([[signal(direction, given[each.sample_id]) for each in asked] for given in both])
    after = None if moves is None else moves(asked)
    return rank_differences([each.session for each in asked], signals.reshape(len(both), len(asked)), came, after)


def score_differences(
    task: str, questions: Sequence[Question], ours: Distribution, theirs: Distribution, rule: Rule
) -> list[SessionDifference]:
    """Return the difference of a proper score of each session, per question, in their order."""
    found = []
    for session, asked in _by_session(task, questions):
        own, rival = (np.array([said(each) for each in asked]) for said in (ours, theirs))
        truth = np.array([TASKS[task].classes.index(each.label) for each in asked], dtype=np.intp)
        gap = score_difference(own, rival, truth, rule)
        found.append(SessionDifference(session, gap.value, gap.bound, gap.questions))
    return found


def of_answers(answers: Answers) -> Distribution:
    """Return what an answerer said: its probabilities, or certainty where it gave none.

    An invalid answer gives no probability to any class, which is worse than the same to all.
    """

    def said(question: Question) -> list[float]:
        answer, classes = answers[question.sample_id], TASKS[question.task].classes
        if not answer.valid or answer.label is None:
            return [0.0] * len(classes)
        given = answer.probabilities or {answer.label: 1.0}
        return [given.get(name, 0.0) for name in classes]

    return said


def of_rates(rates: Mapping[str, float]) -> Distribution:
    """Return one who says the same of every question: class → rate."""
    return lambda question: [rates.get(name, 0.0) for name in TASKS[question.task].classes]


def along(
    calendar: Sequence[date], sessions: Sequence[date], values: Sequence[float], absent: float = float("nan")
) -> Floats:
    """Return the values along the exchange's calendar, as :mod:`ljwx.core.evidence.weighing` takes them.

    :param absent: what stands at sessions without a value.
    :raises ValueError: a session that the calendar does not have.
    """
    position = {session: at for at, session in enumerate(calendar)}
    if unknown := [session for session in sessions if session not in position]:
        raise ValueError(f"{unknown[0]} is no session of the calendar")
    placed = np.full(len(calendar), absent)
    for session, value in zip(sessions, values, strict=True):
        placed[position[session]] = value
    return placed


def _by_session(task: str, questions: Sequence[Question]) -> list[tuple[date, list[Question]]]:
    found: dict[date, list[Question]] = defaultdict(list)
    for question in questions:
        if question.task == task:
            found[question.session].append(question)
    return sorted(found.items())
