"""The class of every possible sample, from what was fitted on the train split and on nothing else.

Pure: never imports airflow, an HTTP client or a database driver.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from ljwx.core.datasets.spec import SampleSpec
from ljwx.core.tasks import TASKS
from ljwx.core.tasks.definition import Numbers

_OUTCOME: Final = ("excess", "net", "realised_volatility", "max_drawdown")


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


def fit_and_label(rows: pl.DataFrame, split: pl.DataFrame, spec: SampleSpec) -> tuple[Fit, pl.DataFrame]:
    """Fit on the train split, then put a class on every key: on purged ones too, which may be a later row's previous.

    :param rows: row, the columns of outcomes, and those of :func:`labels_of_facts`.
    :param split: keys (row, stock, session, task, label_end) and their split, null for the purged.
    :returns: the fit, and the keys of all splits (purged left out) with label and previous_label.
    """
    known = rows.select("row", *_OUTCOME, *(_column(task) for task in spec.tasks if not TASKS[task].needs_future))
    numbers = _fitted(known, split, spec)
    parts: list[pl.DataFrame] = []
    rates: dict[str, Numbers] = {}
    for task in spec.tasks:
        keys = split.filter(pl.col("task") == task).join(known, on="row", how="left", maintain_order="left")
        label = _label(task, spec, numbers).cast(label_type(spec))
        labelled = keys.with_columns(label=label).drop(known.columns[1:])
        rates[task] = _rates(labelled, task)
        parts.append(_with_previous(labelled, task).filter(pl.col("split").is_not_null()))
    return Fit(numbers, rates), pl.concat(parts)


def _fitted(known: pl.DataFrame, split: pl.DataFrame, spec: SampleSpec) -> dict[str, Numbers]:
    """Each task's numbers from the outcomes of the train split's rows, those of every task that needs the future."""
    future = [task for task in spec.tasks if TASKS[task].needs_future]
    train = split.filter((pl.col("split") == "train") & pl.col("task").is_in(future))
    outcomes = train.select(pl.col("row").unique(maintain_order=True)).join(known, on="row", how="left")
    fits = {task: TASKS[task].fit for task in spec.tasks}
    return {task: fit(outcomes) for task, fit in fits.items() if fit is not None}


def _label(task: str, spec: SampleSpec, numbers: Mapping[str, Numbers]) -> pl.Expr:
    definition = TASKS[task]
    return definition.label(spec, numbers.get(task, {})) if definition.needs_future else pl.col(_column(task))


def _rates(labelled: pl.DataFrame, task: str) -> dict[str, float]:
    labels = labelled.filter(pl.col("split") == "train")["label"]
    return {c: float((labels == c).mean() or 0) for c in TASKS[task].classes}  # type: ignore[arg-type]


def _with_previous(labelled: pl.DataFrame, task: str) -> pl.DataFrame:
    """Add ``previous_label``: the newest label of the same stock and task that was mature at as-of, before this one."""
    known = labelled.select("stock", known="label_end", previous_label="label").sort("known", maintain_order=True)
    # A label that needs no future is known the session it is given, so only earlier sessions are previous to it.
    before = pl.col("session") if TASKS[task].needs_future else pl.col("session").dt.offset_by("-1d")
    later = labelled.with_columns(before=before).sort("before", maintain_order=True)
    return later.join_asof(
        known, left_on="before", right_on="known", by="stock", strategy="backward", check_sortedness=False
    ).drop("before", "known", strict=False)
