"""All that the sessions so far say about one pair, from arrays along the calendar. Pure: no I/O, no clock."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import log, sqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ljwx.core.evidence.betting import Course, follow
from ljwx.core.evidence.confidence import Bounds, confidence_bounds
from ljwx.core.evidence.days import DAY_STAKES, LEAST_SIZE, follow_days, of_days
from ljwx.core.evidence.scale import as_shares, chance_of_rank_ics, usual_bounds
from ljwx.core.evidence.size import Size, size_of, smallest_visible

Floats = NDArray[np.float64]

SIZES_OF_POSSIBLE: Final = 3
"""The largest possible difference of a session's scores is taken for three usual ones, until sessions tell."""


NEWEST: Final = 60
"""As many of the newest sessions must still bear out what earlier ones confirmed."""


@dataclass(frozen=True)
class Later:
    """Sessions of which a number tells whether what was confirmed still holds.

    :param mean: of their differences.
    """

    sessions: int
    mean: float


@dataclass(frozen=True)
class Weighed:
    """What the sessions counted say about a challenger and its rival.

    :param confirmed: the challenger is better: a proposal was confirmed.
    :param waiting: the threshold is crossed, and the open sessions are awaited.
    :param log_evidence: natural logarithm of the capital that 1 has become; it has to reach ``log_needed``.
    :param sessions: counted, with their outcomes known.
    :param size: of the difference; None with fewer than two sessions.
    :param smallest: about the smallest mean difference that so many sessions confirm in four of five cases; None
        without a size.
    :param since: the sessions after those that confirmed it, which count no more; None without one.
    :param newest: the newest ``NEWEST`` sessions, whether they count or not; None without one.
    :param by_day: the evidence was added up day by day, not session by session in turn.
    """

    confirmed: bool
    waiting: bool
    log_evidence: float
    log_needed: float
    sessions: int
    size: Size | None
    bounds: Bounds
    smallest: float | None
    since: Later | None = None
    newest: Later | None = None
    by_day: bool = False

    @property
    def holds(self) -> bool:
        """Whether it was confirmed, and the newest sessions still bear it out."""
        return self.confirmed and (self.newest is None or self.newest.mean > 0)


def weigh_rank_ics(differences: Floats, stocks: Floats, horizon: int, alpha: float) -> Weighed:
    """Weigh differences of two RankICs, or the RankICs of one against 0.

    :param differences: (sessions) up to the session at whose close one looks; NaN where a session says nothing, or
        where its outcome is not known yet.
    :param stocks: (sessions) how many each has.
    :param alpha: the chance of a confirmation where there is nothing, over all looks.
    """
    bounds = usual_bounds(differences, chance_of_rank_ics(stocks), horizon)
    return _weighed(differences, bounds, horizon, alpha)


def weigh_days(differences: Floats, parts: Floats, stocks: Floats, horizon: int, alpha: float) -> Weighed:
    """Weigh differences of two RankICs as :func:`weigh_rank_ics` does, by what they say about the days after sessions.

    :param parts: (sessions, h) the differences on each of the days after a session; NaN where they are not known: such
        a session counts for nothing.
    :param stocks: (sessions) how many each has; NaN where a session has none: its day is that of the ones before.
    """
    chance = chance_of_rank_ics(_lasting(stocks))
    days, bounds = of_days(parts), usual_bounds(differences, chance, horizon)
    course = follow_days(days, chance, alpha)
    found = _told(course, np.where(np.isnan(parts[:, 0]), np.nan, differences), bounds, horizon, alpha)
    counted = days[course.counted]
    if found.size is None or len(counted) < 2:
        return replace(found, by_day=True)
    on_a_day = smallest_visible(
        max(float(counted.std()), LEAST_SIZE), len(counted) - horizon, 1, alpha, stakes=DAY_STAKES
    )
    # The returns of h days that go their own ways add up to sqrt(h) times those of one.
    return replace(found, by_day=True, smallest=None if on_a_day is None else sqrt(horizon) * on_a_day)


def _lasting(stocks: Floats) -> Floats:
    """Return the number of the newest session that has one, for each; of those before the first, the first."""
    there = np.flatnonzero(~np.isnan(stocks))
    if not len(there):
        return np.full_like(stocks, 2.0)
    newest = np.searchsorted(there, np.arange(len(stocks)), side="right") - 1
    return np.asarray(stocks[there[np.maximum(newest, 0)]], dtype=np.float64)


def weigh_scores(differences: Floats, bounds: Floats, horizon: int, alpha: float) -> Weighed:
    """Weigh differences of proper scores.

    :param differences: (sessions) as for RankICs.
    :param bounds: (sessions) the largest value that each could have had.
    """
    possible = np.nan_to_num(bounds)
    usual = usual_bounds(differences, possible / SIZES_OF_POSSIBLE, horizon)
    return _weighed(differences, np.minimum(usual, possible), horizon, alpha)


def _weighed(differences: Floats, bounds: Floats, horizon: int, alpha: float) -> Weighed:
    return _told(follow(as_shares(differences, bounds), horizon, alpha), differences, bounds, horizon, alpha)


def _told(course: Course, differences: Floats, bounds: Floats, horizon: int, alpha: float) -> Weighed:
    known = np.where(course.counted, differences, np.nan)
    sessions = int((~np.isnan(known)).sum())
    last = int(np.flatnonzero(~np.isnan(known))[-1]) if sessions else -1
    size = size_of(known, horizon)
    return Weighed(
        confirmed=bool(course.confirmed >= 0),
        waiting=bool(course.waiting),
        log_evidence=float(course.log_evidence[-1]),
        log_needed=-log(alpha),
        sessions=sessions,
        size=size,
        bounds=confidence_bounds(known, bounds, horizon),
        smallest=None if size is None else smallest_visible(size.spread, sessions, horizon, alpha),
        since=_later(differences[last + 1 :]) if course.confirmed >= 0 else None,
        newest=_later(differences[~np.isnan(differences)][-NEWEST:]),
    )


def _later(differences: Floats) -> Later | None:
    known = differences[~np.isnan(differences)]
    return Later(len(known), float(known.mean())) if len(known) else None
