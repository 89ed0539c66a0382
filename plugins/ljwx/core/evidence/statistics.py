"""What one session says about an answerer, or about two: rank correlation, proper scores. Pure: no I/O, no clock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Rule = Literal["brier", "log"]

LEAST_PROBABILITY: Final = 1e-3
"""The log score takes a smaller probability for this: one answer of 0 would outweigh a year."""


@dataclass(frozen=True)
class ScoreDifference:
    """By how much one answerer's score of a session is better than another's, per question.

    :param bound: the largest value that either side could have had, whatever the truth had been: it follows from the
        probabilities alone, and is known before the outcome.
    """

    value: float
    bound: float
    questions: int


def rank_ics(signals: Floats, outcomes: Floats) -> Floats:
    """Return Spearman's correlation of each row's signals with its outcomes; ties have their mean rank.

    :param signals: (..., stocks), such as P(up) - P(down).
    :param outcomes: (..., stocks), numbers such as excess returns, of the same stocks.
    :return: (...): 0 where all signals are equal, which say nothing; NaN where all outcomes are: there is no order to
        find.
    """
    given, came = (_centred(mean_ranks(values)) for values in (signals, outcomes))
    spread, truth = (np.sqrt((each**2).sum(axis=-1)) for each in (given, came))
    with np.errstate(invalid="ignore", divide="ignore"):
        found = (given * came).sum(axis=-1) / (spread * truth)
    return np.asarray(np.where(truth == 0, np.nan, np.where(spread == 0, 0.0, found)), dtype=np.float64)


def mean_ranks(values: Floats) -> Floats:
    """Return ranks from 1 along the last axis; equal values have the mean of theirs."""
    order = np.argsort(values, axis=-1)
    ordered = np.take_along_axis(values, order, axis=-1)
    place = np.broadcast_to(np.arange(values.shape[-1], dtype=np.float64), values.shape)
    new = np.ones(values.shape, dtype=np.bool_)
    new[..., 1:] = ordered[..., 1:] != ordered[..., :-1]
    if new.all():
        ranks = place
    else:
        first = np.maximum.accumulate(np.where(new, place, 0.0), axis=-1)
        ends = np.ones_like(new)
        ends[..., :-1] = new[..., 1:]
        backwards = np.where(ends, place, np.inf)[..., ::-1]
        last = np.minimum.accumulate(backwards, axis=-1)[..., ::-1]
        ranks = (first + last) / 2
    found = np.empty(values.shape)
    np.put_along_axis(found, order, ranks + 1, axis=-1)
    return found


def score_difference(challenger: Floats, champion: Floats, truth: NDArray[np.intp], rule: Rule) -> ScoreDifference:
    """Return how much better the challenger's probabilities are than the champion's, over one session's questions.

    :param challenger: questions × classes, each row a distribution; likewise ``champion``, which may be class rates.
    :param truth: indices of the true classes.
    :param rule: ``brier``: the sum over classes of squared errors, 0 to 2; ``log``: minus the logarithm of the true
        class's probability. Both are losses; the difference is positive where the challenger's is smaller.
    """
    gains = losses(champion, rule) - losses(challenger, rule)
    least, most = gains.min(axis=1).mean(), gains.max(axis=1).mean()
    value = gains[np.arange(len(truth)), truth].mean()
    return ScoreDifference(float(value), float(max(-least, most)), len(truth))


def losses(probabilities: Floats, rule: Rule) -> Floats:
    """Return questions × classes: the loss if that class is the true one.

    :param rule: ``brier``: 0 to 2; ``log``: in nats, a probability below ``LEAST_PROBABILITY`` counting as that.
    """
    if rule == "log":
        return np.asarray(-np.log(np.maximum(probabilities, LEAST_PROBABILITY)), dtype=np.float64)
    squares = (probabilities**2).sum(axis=1, keepdims=True)
    return np.asarray(squares - 2 * probabilities + 1, dtype=np.float64)


def _centred(values: Floats) -> Floats:
    return np.asarray(values - values.mean(axis=-1, keepdims=True), dtype=np.float64)
