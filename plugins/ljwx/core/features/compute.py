"""From bars to feature rows, all stocks and sessions in one pass.

Pure: nothing here may import airflow, HTTP or SQL.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

import numpy as np
import polars as pl

from ljwx.core.features.catalogue import FEATURES, Feature
from ljwx.core.features.indicators import INDICATORS
from ljwx.core.features.windows import Block, Column
from ljwx.exceptions import BadData

BLOCK_ROWS = 150_000
KEYS = ("ts_code", "session")
INPUTS = ("high", "low", "close", "vol", "adj_factor")


def compute(
    bars: pl.DataFrame,
    *,
    names: Sequence[str] | None = None,
    since: date | None = None,
    previous: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Compute feature rows, one for each bar, from bars of any number of stocks and sessions.

    A row depends on the stock's bars up to its own session only. A bar without a factor, or with a price that is not a
    positive number, has no adjusted price: its row is null, and the rows after it are computed as if the session had
    been a suspended one, that is without it.

    A daily run gives the last ``LOOK_BACK`` bars of each stock before ``since`` (its own bars: a suspended stock's
    reach further back) and the feature rows of the last session before, and gets what a pass over the whole history
    gives.

    :param bars: ts_code, session, high, low, close (raw, CNY), vol (lots), adj_factor; any order, further columns
        ignored.
    :param names: the wanted features; all by default.
    :param since: the first session whose rows are returned; bars before it are look-back.
    :param previous: ts_code, session, obv of one earlier row per stock, among the bars, from which OBV is continued.
    :return: ts_code, session and one f64 column per feature in the order of ``FEATURES``, sorted by the keys.
    :raises BadData: two bars with the same keys, or a previous row whose bar is not among the bars.
    """
    wanted = [feature for feature in FEATURES if names is None or feature.name in names]
    unknown = set(names or ()) - {feature.name for feature in wanted}
    if unknown:
        raise BadData(f"No such feature: {', '.join(sorted(unknown))}. FEATURES lists them.")
    rows = bars.select(*KEYS, *(pl.col(name).cast(pl.Float64) for name in INPUTS)).sort(KEYS)
    _refuse_duplicates(rows)
    if previous is not None:
        rows = _with_previous(rows, previous)
    usable = rows.filter(_usable())
    late = pl.lit(True) if since is None else pl.col("session") >= since
    parts = [_features(block, wanted, late) for block in _blocks(usable)]
    if usable.height == rows.height and parts:
        return pl.concat(parts)
    empty = pl.DataFrame(schema={"ts_code": pl.String, "session": pl.Date} | {f.name: pl.Float64 for f in wanted})
    features = pl.concat([empty, *parts])
    return rows.filter(late).select(KEYS).join(features, on=KEYS, how="left", maintain_order="left")


def _usable() -> pl.Expr:
    prices = (pl.col(name) for name in ("high", "low", "close", "adj_factor"))
    positive = pl.all_horizontal(price.is_finite() & (price > 0) for price in prices)
    return (positive & pl.col("vol").is_finite() & (pl.col("vol") >= 0)).fill_null(False)


def _refuse_duplicates(rows: pl.DataFrame) -> None:
    same = pl.all_horizontal(pl.col(key) == pl.col(key).shift(1) for key in KEYS)
    twice = rows.filter(same)
    if twice.height:
        raise BadData(f"{twice.height} bars have the keys of another one, the first {twice.row(0)[:2]}.")


def _with_previous(rows: pl.DataFrame, previous: pl.DataFrame) -> pl.DataFrame:
    known = previous.select(*KEYS, pl.col("obv").alias("_obv")).drop_nulls()
    lost = known.join(rows, on=KEYS, how="anti")
    if lost.height:
        raise BadData(f"{lost.height} previous feature rows have no bar to continue from, the first {lost.row(0)[:2]}.")
    return rows.join(known, on=KEYS, how="left", maintain_order="left")


def _blocks(rows: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Whole stocks, together about BLOCK_ROWS rows: columns stay in the processor's cache and memory stays flat."""
    starts = rows.select(pl.arg_where(pl.col("ts_code") != pl.col("ts_code").shift(1))).to_series().to_list()
    begin = 0
    for end in [*starts, rows.height]:
        if end - begin >= BLOCK_ROWS or end == rows.height:
            if end > begin:
                yield rows.slice(begin, end - begin)
            begin = end


def _features(rows: pl.DataFrame, wanted: Sequence[Feature], late: pl.Expr) -> pl.DataFrame:
    block = Block(rows)
    made: dict[str, Column] = {}
    for indicator, prefixes in INDICATORS.items():
        if any(feature.name.startswith(prefixes) for feature in wanted):
            made |= indicator(block)
    finished = [_finished(block, feature, made.pop(feature.name)) for feature in wanted]
    frame = rows.with_columns(finished)
    if "_obv" in rows.columns and "obv" in frame.columns:
        jump = (pl.col("_obv") - pl.col("obv")).drop_nulls().first().over("ts_code").fill_null(0.0)
        frame = frame.with_columns(pl.col("obv") + jump)
    return frame.filter(late).select(*KEYS, *(feature.name for feature in wanted))


def _finished(block: Block, feature: Feature, values: Column) -> pl.Series:
    if feature.price_like:
        values = values / block.factor
    values = np.where(block.position >= feature.warm_up - 1, values, np.nan)
    return pl.Series(feature.name, values, nan_to_null=True)
