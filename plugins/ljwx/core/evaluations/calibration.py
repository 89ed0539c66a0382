"""How far an answerer's probabilities can be believed. Pure: no airflow, no I/O, no clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isclose, isfinite

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from ljwx.core.evaluations.questions import Question, ScoredAnswer
from ljwx.core.tasks import TASKS

ECE_BINS = 10
NULL_DRAWS = 500
CELLS = 2_000_000
"""Answers times draws in memory at once; the draws are the same however many."""

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class ReliabilityBin:
    """Answers whose confidence is in (low, high] (the first bin takes 0 too)."""

    low: float
    high: float
    n: int
    confidence: float
    accuracy: float


class NullBand(BaseModel):
    """The expected calibration error that chance alone makes, at as many answers with these probabilities.

    :param mean: over draws of which answers are right.
    :param high: 95 % of the draws show no more.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    mean: float
    high: float


class Calibration(BaseModel):
    """How far probabilities can be believed, over the ``n`` valid answers that came with some.

    ``brier`` runs from 0 to 2 (the sum over classes); ``ece`` and ``bins`` are of the most probable class.

    :param ece_of_perfect: what an answerer shows whose probabilities are exactly right; None in cards made before.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    n: int
    brier: float
    ece: float
    ece_of_perfect: NullBand | None = None
    bins: tuple[ReliabilityBin, ...]


def calibrate(pairs: Sequence[tuple[Question, ScoredAnswer]]) -> Calibration | None:
    """Return the calibration of the valid answers that came with probabilities; None if there are none.

    :raises ValueError: probabilities that are no distribution over their task's classes.
    """
    rows, truth = [], []
    for question, answer in pairs:
        if answer.valid and answer.probabilities is not None:
            rows.append(_probabilities(question, answer))
            truth.append(TASKS[question.task].classes.index(question.label))
    if not rows:
        return None
    widest = max(map(len, rows))  # a task with fewer classes than another: they have probability 0
    probabilities = np.array([[*row, *[0.0] * (widest - len(row))] for row in rows])
    true: NDArray[np.intp] = np.array(truth, dtype=np.intp)
    bins = reliability(probabilities.max(axis=1), probabilities.argmax(axis=1) == true)
    return Calibration(
        n=len(rows),
        brier=brier(probabilities, true),
        ece=expected_calibration_error(bins),
        ece_of_perfect=ece_null_band(probabilities.max(axis=1)),
        bins=bins,
    )


def _probabilities(question: Question, answer: ScoredAnswer) -> list[float]:
    given, classes = answer.probabilities or {}, TASKS[question.task].classes
    if set(given) != set(classes) or not all(isfinite(p) and p >= 0 for p in given.values()):
        raise ValueError(f"answer {answer.sample_id}: {dict(given)} are no probabilities of {', '.join(classes)}")
    if not isclose(sum(given.values()), 1, abs_tol=1e-6):
        raise ValueError(f"answer {answer.sample_id}: probabilities sum to {sum(given.values())}, not to 1")
    return [given[name] for name in classes]


def brier(probabilities: Floats, truth: NDArray[np.intp]) -> float:
    """Return the mean over questions of sum_k (p_k - y_k)², from 0 to 2.

    :param probabilities: n × K, each row a distribution.
    :param truth: n indices of true classes.
    """
    misses = probabilities.copy()
    misses[np.arange(len(truth)), truth] -= 1
    return float((misses**2).sum(axis=1).mean())


def reliability(confidence: Floats, right: Bools, bins: int = ECE_BINS) -> tuple[ReliabilityBin, ...]:
    """Return the non-empty ones of ``bins`` equal bins: their mean confidence and accuracy.

    :param confidence: n values, the probability of the most probable class.
    :param right: n truth values, whether that class is the true one.
    """
    edges, index = _binned(confidence, bins)
    return tuple(
        ReliabilityBin(
            low=float(edges[b]),
            high=float(edges[b + 1]),
            n=int((index == b).sum()),
            confidence=float(confidence[index == b].mean()),
            accuracy=float(right[index == b].mean()),
        )
        for b in np.unique(index)
    )


def expected_calibration_error(bins: tuple[ReliabilityBin, ...]) -> float:
    """Return the mean distance of confidence from accuracy over the bins, weighted by their answers (Guo 2017)."""
    return sum(b.n * abs(b.confidence - b.accuracy) for b in bins) / sum(b.n for b in bins)


def ece_null_band(confidence: Floats, seed: int = 0) -> NullBand:
    """Return the band for these confidences by drawing, ``NULL_DRAWS`` times, which answers are right."""
    _, index = _binned(confidence, ECE_BINS)
    member = (index[:, None] == np.arange(ECE_BINS)).astype(np.float64)
    generator, at_once = np.random.default_rng(seed), max(1, CELLS // len(confidence))
    parts = []
    for done in range(0, NULL_DRAWS, at_once):
        right = generator.random((min(at_once, NULL_DRAWS - done), len(confidence))) < confidence
        parts.append(np.abs((right - confidence) @ member).sum(axis=1))
    found = np.concatenate(parts) / len(confidence)
    return NullBand(mean=float(found.mean()), high=float(np.quantile(found, 0.95)))


def _binned(confidence: Floats, bins: int) -> tuple[Floats, NDArray[np.intp]]:
    """Return the edges of equal bins, and in which each confidence lies."""
    edges = np.arange(bins + 1) / bins
    return edges, np.clip(np.searchsorted(edges, confidence, side="left") - 1, 0, bins - 1)
