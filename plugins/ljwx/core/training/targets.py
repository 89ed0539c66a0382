"""What probabilities of its classes a sample is to teach: truth mixed with a forecast. Pure: no I/O."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Final

import polars as pl

from ljwx.core.evaluations import numbers, regressions, unknown
from ljwx.core.tasks import TASKS

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


def by_logistic(samples: pl.DataFrame) -> Forecast:
    """Expect what a logistic regression on the numbers of the snapshot, fitted on these samples, expects.

    A number that some snapshot of the task lacks is left out of its regression.
    """
    predictive = [name for name, task in TASKS.items() if not task.is_copying]
    columns = samples.filter(pl.col("task").is_in(predictive)).select("task", "label", "snapshot")
    rows = [(task, label, json.loads(text)) for task, label, text in columns.iter_rows()]
    lacking = {name: unknown(snapshot for task, _, snapshot in rows if task == name) for name in predictive}
    fitted = regressions((task, label, numbers(snapshot, lacking[task])) for task, label, snapshot in rows)

    def expected(task: str, snapshot: str) -> Mapping[str, float]:
        return fitted[task].shares(numbers(json.loads(snapshot), lacking[task])) if task in fitted else {}

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
