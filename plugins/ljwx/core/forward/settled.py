"""Answers of the forward record beside what came true, as one frame. Pure: no airflow, no I/O, no clock."""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ljwx.core.tasks import TASKS

Floats = NDArray[np.float64]

SETTLED: Final = pl.Schema(
    {
        "session": pl.Date(),
        "ts_code": pl.String(),
        "task": pl.String(),
        "answerer": pl.String(),
        "late": pl.Boolean(),
        "probabilities": pl.List(pl.Float64()),
        "label": pl.String(),
        "excess": pl.Float64(),
        "reason": pl.String(),
        "digest": pl.String(),
        "horizon": pl.Int64(),
        "meaning": pl.String(),
    }
)
"""One answer a row.

late: it, or the seal of its session, came after the deadline, and it counts nowhere. probabilities: in the order of the
task's classes; null where the answer was invalid. label: the class that came true; null while it is open and where
there is none. excess: net return over the market's, a fraction. reason: why no outcome will ever be; null beside a
label and while it is open.
digest: of the model on its server; null of a rule. horizon, meaning: those of its batch.
"""


def tasks_of(settled: pl.DataFrame) -> list[str]:
    """Return the tasks that a SETTLED frame has answers to, in their order."""
    there = settled["task"].unique().to_list()
    return [name for name in TASKS if name in there]


def counting(settled: pl.DataFrame, task: str) -> pl.DataFrame:
    """Return the answers of a task that count: in time, with an outcome, of sessions of which nothing is open.

    A session waits for the last of its outcomes, so that what it says is said once and does not change.
    """
    asked = settled.filter(task=task)
    is_open = pl.col("label").is_null() & pl.col("reason").is_null()
    waiting = asked.filter(is_open).select("session").unique()
    return asked.join(waiting, on="session", how="anti").filter(pl.col("label").is_not_null())


def in_order(answers: pl.DataFrame) -> pl.DataFrame:
    """Return answers by session and stock; as the warehouse reads them they mostly are, which is quickly seen."""
    session, code = answers["session"], answers["ts_code"]
    before, stood = session.shift(1), code.shift(1)
    falls = (session < before) | ((session == before) & (code < stood))
    return answers.sort("session", "ts_code", maintain_order=True) if falls.any() else answers


def matrix(answers: pl.DataFrame, task: str) -> Floats:
    """Return answers × classes: what each said; of an invalid one no probability for any class."""
    width = len(TASKS[task].classes)
    filled = answers["probabilities"].fill_null(pl.Series([[0.0] * width], dtype=pl.List(pl.Float64)))
    return filled.list.to_array(width).to_numpy().reshape(-1, width)


def truths(answers: pl.DataFrame, task: str) -> NDArray[np.intp]:
    """Return the index of each answer's true class."""
    codes = answers["label"].cast(pl.Enum(TASKS[task].classes)).to_physical()
    return np.asarray(codes.to_numpy(), dtype=np.intp)


def signals(answers: pl.DataFrame, task: str) -> Floats:
    """Return P(higher) - P(lower) of each answer.

    :raises ValueError: the task has no direction.
    """
    direction = TASKS[task].direction
    if direction is None:
        raise ValueError(f"task {task} does not order stocks")
    higher, lower = (TASKS[task].classes.index(name) for name in direction)
    said = matrix(answers, task)
    return np.asarray(said[:, higher] - said[:, lower])
