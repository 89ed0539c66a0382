"""Metrics of a confusion matrix, in numpy. Pure: no airflow, no I/O, no clock.

A confusion matrix here has K rows (true classes) and K + 1 columns (answered classes, then the invalid answers).
Where the denominator of a metric is 0 the metric is 0, as in scikit-learn.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.int64]


def accuracy(confusion: Matrix) -> float:
    """Return the share of right answers; invalid ones are wrong."""
    return float(np.trace(confusion) / confusion.sum())


def balanced_accuracy(confusion: Matrix) -> float:
    """Return the mean recall of the classes that occur in the truth."""
    totals = confusion.sum(axis=1)
    return float((confusion.diagonal()[totals > 0] / totals[totals > 0]).mean())


def macro_f1(confusion: Matrix) -> float:
    """Return the mean F1 of the classes that occur in the truth or in the answers."""
    right = confusion.diagonal()
    occurrences = confusion.sum(axis=1) + confusion[:, : len(confusion)].sum(axis=0)
    there = occurrences > 0
    return float((2 * right[there] / occurrences[there]).mean())


def mcc(confusion: Matrix) -> float:
    """Return Matthews' correlation for K classes (Gorodkin 2004), with invalid as an answer that is never true."""
    # Python's integers: products of counts must not overflow.
    true = [*map(int, confusion.sum(axis=1)), 0]
    answered = [*map(int, confusion.sum(axis=0))]
    right, n = int(np.trace(confusion)), sum(true)
    covariance = right * n - sum(t * a for t, a in zip(true, answered, strict=True))
    spread = (n * n - sum(t * t for t in true)) * (n * n - sum(a * a for a in answered))
    return covariance / spread**0.5 if spread else 0.0
