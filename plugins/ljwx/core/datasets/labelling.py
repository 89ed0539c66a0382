"""The class of every possible sample, from what was fitted on the train split and on nothing else.

Pure: never imports airflow, an HTTP client or a database driver.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import polars as pl

from ljwx.core.datasets.spec import SampleSpec
from ljwx.core.tasks import TASKS
from ljwx.core.tasks.definition import Numbers

LABELLED: Final = ("excess", "net", "realised_volatility", "max_drawdown")
"""The numbers of an outcome that labels are made of."""
STOCKS: Final = 500
"""Stocks whose previous labels are looked for at once: bounds memory, not results."""


@dataclass(frozen=True)
class Fit:
    """What the labels learned from the train split, and from nothing else.

    :param numbers: of each task that fits some, by name.
    :param rates: each class's share of the train labels, by task.
    """

    numbers: Mapping[str, Numbers]
    rates: Mapping[str, Numbers]

    def stored(self) -> dict[str, Any]:
        """For the database: the numbers by task, and the rates; with the outcomes any label can be made again."""
        return {
            "numbers": {task: dict(numbers) for task, numbers in self.numbers.items()},
            "rates": {task: dict(shares) for task, shares in self.rates.items()},
        }

    def as_dict(self) -> dict[str, Any]:
        """For JSON: all numbers by name, and the rates."""
        named = {name: value for numbers in self.numbers.values() for name, value in numbers.items()}
        return {**named, "rates": {task: dict(shares) for task, shares in self.rates.items()}}


def label_type(spec: SampleSpec) -> pl.Enum:
    """Type of the columns that hold classes, of all the spec's tasks."""
    return pl.Enum(list(dict.fromkeys(c for task in TASKS if task in spec.tasks for c in TASKS[task].classes)))


def labels_of_facts(spec: SampleSpec) -> list[pl.Expr]:
    """The classes of the tasks that need no future, from the facts of a snapshot: a column for each such task."""
    return [
        TASKS[task].label(spec, {}).cast(pl.Enum(TASKS[task].classes)).alias(_column(task))
        for task in spec.tasks
        if not TASKS[task].needs_future
    ]


def _column(task: str) -> str:
    return f"label.{task}"


def fitted(train: pl.DataFrame, spec: SampleSpec) -> dict[str, Numbers]:
    """Return each task's numbers from the outcomes of the train split's rows, those of every task with a future.

    :param train: the columns of outcomes that labels are made of.
    """
    fits = {task: TASKS[task].fit for task in spec.tasks}
    return {task: fit(train) for task, fit in fits.items() if fit is not None}


def labelled(task: str, spec: SampleSpec, numbers: Numbers) -> pl.Expr:
    """The class of a row, from its outcome, or from the column of :func:`labels_of_facts`."""
    definition = TASKS[task]
    label = definition.label(spec, numbers) if definition.needs_future else pl.col(_column(task))
    return label.cast(label_type(spec))


def rates_of(keys: pl.DataFrame, task: str) -> dict[str, float]:
    """Return each class's share of the train labels of a task.

    :param keys: split and label.
    """
    labels = keys.filter(pl.col("split") == "train")["label"]
    return {c: float((labels == c).mean() or 0) for c in TASKS[task].classes}  # type: ignore[arg-type]


def with_previous(keys: pl.DataFrame, task: str) -> pl.DataFrame:
    """Add ``previous_label``: the newest label of the same stock and task that was mature at as-of, before this one.

    A purged key, too, may be a later one's previous.

    :param keys: stock (numbers in order), session, label_end and label of a task; some stocks are looked at at a time.
    """
    newest = int(keys["stock"][-1]) if len(keys) else 0
    bounds = keys["stock"].search_sorted(pl.Series(range(0, newest + STOCKS + 1, STOCKS), dtype=pl.UInt32))
    parts = [keys.slice(first, last - first) for first, last in pairwise(bounds)]
    return pl.concat([_with_previous(part, task) for part in parts if len(part)] or [_with_previous(keys, task)])


def _with_previous(labelled: pl.DataFrame, task: str) -> pl.DataFrame:
    known = labelled.select("stock", known="label_end", previous_label="label").sort("known", maintain_order=True)
    # A label that needs no future is known the session it is given, so only earlier sessions are previous to it.
    before = pl.col("session") if TASKS[task].needs_future else pl.col("session").dt.offset_by("-1d")
    later = labelled.with_columns(before=before).sort("before", maintain_order=True)
    return later.join_asof(
        known, left_on="before", right_on="known", by="stock", strategy="backward", check_sortedness=False
    ).drop("before", "known", strict=False)
