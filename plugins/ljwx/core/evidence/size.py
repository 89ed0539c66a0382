"""How large a difference is, and what could have been seen. Pure: no I/O, no clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log, sqrt
from statistics import NormalDist
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ljwx.core.evidence.betting import STAKES
from ljwx.core.evidence.scale import BOUND

Floats = NDArray[np.float64]

USUAL_EDGE: Final = 0.03
"""Standard deviation of true differences in RankIC before anything was seen: two of three lie within it."""


@dataclass(frozen=True)
class Size:
    """A mean difference over sessions.

    :param raw: the mean; of a challenger that was chosen because it is large, too large.
    :param error: its standard error, wider where neighbouring sessions go together.
    :param spread: the standard deviation of one session's difference.
    :param shrunken: the mean drawn towards 0 by as much as its error asks for.
    """

    raw: float
    error: float
    spread: float
    shrunken: float
    sessions: int


def size_of(differences: Floats, horizon: int, usual_edge: float = USUAL_EDGE) -> Size | None:
    """Return the size of a difference; None with fewer than two sessions.

    The error has the covariances up to h - 1 sessions, with falling weights (Newey and West 1987). The shrunken mean is
    the posterior mean under a normal prior around 0.

    :param differences: (sessions) along the exchange's calendar; NaN where a session says nothing.
    """
    there = ~np.isnan(differences)
    n = int(there.sum())
    if n < 2:
        return None
    raw = float(differences[there].mean())
    off = np.where(there, differences - raw, 0.0)
    variance = float(off @ off)
    spread = sqrt(variance / n)
    for lag in range(1, min(horizon, len(off))):
        variance += 2 * (1 - lag / horizon) * float(off[lag:] @ off[:-lag])
    error = sqrt(max(variance, 0.0)) / n
    weight = usual_edge**2 / (usual_edge**2 + error**2)
    return Size(raw, error, spread, weight * raw, n)


def smallest_visible(
    spread: float, sessions: int, horizon: int, alpha: float, power: float = 0.8, stakes: Sequence[float] = STAKES
) -> float | None:
    """Return about the smallest mean difference that is confirmed with this chance; None where none is.

    Of n sessions a gambler has n / h, the last of which come too late to be confirmed by. The logarithm of his capital
    grows by f z - f² (1 + z²) / 2 a bet, give or take f, where f is his stake and z the mean, both in spreads.

    :param spread: standard deviation of a session's difference.
    :param sessions: that count.
    :param stakes: of his bets, each with an equal part of the capital.
    """
    bets = sessions / horizon - 2
    if bets <= 0:
        return None
    needed = log(len(stakes)) - log(alpha)
    z = np.linspace(0, 2, 2001)
    bet = np.array(stakes)[:, None] / BOUND
    reached = bets * (bet * z - bet**2 * (1 + z**2) / 2) - NormalDist().inv_cdf(power) * bet * sqrt(bets)
    enough = (reached >= needed).any(axis=0)
    return float(spread * z[enough.argmax()]) if enough.any() else None
