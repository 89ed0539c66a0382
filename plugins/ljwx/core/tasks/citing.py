"""Training answers that cite facts: which fact of each kind speaks for the class that came true.

Pure: never imports airflow, an HTTP client or a database driver.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import polars as pl

from ljwx.core.features.citable import Citable
from ljwx.core.features.technical.signals import STATES
from ljwx.core.tasks.definition import TaskDefinition

_STILL: Final = 1.0
"""Percent that a price moves at most where it has not moved either way."""
_VOTING: Final = frozenset(signal.name for signal in STATES)
_LEVEL_COLUMNS: Final = {"levels": "{}", "range": "range"}


def citing_answer(task: TaskDefinition, field: str, kinds: Sequence[Sequence[Citable]]) -> pl.Expr:
    """The JSON of each row's answer: the class, and of each kind the first fact that speaks for it.

    Where none does it is the first that is there.

    :param field: name of the field of keys.
    """
    keys = pl.concat_list(_key(task, kind) for kind in kinds).list.drop_nulls()
    return pl.struct(pl.col("label").alias(task.class_field), keys.alias(field)).struct.json_encode()


def _key(task: TaskDefinition, citable: Sequence[Citable]) -> pl.Expr:
    speaking = [pl.when(_speaks(task, each)).then(pl.lit(each.key)) for each in citable]
    present = [pl.when(_is_there(each)).then(pl.lit(each.key)) for each in citable]
    return pl.coalesce([*speaking, *present])


def _speaks(task: TaskDefinition, each: Citable) -> pl.Expr:
    """Whether the vote of a signal or move is that of the row's class."""
    signal = each.signal.name if each.signal else None
    label = pl.col("label").cast(pl.String)
    if task.votes and (signal in _VOTING or each.said.means == "move"):
        wanted = label.replace_strict(dict(task.votes), default=None, return_dtype=pl.Int32)
        return (pl.col(f"{signal}_vote") if signal in _VOTING else _direction(each)) == wanted
    if signal is not None and signal == task.rule.signal:
        return pl.col(signal).replace_strict(dict(task.rule.says), default=None, return_dtype=pl.String) == label
    return pl.lit(False)


def _direction(each: Citable) -> pl.Expr:
    moved = pl.col(_column(each))
    return pl.when(moved > _STILL).then(1).when(moved < -_STILL).then(-1).otherwise(0)


def _is_there(each: Citable) -> pl.Expr:
    return pl.col(_column(each)).is_not_null() if each.paths else pl.lit(True)


def _column(each: Citable) -> str:
    """The column of its number while a dataset is built."""
    section, name = each.paths[0]
    return _LEVEL_COLUMNS.get(section, f"{section}.{{}}").format(name)
