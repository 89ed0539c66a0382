"""Is what serves still what was shown? Named checks that share one rate of false alarms. Pure: no I/O, no clock.

Each check holds the sessions since a reference against it by a detector of changes, whose mean time to a false alarm is
no smaller than it says: :mod:`ljwx.core.evidence.detecting`. The rate of one false alarm a year is shared out among the
checks, and within a check one detector is the mean over tasks, classes or features: however many there are, all of them
together have one false alarm at most. The levels come from the reference, the first sessions of the record.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import log
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from ljwx.core.evidence.detecting import bets_on_fall, bets_on_rise, detect
from ljwx.core.evidence.scale import BOUND, usual_bounds
from ljwx.core.evidence.sessions import known_rank_ic
from ljwx.core.evidence.size import size_of

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Check = Literal["skill", "inputs", "classes", "refusals", "faithfulness", "coverage"]

FALSE_ALARMS: Final[Mapping[Check, float]] = {
    "skill": 0.5,
    "inputs": 0.15,
    "classes": 0.1,
    "refusals": 0.1,
    "faithfulness": 0.1,
    "coverage": 0.05,
}
"""False alarms a year that each check may raise in the mean; together one."""
REFERENCE: Final = 120
"""Sessions of the record that what follows is held against, unless the settings say otherwise."""
YEAR: Final = 242
"""Sessions of a year."""
FEWEST: Final = 0.5
"""Share of a reference's sessions that have to say something."""
RECENT: Final = 20
"""What rang goes on ringing for so many sessions, and until so many are in the mean as they should be."""
MEMORY: Final = 5
"""Sessions by which the shares of answers and inputs are bound to each other, beyond what their level allows for."""
STRETCH: Final = 20
"""The level of a share is taken from the worst so many sessions of the reference, in a row."""
ERRORS: Final = 1.0
"""The level of skill lies so many standard errors below the reference's mean."""
TWICE: Final = 2.0
"""A share has changed that is so many times what the worst stretch of the reference had: markets have moods."""
LEAST: Final = 0.02
"""The smallest level of a share: a few answers of a day are no change."""
TAILS: Final = (0.01, 0.99)
"""A number of a snapshot outside of these quantiles of the reference is strange."""


@dataclass(frozen=True)
class Watched:
    """What a check has seen.

    :param what: that speaks most for a change, of several series: a feature, a class; empty where there is one.
    :param level: that the series is held against; ``mean``: of the series since ``began``.
    :param log_evidence: natural logarithm of the detector's value at the last session; it has to reach ``log_needed``.
    :param alarms: sessions since the end of the reference, from 0, at which its detector reached what was needed.
    :param began: the session with which what is seen most likely began; None where nothing is.
    :param rang: the first alarm of what rings now; None where nothing does. One incident has several alarms.
    """

    check: Check
    what: str
    sessions: int
    level: float
    mean: float
    log_evidence: float
    log_needed: float
    alarms: tuple[int, ...]
    began: int | None
    rang: int | None


def sessions_to_false_alarm(check: Check) -> float:
    """Return the mean number of sessions to a false alarm that a check promises at least."""
    return YEAR / FALSE_ALARMS[check]


def standing_rank_ics(signals: Floats, first_day: Floats, later_days: Floats, horizon: int) -> Floats:
    """Return of each session the RankIC of the standing answers with that day's returns; NaN where it has none.

    The answers of the h sessions before it stand, and each day tells on all of them: so skill is seen a session after
    it is there or is lost, and no two days share a return, as labels do. It is the mean over those sessions.

    :param signals: sessions × stocks, such as P(up) - P(down) at the close; NaN where a stock was not asked about.
    :param first_day: sessions × stocks, returns from open to close, for those bought that day; NaN without a trade.
    :param later_days: likewise, from the close before.
    """
    sums, counts = np.zeros(len(signals)), np.zeros(len(signals))
    for age in range(1, min(horizon, len(signals) - 1) + 1):
        came = (first_day if age == 1 else later_days)[age:]
        each = np.array([known_rank_ic(*row) for row in zip(signals[:-age], came, strict=True)])
        known = ~np.isnan(each)
        sums[age:] += np.where(known, each, 0.0)
        counts[age:] += known
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)


def watch_skill(
    reference: Mapping[str, Floats], since: Mapping[str, Floats], chance: Mapping[str, float], horizon: int
) -> Watched | None:
    """Watch for decay of skill: the days' RankICs lie lower than those of the reference.

    :param reference: task → (sessions) of :func:`standing_rank_ics` that were known when the watch began.
    :param since: likewise, the sessions after.
    :param chance: task → the size that chance gives a session: 1 / √(stocks - 1).
    :return: None where every reference is too short, or shows no skill that could be lost.
    """
    levels = {name: level for name, each in reference.items() if (level := _level_of_skill(each, horizon)) > 0}
    if not levels:
        return None
    bets = {}
    for name, level in levels.items():
        along = np.concatenate([reference[name], since[name]]) - level
        sizes = usual_bounds(along, np.full(len(along), chance[name]), 1)[len(reference[name]) :] / BOUND
        bets[name] = bets_on_fall(since[name], level, sizes)
    return _seen("skill", since, levels, bets, 1)


