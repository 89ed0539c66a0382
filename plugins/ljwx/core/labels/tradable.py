"""When a stock could not be bought or sold, by its price limits. Pure: never imports airflow, HTTP or SQL.

Without a published limit a day of one price away from pre_close is taken as locked, because nobody could trade there,
and a close at the price that the board's limit gives as one at the limit.
"""

from __future__ import annotations

import polars as pl

from ljwx.core.bars.limits import TICK, limit_band, limit_percent


def locked_up() -> pl.Expr:
    """Whether no trade of the session was below the up limit, by a row of bars: nobody could buy."""
    up = pl.col("up_limit")
    locked = pl.when(up.is_null()).then(_one_price() & (pl.col("low") > pl.col("pre_close")))
    return locked.otherwise(pl.col("low") > up - TICK / 2)


def locked_down() -> pl.Expr:
    """Whether the session closed at the down limit, by a row of bars: nobody could sell at the close."""
    down, floor = pl.col("down_limit"), limit_band(limit_percent(pl.lit(False)))[0]
    at_floor = (pl.col("close") - floor).abs() < TICK / 2
    locked = pl.when(down.is_null()).then((_one_price() & (pl.col("high") < pl.col("pre_close"))) | at_floor)
    return locked.otherwise(pl.col("close") < down + TICK / 2)


def _one_price() -> pl.Expr:
    return (pl.col("open") == pl.col("high")) & (pl.col("high") == pl.col("low"))
