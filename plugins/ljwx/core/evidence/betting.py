"""Evidence by betting, sound however often one looks, for outcomes that come h sessions later. Pure: no I/O, no clock.

A gambler bets a fixed share of his capital on "the challenger is better", session after session. If it is not better
than the champion on average, his capital is not expected to grow, and the chance that 1 ever becomes 20 is at most 1 in
20 (Ville 1939). So the capital is the evidence: it can be read every day. The shares are a few fixed ones, and the
capital is spread over them (Cover's universal portfolio; Waudby-Smith and Ramdas, arXiv 2010.09686).

Labels of neighbouring sessions overlap, so sessions are dealt to h gamblers in turn: each one's labels follow one
another without a common session, and he knows how his last bet ended before he makes the next. The evidence is the mean
of their capitals (Henzi and Ziegel, arXiv 2103.08402; Choe and Ramdas, arXiv 2110.00115).

One gap is left by the mean: who looks on a day already knows a part of how the open bets will end, and could choose to
stop just before bad ones. So a crossing of the threshold only *proposes*. No new session counts until the open ones are
known, and only if the evidence with them is still above the threshold is it *confirmed*. Whether a session counts
is thereby decided before any of its outcome is known, the capital at these settled points is a supermartingale, and
Ville's bound holds for all proposals together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.intp]

STAKES: Final = (0.6, 0.95)
"""Shares of a gambler's capital that his bets risk; each has an equal part of it at the start."""
RUINED: Final = 1e-12
"""What is left of a capital whose bet lost all of it."""


@dataclass(frozen=True)
class Course:
    """How the evidence went, look by look; the last axis of the arrays is the session at whose close one looks.

    :param log_evidence: natural logarithm of the mean capital, from the outcomes known at the look.
    :param counted: whether a session counts; those that passed while a proposal was open do not.
    :param proposals: how often the threshold was crossed.
    :param waiting: whether at the last look a proposal waits for the open sessions.
    :param confirmed: the look at which a proposal was confirmed; -1 where none was.
    """

    log_evidence: Floats
    counted: Bools
    proposals: Ints
    waiting: Bools
    confirmed: Ints


def follow(shares: Floats, horizon: int, alpha: Floats | float, stakes: Sequence[float] = STAKES) -> Course:
    """Follow the evidence that the mean of the shares is above 0, one look at the close of every session.

    :param shares: (..., sessions) along the exchange's calendar, shares of a bound, at most 1; NaN where a session says
        nothing.
    :param horizon: h: the outcome of a session is known at the close of the h-th session after it.
    :param alpha: chance of a confirmation, if there is nothing, over all looks together; one, or one for each row.
    :param stakes: shares of a capital that bets risk.
    """
    rows = np.atleast_2d(shares)
    return _shaped(_followed(rows.reshape(-1, rows.shape[-1]), horizon, alpha, stakes), shares.shape)


def log_gains(shares: Floats, stakes: Sequence[float] = STAKES) -> Floats:
    """Return (..., stakes): by what the logarithm of each capital changes; not at all where a session says nothing."""
    capital = np.maximum(1 + np.nan_to_num(shares)[..., None] * np.array(stakes), RUINED)
    return np.asarray(np.log(capital), dtype=np.float64)


def _followed(shares: Floats, horizon: int, alpha: Floats | float, stakes: Sequence[float]) -> Course:
    """Go from proposal to proposal, of all pairs at once: between two the evidence only adds up."""
    pairs, sessions = shares.shape
    threshold = -np.log(np.broadcast_to(np.asarray(alpha, dtype=np.float64).reshape(-1), (pairs,)))
    gains, counted, at = log_gains(shares, stakes), ~np.isnan(shares), np.arange(sessions)
    evidence = _evidence(gains, counted, horizon)
    proposals, confirmed = np.zeros(pairs, dtype=np.intp), np.full(pairs, -1)
    waiting = np.zeros(pairs, dtype=np.bool_)
    going, since = np.arange(pairs), np.zeros(pairs, dtype=np.intp)
    while len(going):
        above = (evidence[going] >= threshold[going, None]) & (at >= since[going, None])
        crossed, going = above.argmax(axis=1)[above.any(axis=1)], going[above.any(axis=1)]
        settled = crossed + horizon - 1
        proposals[going] += 1
        waits = settled >= sessions
        held = ~waits & (evidence[going, np.minimum(settled, sessions - 1)] >= threshold[going])
        waiting[going[waits]], confirmed[going[held]] = True, settled[held]
        until = np.where(held, sessions, settled)
        counted[going] &= (at < crossed[:, None]) | (at >= until[:, None])
        evidence[going] = _evidence(gains[going], counted[going], horizon)
        since[going] = settled + 1
        going = going[~waits & ~held]
    return Course(evidence, counted, proposals, waiting, confirmed)


def _evidence(gains: Floats, counted: Bools, horizon: int) -> Floats:
    """Return pairs × looks: the logarithm of the mean capital from the sessions counted and known at each look."""
    pairs, sessions, stakes = gains.shape
    known = np.zeros((pairs, sessions + horizon, stakes))
    known[:, horizon:] = np.where(counted[..., None], gains, 0.0)
    capitals = []
    for first in range(horizon):
        own = np.zeros((pairs, sessions, stakes))
        own[:, first::horizon] = known[:, first:sessions:horizon]
        own[:, 0] -= np.log(horizon * stakes)
        capitals.append(np.cumsum(own, axis=1))
    return np.asarray(np.logaddexp.reduce(np.concatenate(capitals, axis=2), axis=2))


def _shaped(course: Course, shape: tuple[int, ...]) -> Course:
    return Course(
        course.log_evidence.reshape(shape),
        course.counted.reshape(shape),
        course.proposals.reshape(shape[:-1]),
        course.waiting.reshape(shape[:-1]),
        course.confirmed.reshape(shape[:-1]),
    )
