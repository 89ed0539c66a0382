"""How much of a sample's label is its own: labels of one stock that overlap in time say partly the same.

Pure: never imports airflow, an HTTP client or a database driver. Source: M. López de Prado, Advances in Financial
Machine Learning (2018), chapter 4, average uniqueness.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

STOCKS: Final = 500
"""Stocks whose sessions are counted at once: bounds memory, not results."""

DECIMALS: Final = 9
"""Of a weight, so that what the sums before it have rounded does not show."""

_Places = npt.NDArray[np.int64]


def uniqueness(index: pl.DataFrame, sessions: Sequence[dt.date]) -> pl.Series:
    """Weigh each sample by the mean, over the sessions of its label, of one over the labels that hold that session.

    The labels are those of the same stock and task. A label holds the sessions after its own up to ``label_end``, or
    its own where it ends there. Splits need no look: a purge lies between their labels.

    :param index: ts_code, session, task, label_end of all samples of a dataset; any order.
    :param sessions: at least all trading days from the first session to the last label_end.
    :returns: weights above 0 and at most 1, one a row.
    """
    days = pl.Series("session", sessions, dtype=pl.Date).unique().sort()
    end = days.search_sorted(index["label_end"], side="left")
    start = days.search_sorted(index["session"], side="left")
    rows = index.select(
        stock=pl.struct("ts_code", "task").rank("dense") - 1,
        start=pl.min_horizontal(start.cast(pl.Int64) + 1, end.cast(pl.Int64)),
        end=end.cast(pl.Int64),
    )
    stock, first, last = (rows[name].cast(pl.Int64).to_numpy() for name in ("stock", "start", "end"))
    weights = np.empty(len(index))
    order = np.argsort(stock, kind="stable")
    edges = np.searchsorted(stock[order], np.arange(0, (stock.max(initial=-1) + 1) + STOCKS, STOCKS))
    for begin, stop in pairwise(edges):
        part = order[begin:stop]
        if len(part):
            weights[part] = _weights(stock[part] - stock[part[0]], first[part], last[part], len(days))
    return pl.Series("weight", weights).round(DECIMALS)


def _weights(stock: _Places, first: _Places, last: _Places, days: int) -> npt.NDArray[np.float64]:
    """Weights of some stocks' labels, each of which holds the days ``first`` to ``last``."""
    width = days + 1
    begin, after = stock * width + first, stock * width + last + 1
    size = int(stock.max() + 1) * width + 1
    labels = np.cumsum(np.bincount(begin, minlength=size) - np.bincount(after, minlength=size))
    shares = np.divide(1.0, labels, out=np.zeros(size), where=labels > 0)
    total = np.concatenate(([0.0], np.cumsum(shares)))
    weights: npt.NDArray[np.float64] = (total[after] - total[begin]) / (after - begin)
    return weights
