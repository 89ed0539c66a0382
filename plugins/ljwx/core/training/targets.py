"""What probabilities of its classes a sample is to teach: truth mixed with a forecast. Pure: no I/O."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Final

import polars as pl

from ljwx.core.datasets.selection import draw
from ljwx.core.evaluations import TRAIN_SAMPLES, in_all, numbers_at, regressions
from ljwx.core.tasks import TASKS
from ljwx.core.training.penalty import inverse_penalties

_DIGITS: Final = 6

Forecast = Callable[[str, str], Mapping[str, float]]
"""Task and snapshot → the share of each class that was expected."""


def class_rates(samples: pl.DataFrame) -> dict[str, dict[str, float]]:
    """Return of each task the share of each of its classes."""
    counts = samples.group_by("task", "label").len()
    found: dict[str, dict[str, float]] = {}
    for task, label, count in counts.sort("task", "label").iter_rows():
        found.setdefault(task, {})[label] = count
    return {task: {label: n / sum(shares.values()) for label, n in shares.items()} for task, shares in found.items()}


def by_class_rates(samples: pl.DataFrame) -> Forecast:
    """Expect of every sample of a task what the samples have on average."""
    rates = class_rates(samples)
    return lambda task, _: rates.get(task, {})


def fitted_on(samples: pl.DataFrame, seed: int) -> pl.DataFrame:
    """Return the samples that a regression is fitted on: some thousands of each task that asks what comes."""
    predictive = [name for name, task in TASKS.items() if not task.is_copying]
    drawn = draw(samples.filter(pl.col("task").is_in(predictive)), seed).sort("task", "draw", "sample_id")
    return drawn.group_by("task", maintain_order=True).head(TRAIN_SAMPLES).drop("draw")


def by_logistic(fitted: pl.DataFrame, asked: pl.DataFrame, *, cross_validated: bool = False) -> Forecast:
    """Expect what a logistic regression on the numbers of the snapshot expects.

    :param fitted: what it is fitted on, of :func:`fitted_on`.
    :param asked: all that it will be asked about. A number that some snapshot of either lacks is left out.
    :param cross_validated: choose its penalty by sessions left out (:mod:`ljwx.core.training.penalty`); else C is 1.
    """
    snapshots = pl.concat([fitted["snapshot"], asked["snapshot"]])
    names = in_all(json.loads(text) for text in snapshots)
    rows = fitted.select("task", "label", "snapshot").iter_rows()
    known = [(task, label, numbers_at(json.loads(text), names)) for task, label, text in rows]
    chosen = inverse_penalties(fitted, [values for _, _, values in known]) if cross_validated else None
    regression = regressions(known, inverse_penalties=chosen)

    def expected(task: str, snapshot: str) -> Mapping[str, float]:
        return regression[task].shares(numbers_at(json.loads(snapshot), names)) if task in regression else {}

    return expected


def target(task: str, label: str, truth_share: float, expected: Mapping[str, float]) -> dict[str, float]:
    """Return the probability that is wanted of each class; they sum to 1.

    :param truth_share: of the wanted probabilities; the rest is what was expected. Where the snapshot decides the
        class, all is truth.
    """
    share = 1.0 if TASKS[task].is_copying else truth_share
    return {
        name: round(share * (name == label) + (1 - share) * expected.get(name, 0.0), _DIGITS)
        for name in TASKS[task].classes
    }
