"""What the forward record says of each answerer, by task and window. Pure: no airflow, no I/O, no clock.

Bounds are confidence sequences: each holds with 95 % over all days on which one looks. That is true of windows which
begin on a day that does not move, so windows are the whole record, the calendar year and the calendar month; a window
of the newest sessions would begin anew each day.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ljwx.core.evaluations.calibration import NullBand, ece_null_band, expected_calibration_error, reliability
from ljwx.core.evidence.confidence import confidence_bounds
from ljwx.core.evidence.scale import chance_of_rank_ics, usual_bounds
from ljwx.core.evidence.sessions import SessionDifference, along, rank_differences
from ljwx.core.evidence.statistics import Rule, losses, score_difference
from ljwx.core.evidence.weighing import SIZES_OF_POSSIBLE
from ljwx.core.forward.settled import counting, in_order, matrix, signals, tasks_of, truths
from ljwx.core.tasks import TASKS

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]
_Answerer = tuple[str, str | None]
"""Name and digest; rules have none."""

RIVALS: Final = ("class_rates", "logistic")
"""Answerers that a model has to beat, by the names they have in the record."""
CENTRE: Final = 0.5
"""Hit rates of sessions are followed as distances from it; any fixed number gives sound bounds."""


@dataclass(frozen=True)
class Window:
    """Sessions from a day that does not move, to the newest."""

    name: Literal["all", "year", "month"]
    first: date


@dataclass(frozen=True)
class Followed:
    """A mean over sessions, and bounds that may be looked at daily."""

    mean: float
    low: float
    high: float
    sessions: int


@dataclass(frozen=True)
class Skill:
    """By how much an answerer's probabilities are better than a rival's, on the questions that both answered in time.

    :param log: gain in log score per question, in nats; above 0 is better. ``brier``: likewise, of Brier's score.
    :param brier_skill: 1 - Brier / the rival's; None where the rival's is 0.
    """

    rival: str
    questions: int
    log: Followed
    brier: Followed
    brier_skill: float | None


@dataclass(frozen=True)
class Score:
    """The record of one answerer on one task, over one window, in sessions whose classes mean the same.

    :param digest: of the model on its server, for a name can be given to another; None of a rule.
    :param horizon: sessions from an answer to its outcome. ``meaning``: digest of what its classes mean.
    :param asked: questions with an outcome that anyone was asked in the window; ``answered``: in time by this one.
    :param valid: of those answered, the answers that were valid; an invalid one gives no class any probability.
    :param log_score: mean of -log P(true class), in nats. ``brier``: from 0 to 2. Smaller is better.
    :param ece: expected calibration error of the valid answers; ``ece_of_perfect``: what chance alone makes.
    :param rank_ic: None of a task without direction, and where no session has enough stocks.
    """

    answerer: str
    digest: str | None
    task: str
    horizon: int
    meaning: str
    window: Window
    last: date
    sessions: int
    asked: int
    answered: int
    valid: int
    log_score: float
    brier: float
    ece: float | None
    ece_of_perfect: NullBand | None
    hit_rate: Followed
    rank_ic: Followed | None
    skills: tuple[Skill, ...]

    @property
    def coverage(self) -> float:
        """Share of the questions that it answered in time."""
        return self.answered / self.asked


@dataclass(frozen=True)
class _Answers:
    """One answerer's answers to one task in one window, ordered by session and stock."""

    frame: pl.DataFrame
    said: Floats
    truth: Ints


def windows(first: date, last: date) -> tuple[Window, ...]:
    """Return the windows that end with the session ``last`` of a record that begins with ``first``."""
    year, month = last.replace(month=1, day=1), last.replace(day=1)
    named: tuple[Window, ...] = (Window("all", first), Window("year", year), Window("month", month))
    return named[:1] + tuple(each for each in named[1:] if each.first > first)


def scores(settled: pl.DataFrame, calendar: Sequence[date], brief: bool = False) -> tuple[Score, ...]:
    """Score every answerer on every task, over every window in which it has answers that count.

    Sessions whose classes mean something else, and models that had one name after another, are scored apart.

    :param settled: SETTLED frame.
    :param calendar: the exchange's sessions, from the first of the record to the one at whose close one looks.
    :param brief: of the whole record alone, and without what takes most of the time: ``ece_of_perfect`` and
        ``rank_ic`` are None, ``skills`` empty.
    """
    shown = windows(calendar[0], calendar[-1])[: 1 if brief else None]
    found = []
    for task in tasks_of(settled):
        asked = in_order(counting(settled, task))
        if asked.is_empty():
            continue
        for alike in asked.partition_by("meaning", maintain_order=True):
            for window in shown:
                found += _of_window(alike.filter(pl.col("session") >= window.first), task, window, calendar, brief)
    return tuple(found)


def _of_window(asked: pl.DataFrame, task: str, window: Window, calendar: Sequence[date], brief: bool) -> list[Score]:
    if asked.is_empty():
        return []
    days = [session for session in calendar if session >= window.first]
    questions = asked.select("session", "ts_code").n_unique()
    by_name = {
        (str(name), digest): _Answers(rows, matrix(rows, task), truths(rows, task))
        for (name, digest), rows in asked.filter(~pl.col("late"))
        .partition_by("answerer", "digest", as_dict=True)
        .items()
    }
    followers = _Followers(days, asked.item(0, "horizon"))
    found = [(who, _score(by_name[who], task, window, questions, followers)) for who in sorted(by_name, key=_by_text)]
    return [score if brief else _whole(score, who, by_name, followers) for who, score in found]


def _by_text(answerer: _Answerer) -> tuple[str, str]:
    name, digest = answerer
    return name, digest or ""


