"""Factors for a tier that has none, chained from pre_close. Pure: nothing here may import airflow, HTTP or SQL.

pre_close is the ex-right reference of the close before, so ``close' / pre_close`` is 1 except on ex-right days. Where
days lie between a stock's two bars the quotient could as well be the return of a bar that is missing. It is believed
there only when it is 1; otherwise the chain breaks, and factors on its two sides must never meet in one computation:
the side that is less needed becomes null.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date

import polars as pl

from ljwx.core.bars.frame import KEYS, chain_factors
from ljwx.core.bars.rules import HALF_TICK

LONGEST_OUTCOME = 80
"""Sessions from as-of to exit at most: the longest horizon of a dataset and the longest roll of its exit."""


def chained_for_features(bars: pl.DataFrame, trading_days: Sequence[date], complete: Collection[date]) -> pl.DataFrame:
    """Chain factors for looking back: before a stock's last break they are null.

    A day that is not complete breaks nothing here, because features are not computed across it.

    :param bars: a bars frame with ``unfactored``, true where the tier had no factors. Chained are the stocks that have
        no factor at all and only such rows; the others stay as they are.
    :param trading_days: the market's trading days over the bars' range, sorted.
    :param complete: those of them that are complete in the market, whether these stocks have a bar or not.
    :return: ``bars`` sorted by ts_code and session.
    """
    runs = _runs(bars, trading_days)
    holes = pl.Series(sorted(set(trading_days) - set(complete)), dtype=pl.Date)
    piece = pl.lit(holes).search_sorted(pl.col("session"))
    outlived = pl.col("_run") < pl.col("_run").max().over("ts_code", piece)
    return _with_factors(bars, runs, ~outlived)


def chained_for_outcomes(
    bars: pl.DataFrame, trading_days: Sequence[date], reach: int = LONGEST_OUTCOME
) -> pl.DataFrame:
    """Chain factors for looking ahead: null in the ``reach`` trading days before each break, see chained_for_features.

    An outcome that begins before those days ends before the break.
    """
    runs = _runs(bars, trading_days)
    before = pl.col("_run").shift(1).over("ts_code")
    runs = runs.with_columns(pl.when(pl.col("_run") != before).then("_day").alias("_break"))
    next_break = pl.col("_break").shift(-1).backward_fill().over("ts_code")
    return _with_factors(bars, runs, (next_break - pl.col("_day") > reach).fill_null(True))


def _runs(bars: pl.DataFrame, trading_days: Sequence[date]) -> pl.DataFrame:
    """Number each chained stock's days and its unbroken runs: ``_day``, ``_run``."""
    lacking = (pl.col("adj_factor").is_null() & pl.col("unfactored")).all().over("ts_code")
    rows = bars.filter(lacking).sort(KEYS)
    day = pl.lit(pl.Series(trading_days, dtype=pl.Date)).search_sorted(pl.col("session")).cast(pl.Int64)
    rows = rows.with_columns(day.alias("_day"))
    apart = pl.col("_day") - pl.col("_day").shift(1).over("ts_code") > 1
    moved = (pl.col("pre_close") - pl.col("close").shift(1).over("ts_code")).abs() > HALF_TICK
    rows = rows.with_columns((apart & moved).fill_null(False).cast(pl.Int64).alias("_run"))
    return rows.with_columns(pl.col("_run").cum_sum().over("ts_code"))


def _with_factors(bars: pl.DataFrame, runs: pl.DataFrame, kept: pl.Expr) -> pl.DataFrame:
    factors = chain_factors(runs).select(*KEYS, pl.when(kept).then("adj_factor").alias("_chained"))
    return (
        bars.sort(KEYS)
        .join(factors, on=KEYS, how="left", maintain_order="left")
        .with_columns(pl.coalesce("adj_factor", "_chained").alias("adj_factor"))
        .drop("_chained")
    )
