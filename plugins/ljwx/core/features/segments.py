"""Where no indicator may look back over. Pure: nothing here may import airflow, HTTP or SQL."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from datetime import date

import polars as pl


def segments(bars: pl.DataFrame, trading_days: Sequence[date]) -> list[pl.DataFrame]:
    """Cut the bars at every trading day that has none at all, so that no indicator reaches across the hole.

    A stock's own suspension is no hole: other stocks have bars that day. Each of a stock's runs is in a piece of its
    own, too.

    :param bars: any frame with `session`, and perhaps `run`, the number of a stock's run of one scale of factors.
    :param trading_days: the market's trading days, sorted; those outside the bars' range are ignored.
    :return: the pieces, each stock's in time order, none empty.
    """
    if bars.is_empty():
        return []
    present = set(bars["session"].unique())
    first = min(present)
    holes = [day for day in trading_days if first < day and day not in present]
    cut = {day: bisect_right(holes, day) for day in present}
    piece = bars["session"].replace_strict(cut, return_dtype=pl.Int64)
    if "run" in bars.columns:
        piece += bars["run"]
    return [bars.filter(piece == number) for number in piece.unique().sort()]