class _Followers:
    """Makes confidence sequences of numbers of sessions, along one calendar."""

    def __init__(self, calendar: Sequence[date], horizon: int) -> None:
        self.calendar, self.horizon = calendar, horizon

    def follow(self, each: Sequence[SessionDifference], chance: Floats, most: Floats | None = None) -> Followed | None:
        """Return the mean of the sessions' values and its bounds; None without a session.

        :param chance: the size that chance gives each; ``most``: the largest that is possible.
        """
        if not each:
            return None
        sessions = [one.session for one in each]
        values = along(self.calendar, sessions, [one.value for one in each])
        usual = usual_bounds(values, along(self.calendar, sessions, chance.tolist(), absent=0.0), self.horizon)
        if most is not None:
            usual = np.minimum(usual, along(self.calendar, sessions, most.tolist(), absent=0.0))
        bounds = confidence_bounds(values, usual, self.horizon)
        return Followed(float(np.nanmean(values)), bounds.low, bounds.high, len(each))


def _score(ours: _Answers, task: str, window: Window, asked: int, followers: _Followers) -> Score:
    rows, valid = np.arange(len(ours.truth)), ours.said.sum(axis=1) > 0
    confidence, right = ours.said.max(axis=1)[valid], (ours.said.argmax(axis=1) == ours.truth) & valid
    return Score(
        answerer=ours.frame.item(0, "answerer"),
        digest=ours.frame.item(0, "digest"),
        task=task,
        horizon=followers.horizon,
        meaning=ours.frame.item(0, "meaning"),
        window=window,
        last=ours.frame["session"][-1],
        sessions=ours.frame["session"].n_unique(),
        asked=asked,
        answered=len(rows),
        valid=int(valid.sum()),
        log_score=float(losses(ours.said, "log")[rows, ours.truth].mean()),
        brier=float(losses(ours.said, "brier")[rows, ours.truth].mean()),
        ece=expected_calibration_error(reliability(confidence, right[valid])) if valid.any() else None,
        ece_of_perfect=None,
        hit_rate=_hit_rate(ours, right.astype(np.float64), followers),
        rank_ic=None,
        skills=(),
    )


def _whole(score: Score, who: _Answerer, by_name: Mapping[_Answerer, _Answers], followers: _Followers) -> Score:
    """Return a brief score with what it is held against."""
    ours = by_name[who]
    confidence = ours.said.max(axis=1)[ours.said.sum(axis=1) > 0]
    skills = (
        _skill(rival, ours, theirs, followers)
        for rival in RIVALS
        if (theirs := by_name.get((rival, None))) and rival != score.answerer
    )
    return replace(
        score,
        ece_of_perfect=ece_null_band(confidence) if len(confidence) else None,
        rank_ic=_rank_ic(ours, score.task, followers),
        skills=tuple(skill for skill in skills if skill),
    )


def _hit_rate(ours: _Answers, right: Floats, followers: _Followers) -> Followed:
    each = [
        SessionDifference(session, float(right[rows].mean()) - CENTRE, CENTRE, len(right[rows]))
        for session, rows in _by_session(ours.frame)
    ]
    chance = np.array([CENTRE / one.stocks**0.5 for one in each])
    found = followers.follow(each, chance, np.full(len(each), CENTRE))
    if found is None:
        raise ValueError("an answerer without answers has no hit rate")
    return Followed(found.mean + CENTRE, max(found.low + CENTRE, 0.0), min(found.high + CENTRE, 1.0), found.sessions)


def _rank_ic(ours: _Answers, task: str, followers: _Followers) -> Followed | None:
    if TASKS[task].direction is None:
        return None
    known = ours.frame.filter(pl.col("excess").is_not_null())
    if known.is_empty():
        return None
    each = rank_differences(known["session"].to_list(), signals(known, task)[None, :], known["excess"].to_numpy())
    stocks = np.array([one.stocks for one in each], dtype=np.float64)
    return followers.follow(each, chance_of_rank_ics(stocks), np.ones(len(each)))


def _skill(rival: str, ours: _Answers, theirs: _Answers, followers: _Followers) -> Skill | None:
    keys = ("session", "ts_code")
    numbered = [each.frame.select(*keys).with_row_index("at") for each in (ours, theirs)]
    both = numbered[0].join(numbered[1], on=keys, suffix="_rival").sort("at")
    at, other = both["at"].to_numpy(), both["at_rival"].to_numpy()
    own, rivals, truth = ours.said[at], theirs.said[other], ours.truth[at]
    log, brier = (_gain(both, own, rivals, truth, rule, followers) for rule in _RULES)
    if log is None or brier is None:
        return None
    mine, usual = (float(losses(said, "brier")[np.arange(len(truth)), truth].mean()) for said in (own, rivals))
    return Skill(rival, len(both), log, brier, 1 - mine / usual if usual > 0 else None)


_RULES: Final[tuple[Rule, ...]] = ("log", "brier")


def _gain(
    asked: pl.DataFrame, ours: Floats, theirs: Floats, truth: Ints, rule: Rule, followers: _Followers
) -> Followed | None:
    each = []
    for session, rows in _by_session(asked):
        gap = score_difference(ours[rows], theirs[rows], truth[rows], rule)
        each.append(SessionDifference(session, gap.value, gap.bound, gap.questions))
    possible = np.array([one.bound for one in each])
    return followers.follow(each, possible / SIZES_OF_POSSIBLE, possible)


def _by_session(ordered: pl.DataFrame) -> Iterator[tuple[date, slice]]:
    """Yield each session of a frame that is ordered by them, and where its rows are."""
    first = 0
    for session, rows in ordered.select(pl.col("session").rle().struct.unnest()).select("value", "len").iter_rows():
        yield session, slice(first, first + rows)
        first += rows
