"""The numbers that a snapshot holds, scaled so that neither price level nor share count gives away stock or year.

Pure: nothing here may import airflow, HTTP or SQL.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import polars as pl

SETTLED = 9
"""Decimals that rounding in a computation never reaches, whatever the scale of the factors."""

RANKS = "ranks"
"""The section of percentiles among the stocks of the same session."""


Unit = Literal["number", "percent", "fraction", "ratio", "score", "rank"]
Means = Literal["value", "move", "distance", "fall"]


@dataclass(frozen=True)
class Said:
    """How prose speaks of a number.

    :param unit: fraction: a part of 1, which prose may give in percent; ratio: so many times;
        number: written bare, as percent or as times.
    :param means: move: it rose or fell by it; distance: so far above or below the close; fall: the size of a fall,
        which prose gives with or without its minus.
    :param usual: what practically no stock leaves, about the 0.1st to the 99.9th percentile of 120 stocks in 2024: a
        threshold beyond it says nothing. None: every threshold says something.
    """

    unit: Unit = "number"
    means: Means = "value"
    usual: tuple[float, float] | None = None


NUMBER = Said()
"""Of a number that has no unit and no side."""


@dataclass(frozen=True, eq=False)
class Fact:
    """One number of the snapshot: where it stands, how it is computed and to how many decimals it is written.

    :param section: the object within the snapshot, such as ``features``.
    :param value: over columns of bars, features, ``derived`` of its group, and ``rank_*``.
    :param names: what Chinese prose calls it; a number after such a name is checked against this fact.
    :param required: a snapshot without it is not complete; else it may be null.
    :param said: how prose speaks of it.
    :param of_industry: whether it compares within an industry, which a dataset tells of all samples or of none.
    """

    section: str
    name: str
    value: pl.Expr
    decimals: int
    names: tuple[str, ...] = ()
    required: bool = True
    said: Said = NUMBER
    of_industry: bool = False

    @property
    def column(self) -> str:
        """Its column while the snapshot is built."""
        return f"{self.section}.{self.name}"

    def expr(self) -> pl.Expr:
        """Rounded; integers as Int64; minus zero as zero."""
        if self.decimals == 0:
            return settled(self.value).round(0).cast(pl.Int64).alias(self.column)
        rounded = settled(self.value).round(self.decimals)
        return pl.when(rounded == 0).then(0.0).otherwise(rounded).alias(self.column)


def settled(value: pl.Expr) -> pl.Expr:
    """Round off what computing has added, so that 0.25 is half way between 0.2 and 0.3 on every scale of factors."""
    return value.round(SETTLED)


def percent(expr: pl.Expr) -> pl.Expr:
    """A fraction as percent."""
    return 100 * expr


def from_close(column: str) -> pl.Expr:
    """How far a level lies from the close, percent of the close."""
    return settled(percent(pl.col(column) / pl.col("close") - 1))


def rank(column: str, *names: str, required: bool = True) -> Fact:
    """Percentile of a column among the stocks of the same session, 1 to 100, the largest value highest."""
    said = Said("rank", usual=(1.5, 99.5))
    return Fact(RANKS, column, pl.col(f"rank_{column}"), 0, names, required, said)


def stated(section: str, name: str, column: str, decimals: int, said: Said, *, industry: bool = False) -> Fact:
    """A number that a source states itself, and may lack.

    :param industry: it compares within an industry.
    """
    return Fact(section, name, pl.col(column), decimals, required=False, said=said, of_industry=industry)
