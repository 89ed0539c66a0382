"""Between which bounds a mean difference lies, sound however often one looks. Pure: no airflow, no I/O, no clock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ljwx.core.evidence.betting import log_gains
from ljwx.core.evidence.scale import as_shares

Floats = NDArray[np.float64]

HALVINGS: Final = 25


@dataclass(frozen=True)
class Bounds:
    """The means that the evidence does not speak against."""

    low: float
    high: float


def confidence_bounds(differences: Floats, bounds: Floats, horizon: int, confidence: float = 0.95) -> Bounds:
    """Return the bounds of the mean difference: a gambler who bets that it is lower, or higher, would have won enough.

    These are the values m for which neither the evidence for "above m" nor that for "below m" reaches 2 / (1 -
    confidence): the inversion of :func:`ljwx.core.evidence.betting.follow`. Sessions weigh as the inverse of their
    bound.

    :param differences: (sessions) along the exchange's calendar, the outcomes known; NaN where a session says nothing.
    :param bounds: the bound of each, in the same unit; a gain beyond it counts as the bound.
    """
    threshold = float(np.log(2 / (1 - confidence)))
    low = _highest_refuted(differences, bounds, horizon, threshold)
    high = -_highest_refuted(-differences, bounds, horizon, threshold)
    return Bounds(low, high)


def _highest_refuted(values: Floats, bounds: Floats, horizon: int, threshold: float) -> float:
    """Return the largest m for which "the mean is m or lower" is refuted, by halving: evidence falls as m grows."""
    widest = float(bounds.max(initial=0.0))
    low, high = -widest, widest
    if _evidence_above(values, bounds, horizon, low) < threshold:
        return low
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        refuted = _evidence_above(values, bounds, horizon, middle) >= threshold
        low, high = (middle, high) if refuted else (low, middle)
    return low


def _evidence_above(values: Floats, bounds: Floats, horizon: int, mean: float) -> float:
    gains = log_gains(as_shares(np.minimum(values, bounds) - mean, bounds + abs(mean)))
    each = np.stack([gains[first::horizon].sum(axis=0) for first in range(horizon)])
    return float(np.logaddexp.reduce(each.ravel()) - np.log(each.size))
