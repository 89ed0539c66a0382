"""Factors for sessions that have none, chained from pre_close. Pure: nothing here may import airflow, HTTP or SQL.

pre_close is the ex-right reference of the close before, so ``close' / pre_close`` is 1 except on ex-right days. Where
days lie between a stock's two bars the quotient could as well be the return of a bar that is missing. It is believed
there only when it is 1; otherwise the chain breaks.

A token can be changed for a larger or a smaller one, so that a stock has sessions with published factors and sessions
without. An unbroken chain that meets a published factor is anchored on it: on the one before, or where there is none
on the next. All anchored chains and all published factors have one scale. A chain that meets none has a scale of its
own, and two scales must never meet in one computation: features begin anew where the scale may change, and before a
label would reach over the change its factors become null, published or not.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import polars as pl

from ljwx.core.bars.frame import KEYS, chain_factors
from ljwx.core.bars.rules import HALF_TICK

LONGEST_OUTCOME = 80
"""Sessions from as-of to exit at most: the longest horizon of a dataset and the longest roll of its exit."""
PUBLISHED = -1
"""The scale of published factors; a chain of its own scale has its number."""


def chained_for_features(bars: pl.DataFrame, trading_days: Sequence[date]) -> pl.DataFrame:
    """Chain factors for looking back, and number each stock's runs of bars that one may look back over.

    A break next to a bar without a published factor ends a run, also where a later factor will show what happened in
    it: which bars a row looks back on must not depend on what came after it.

    :param bars: a bars frame with ``unfactored``, true where the tier had no factors. Such a row without a factor gets
        one; a row of another day whose factor was not published stays without.
    :param trading_days: the market's trading days over the bars' range, sorted.
    :return: ``bars`` sorted by ts_code and session, with ``run``, from 0.
    """
    rows = _scaled(bars, trading_days)
    broken, bare, rescaled = (
        pl.col(name) != pl.col(name).shift(1).over("ts_code") for name in ("_chain", "unfactored", "_scale")
    )
    ends = (broken & (pl.col("unfactored") | bare)) | rescaled
    runs = ends.fill_null(False).cast(pl.Int64).cum_sum().over("ts_code")
    return rows.with_columns(run=runs).select(*bars.columns, "run")


def chained_for_outcomes(
    bars: pl.DataFrame, trading_days: Sequence[date], reach: int = LONGEST_OUTCOME
) -> pl.DataFrame:
    """Chain factors for looking ahead: null in the ``reach`` trading days before each change of scale.

    An outcome that begins before those days ends before the change. See chained_for_features.
    """
    rows = _scaled(bars, trading_days)
    changes = pl.col("_scale") != pl.col("_scale").shift(1).over("ts_code")
    rows = rows.with_columns(pl.when(changes).then("_day").alias("_change"))
    next_change = pl.col("_change").shift(-1).backward_fill().over("ts_code")
    kept = (next_change - pl.col("_day") > reach).fill_null(True)
    return rows.with_columns(pl.when(kept).then("adj_factor").alias("adj_factor")).select(bars.columns)


def _scaled(bars: pl.DataFrame, trading_days: Sequence[date]) -> pl.DataFrame:
    """Fill the factors; add ``_day``, each bar's trading day as a number, and ``_scale``, that of its factor."""
    rows = _with_chains(bars.sort(KEYS), trading_days)
    rows = rows.with_columns(_step=chain_factors(rows)["adj_factor"])
    published, chain = pl.col("adj_factor"), ("ts_code", "_chain")
    anchor = (published / pl.col("_step")).forward_fill().backward_fill().over(chain)
    alone = (published.is_null().all() & pl.col("unfactored").any()).over(chain)
    filled = pl.when("unfactored").then(anchor.fill_null(1.0) * pl.col("_step"))
    return rows.with_columns(
        pl.coalesce(published, filled).alias("adj_factor"),
        pl.when(alone).then("_chain").otherwise(PUBLISHED).alias("_scale"),
    )


def _with_chains(rows: pl.DataFrame, trading_days: Sequence[date]) -> pl.DataFrame:
    """Add ``_day``, and number each stock's unbroken chains: ``_chain``, from 0."""
    day = pl.lit(pl.Series(trading_days, dtype=pl.Date)).search_sorted(pl.col("session")).cast(pl.Int64)
    rows = rows.with_columns(day.alias("_day"))
    apart = pl.col("_day") - pl.col("_day").shift(1).over("ts_code") > 1
    moved = (pl.col("pre_close") - pl.col("close").shift(1).over("ts_code")).abs() > HALF_TICK
    rows = rows.with_columns((apart & moved).fill_null(False).cast(pl.Int64).alias("_chain"))
    return rows.with_columns(pl.col("_chain").cum_sum().over("ts_code"))
