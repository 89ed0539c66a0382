"""Windows and recursions over columns sorted by stock and session. Pure: nothing here may import airflow, HTTP or SQL.

A window is a sum of shifted columns in a fixed order: its value depends on the n rows of the window and on nothing
else, bit by bit, which a running sum would not give. In the first n - 1 rows of a stock a window reaches into the
stock before it, and the caller masks those rows by the feature's warm-up. "Not a number" stands for "no value" until
the frame is made.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

Column = npt.NDArray[np.float64]

BLOCK_INPUTS = ("high", "low", "close", "vol", "adj_factor")
"""Columns of the bars that every block has."""

TIE = 1e-9
"""Two prices, or two moves, are equal when they differ by no more than this share of the price.

The scale of the factors is arbitrary, and a product rounds differently on every scale, by some 1e-16 of the price. One
tick is 1e-6 of the dearest stock's price and more.
"""


def shifted(x: Column, n: int) -> Column:
    """Each row gets the value of n rows before."""
    moved = np.empty_like(x)
    moved[:n] = np.nan
    moved[n:] = x[: max(len(x) - n, 0)]
    return moved


def combined(x: Column, n: int, combine: Callable[[Column, Column], Column]) -> Column:
    """Combine each row with the n - 1 rows before it, in about 2 log2(n) steps."""
    result, span = x, 1
    powers = {1: x}
    while span * 2 <= n:
        result = combine(result, shifted(result, span))
        span *= 2
        powers[span] = result
    for power in sorted(powers, reverse=True):
        if span + power <= n:
            result = combine(result, shifted(powers[power], span))
            span += power
    return result


def mean(x: Column, n: int) -> Column:
    """Mean of n rows."""
    return combined(x, n, np.add) / n


def highest(x: Column, n: int) -> Column:
    """Maximum of n rows."""
    return combined(x, n, np.maximum)


def lowest(x: Column, n: int) -> Column:
    """Minimum of n rows."""
    return combined(x, n, np.minimum)


def deviations(x: Column, centre: Column, n: int, measure: Callable[[Column], Column]) -> Column:
    """Sum of ``measure(x - centre)`` over n rows, the centre being the current row's.

    Two passes, so nothing cancels.
    """
    result = np.zeros_like(x)
    for i in range(min(n, len(x))):
        result[i:] += measure(x[: len(x) - i] - centre[i:])
    return result


def ratio(numerator: Column, denominator: Column) -> Column:
    """Quotient, without a value where the denominator is 0."""
    return np.divide(numerator, denominator, out=np.full_like(numerator, np.nan), where=denominator != 0)


class Block:
    """Adjusted prices of whole stocks, one after the other, and what several indicators derive from them.

    :param rows: BLOCK_INPUTS of usable bars and what else the groups read, sorted by ts_code and session.
    """

    def __init__(self, rows: pl.DataFrame) -> None:
        self._rows = rows
        self.factor = rows["adj_factor"].to_numpy()
        self.high, self.low, self.close = (rows[name].to_numpy() * self.factor for name in ("high", "low", "close"))
        self.volume = rows["vol"].to_numpy()
        self.stock = rows["ts_code"].rle_id().set_sorted()
        first = np.flatnonzero(np.diff(self.stock.to_numpy(), prepend=-1))
        self.position = np.arange(rows.height) - np.repeat(first, np.diff(first, append=rows.height))

    def raw(self, name: str) -> Column:
        """A column of the bars as it was published; no value where it is null."""
        return self._rows[name].fill_null(float("nan")).to_numpy()

    @cached_property
    def tie(self) -> Column:
        """The largest difference of two adjusted prices of a row that is none: see :data:`TIE`."""
        least: Column = TIE * self.high
        return least

    def settled(self, difference: Column) -> Column:
        """A difference of prices, 0 where they are equal but for rounding."""
        clear: Column = np.where(np.abs(difference) > self.tie, difference, 0.0)
        return clear

    @cached_property
    def before(self) -> Column:
        """Close of the session before; none in a stock's first row."""
        before: Column = np.where(self.position > 0, shifted(self.close, 1), np.nan)
        return before

    @cached_property
    def typical(self) -> Column:
        """Mean of high, low and close."""
        middle: Column = (self.high + self.low + self.close) / 3.0
        return middle

    @cached_property
    def true_range(self) -> Column:
        """Range of the session, the close before included; high - low in a stock's first row."""
        gap = np.fmax(np.abs(self.high - self.before), np.abs(self.low - self.before))
        wide: Column = np.fmax(self.high - self.low, gap)
        return wide

    def per_stock(self, expressions: dict[str, pl.Expr], **columns: Column) -> dict[str, Column]:
        """Evaluate expressions over ``columns`` within each stock."""
        series = [pl.Series(name, x, nan_to_null=True) for name, x in columns.items()]
        within = [expression.over("stock").alias(name) for name, expression in expressions.items()]
        frame = pl.DataFrame([self.stock.alias("stock"), *series]).select(within)
        return {name: frame[name].to_numpy() for name in expressions}

    def smoothed(self, alpha: float, **columns: Column) -> dict[str, Column]:
        """Recursion ``y = y' + alpha * (x - y')`` within each stock, from its first row with a value."""
        recursion: dict[str, Any] = {name: pl.col(name).ewm_mean(alpha=alpha, adjust=False) for name in columns}
        return self.per_stock(recursion, **columns)

    def started(self, x: Column, at: int, seed: Column | float) -> Column:
        """Column for ``smoothed`` that begins with ``seed`` at position ``at`` of each stock."""
        column: Column = np.where(self.position > at, x, np.where(self.position == at, seed, np.nan))
        return column
