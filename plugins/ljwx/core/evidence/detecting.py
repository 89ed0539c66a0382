"""Has something changed? Evidence that begins anew each session, with a bound on false alarms. Pure: no I/O, no clock.

An e-value is a bet against "nothing has changed": what 1 becomes, in the mean no more than 1 as long as that is true.
The detector of Shiryaev and Roberts adds 1 each session and multiplies by the session's bet. If nothing has changed its
mean grows by 1 a session at most, so that the mean time to a false alarm at the value c is at least c sessions,
whatever the distribution (Shin, Ramdas and Rinaldo, "E-detectors", arXiv 2203.03532, theorem 2.4). A mean of detectors
over stakes, or over what is watched, is one too.

Where sessions are bound to the ones before them, they are dealt to as many gamblers as sessions are remembered, and the
detectors are added: each session adds 1 to one of them only. The bound is then of sessions that say nothing of those
after their memory; :mod:`benchmarks.watch` measures what is left.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

FALL_STAKES: Final = (0.3, 0.6, 0.9)
"""Shares of a capital that a bet on a fall risks."""
CUT: Final = 1.5
"""A session counts as at most this many usual sizes, to either side."""
RISE_STAKES: Final = (0.1, 0.25, 0.5)


@dataclass(frozen=True)
class Detected:
    """The course of a detector.

    :param log_evidence: (sessions) natural logarithm of its value at each close, before it begins anew.
    :param alarms: the sessions at which it reached what was needed; after each it begins anew.
    :param began: the session with which what is seen most likely began; None without evidence for it.
    """

    log_evidence: Floats
    alarms: tuple[int, ...]
    began: int | None


def bets_on_fall(values: Floats, level: float, sizes: Floats) -> Floats:
    """Return (sessions, stakes): logarithms of e-values against "the values lie about the level, or higher".

    Of a session whose value, given those before, is as likely to lie any distance below the level as above it, or is
    larger than such a one, no bet grows in the mean.

    :param values: (sessions), NaN where a session says nothing.
    :param sizes: (sessions) how far values usually lie from the level; known before the session.
    """
    shares = np.clip(np.nan_to_num(level - values) / (CUT * np.maximum(sizes, 1e-12)), -1, 1)
    return np.asarray(np.log1p(shares[:, None] * np.array(FALL_STAKES)))


def bets_on_rise(shares: Floats, level: float) -> Floats:
    """Return (sessions, stakes): logarithms of e-values against "the mean of these shares is the level, or lower".

    :param shares: (sessions) from 0 to 1; NaN where a session says nothing.
    :param level: above 0.
    """
    gains = np.where(np.isnan(shares), 0.0, shares - level) / level
    return np.asarray(np.log1p(gains[:, None] * np.array(RISE_STAKES)))


def detect(bets: Floats, needed: float, memory: int = 1) -> Detected:
    """Follow the detector of these bets, session by session.

    :param bets: (sessions, bets) logarithms of e-values; the detectors of the bets are averaged.
    :param needed: the value of an alarm: the mean number of sessions to a false one is no smaller.
    :param memory: sessions that are bound to each other; 1: none.
    """
    sessions, width = bets.shape
    capital = np.full((memory, width), -np.inf)
    evidence, alarms, anew = np.full(sessions, -np.inf), [], 0
    for at in range(sessions):
        turn = at % memory
        capital[turn] = np.logaddexp(capital[turn], 0.0) + bets[at]
        evidence[at] = np.logaddexp.reduce(capital.ravel()) - np.log(width)
        if evidence[at] >= np.log(needed):
            alarms.append(at)
            capital[:] = -np.inf
            anew = at + 1 if at + 1 < sessions else anew
    return Detected(evidence, tuple(alarms), _began(bets[anew:], anew))


def _began(bets: Floats, first: int) -> int | None:
    """Return the session from which on the best single bet would have won most until now."""
    if not len(bets):
        return None
    won = np.cumsum(bets[::-1], axis=0)
    best = int(won.max(axis=0).argmax())
    at = int(won[:, best].argmax())
    return first + len(bets) - 1 - at if won[at, best] > 0 else None