def watch_shares(check: Check, reference: Mapping[str, Floats], since: Mapping[str, Floats]) -> Watched | None:
    """Watch for a rise of any of several shares over twice what the worst stretch of the reference had.

    :param reference: name → (sessions) shares from 0 to 1, such as refusals, or strange values of a feature.
    :param since: likewise, the sessions after.
    :return: None where every reference is too short.
    """
    levels = {name: level for name, each in reference.items() if name in since and (level := level_of(each))}
    if not levels:
        return None
    return _seen(
        check, since, levels, {name: bets_on_rise(since[name], level) for name, level in levels.items()}, MEMORY
    )


def watch_coverage(missing: Floats, allowed: float) -> Watched:
    """Watch for questions that were not answered in time, more than the setting allows.

    :param missing: (sessions) share of the questions; a session that is a gap has 1.
    :param allowed: share, above 0.
    """
    return _seen("coverage", {"": missing}, {"": allowed}, {"": bets_on_rise(missing, allowed)}, 1)


def level_of(reference: Floats) -> float | None:
    """Return the level that shares of later sessions are held against; None where the reference is too short."""
    known = reference[~np.isnan(reference)]
    if not len(known) or len(known) < FEWEST * len(reference):
        return None
    stretch = min(STRETCH, len(known))
    stretches = np.convolve(known, np.full(stretch, 1 / stretch), mode="valid")
    return max(TWICE * float(stretches.max()), LEAST)


def strange_shares(values: Floats, reference: int, asked: Bools | None = None) -> Floats:
    """Return of each session the share of stocks whose number is missing, or strange for the reference.

    :param values: sessions × stocks of one feature; NaN where it is missing.
    :param reference: the first so many sessions are the reference.
    :param asked: sessions × stocks that count; None: all. A session without one says nothing: NaN.
    """
    counted = np.ones(values.shape, dtype=np.bool_) if asked is None else asked
    known = values[:reference][counted[:reference]]
    low, high = np.nanquantile(known, TAILS) if np.isfinite(known).any() else (np.nan, np.nan)
    strange = counted & ~((values >= low) & (values <= high))
    each = counted.sum(axis=1)
    return np.where(each > 0, strange.sum(axis=1) / np.maximum(each, 1), np.nan)


def class_distances(shares: Floats, reference: int) -> Floats:
    """Return how far each session's class shares lie from the reference's mean, as total variation, 0 to 1.

    :param shares: sessions × classes, each row a distribution; NaN where a session says nothing.
    """
    known = shares[:reference][~np.isnan(shares[:reference]).any(axis=1)]
    if not len(known):
        return np.full(len(shares), np.nan)
    return np.asarray(np.abs(shares - known.mean(axis=0)).sum(axis=1) / 2)


def _level_of_skill(reference: Floats, horizon: int) -> float:
    if (~np.isnan(reference)).sum() < FEWEST * len(reference):
        return 0.0
    size = size_of(reference, horizon)
    return 0.0 if size is None else size.raw - ERRORS * size.error


def _seen(
    check: Check, since: Mapping[str, Floats], levels: Mapping[str, float], bets: Mapping[str, Floats], memory: int
) -> Watched:
    """Follow one detector over all series of a check, and tell of the one that speaks most for a change."""
    found = detect(np.hstack(list(bets.values())), sessions_to_false_alarm(check), memory)
    alone = {name: detect(each, np.inf, memory) for name, each in bets.items()}
    most = max(alone, key=lambda name: alone[name].log_evidence[-1] if len(since[name]) else 0.0)
    began, tail = alone[most].began, since[most][alone[most].began or 0 :]
    wrong = ~np.all([_recovered(since[name], level, check == "skill") for name, level in levels.items()], axis=0)
    return Watched(
        check=check,
        what=most,
        sessions=int((~np.isnan(since[most])).sum()),
        level=levels[most],
        mean=float(np.nanmean(tail)) if (~np.isnan(tail)).any() else levels[most],
        log_evidence=float(found.log_evidence[-1]) if len(found.log_evidence) else 0.0,
        log_needed=log(sessions_to_false_alarm(check)),
        alarms=found.alarms,
        began=began,
        rang=_rang(found.alarms, wrong),
    )


def _recovered(series: Floats, level: float, is_skill: bool) -> Bools:
    """Return of each session whether the mean of the newest RECENT ones is no worse than the level."""
    known = ~np.isnan(series)
    sums, counts = (_of_recent(each) for each in (np.where(known, series, 0.0), known.astype(np.float64)))
    means = sums / np.maximum(counts, 1)
    return np.asarray((counts > 0) & (means >= level if is_skill else means <= level))


def _of_recent(values: Floats) -> Floats:
    sums = np.cumsum(np.concatenate([[0.0], values]))
    ends = np.arange(1, len(values) + 1)
    return np.asarray(sums[ends] - sums[np.maximum(ends - RECENT, 0)])


def _rang(alarms: tuple[int, ...], wrong: Bools) -> int | None:
    first, last = None, 0
    for at in range(len(wrong)):
        if at in alarms:
            first, last = at if first is None else first, at
        elif first is not None and at - last >= RECENT and not wrong[at]:
            first = None
    return first
