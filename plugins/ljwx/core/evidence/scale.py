"""In what unit a session's difference counts: shares of a bound that was known before its outcome. Pure: no clock.

How fast evidence grows depends on the bound. The widest that is possible (2 for two RankICs) is ten times what a
session of some hundred stocks ever shows, and nothing would be found in a year. So the bound is a few times the usual
size of the differences whose outcomes were known before. A gain counts as the bound at most; a loss counts in full, so
that one who often wins a little and seldom loses much gathers hardly any evidence.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

BOUND: Final = 3.0
"""A session's gain counts as at most this many usual sizes."""
PRIOR_SESSIONS: Final = 10
"""As many sessions of the size that chance is taken to give stand before the first."""


def chance_of_rank_ics(stocks: Floats) -> Floats:
    """Return the size of the difference of two RankICs that answerers without skill show on as many stocks."""
    return np.asarray(np.sqrt(2 / (np.maximum(stocks, 2) - 1)), dtype=np.float64)


def usual_bounds(differences: Floats, chance: Floats, horizon: int) -> Floats:
    """Return the bound of each session: ``BOUND`` times the usual size of the differences known by then.

    The usual size is the root of the mean square over the sessions whose labels had ended, and over ``PRIOR_SESSIONS``
    more of the size that chance gives.

    :param differences: (..., sessions) along the exchange's calendar; NaN where a session says nothing.
    :param chance: (sessions) or the same shape, the size that chance is taken to give; known before the outcome.
    :param horizon: sessions from a question to its outcome.
    """
    there = ~np.isnan(differences)
    squares = np.where(there, differences, 0.0) ** 2
    known = np.zeros_like(squares), np.zeros_like(squares)
    for into, values in zip(known, (squares, there), strict=True):
        into[..., horizon:] = np.cumsum(values, axis=-1)[..., :-horizon]
    mean = (PRIOR_SESSIONS * chance**2 + known[0]) / (PRIOR_SESSIONS + known[1])
    return np.asarray(BOUND * np.sqrt(mean), dtype=np.float64)


def as_shares(differences: Floats, bounds: Floats) -> Floats:
    """Return differences as shares of their bounds, at most 1.

    Where the bound is 0, as of two answerers who say the same, the share is 0.
    """
    largest = np.where(bounds > 0, bounds, 1.0)
    return np.minimum(np.where(bounds > 0, differences, differences * 0.0) / largest, 1.0)
