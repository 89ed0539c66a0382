"""From bars to feature rows, all stocks and sessions in one pass.

Pure: nothing here may import airflow, HTTP or SQL.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

import numpy as np
import polars as pl

from ljwx.core.features.group import Feature, FeatureGroup
from ljwx.core.features.windows import BLOCK_INPUTS, Block, Column
from ljwx.exceptions import BadData

BLOCK_ROWS = 150_000
KEYS = ("ts_code", "session")


def computed(
    bars: pl.DataFrame,
    groups: Sequence[FeatureGroup],
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

    :param bars: ts_code, session, BLOCK_INPUTS (raw prices in CNY, vol in lots) and the inputs of the groups; any
        order, further columns ignored.
    :param names: the wanted features; all of the groups by default.
    :param since: the first session whose rows are returned; bars before it are look-back.
    :param previous: ts_code, session and the running features of one earlier row per stock, among the bars, from which
        those are continued.
    :return: ts_code, session and one f64 column per feature in the order of the groups, sorted by the keys.
    :raises BadData: two bars with the same keys, or a previous row whose bar is not among the bars.
    """
    wanted = _wanted(groups, names)
    used = [group for group in groups if any(feature in wanted for feature in group.features)]
    columns = dict.fromkeys((*BLOCK_INPUTS, *(name for group in used for name in group.inputs)))
    rows = bars.select(*KEYS, *(pl.col(name).cast(pl.Float64) for name in columns)).sort(KEYS)
    _refuse_duplicates(rows)
    running = [feature.name for feature in wanted if feature.running] if previous is not None else []
    if previous is not None:
        rows = _with_previous(rows, previous, running)
    usable = rows.filter(_usable())
    late = pl.lit(True) if since is None else pl.col("session") >= since
    parts = [_features(block, used, wanted, running).filter(late) for block in _blocks(usable)]
    if usable.height == rows.height and parts:
        return pl.concat(parts)
    empty = pl.DataFrame(schema={"ts_code": pl.String, "session": pl.Date} | {f.name: pl.Float64 for f in wanted})
    features = pl.concat([empty, *parts])
    return rows.filter(late).select(KEYS).join(features, on=KEYS, how="left", maintain_order="left")


def _wanted(groups: Sequence[FeatureGroup], names: Sequence[str] | None) -> list[Feature]:
    features = [feature for group in groups for feature in group.features]
    wanted = [feature for feature in features if names is None or feature.name in names]
    unknown = set(names or ()) - {feature.name for feature in wanted}
    if unknown:
        there = ", ".join(feature.name for feature in features)
        raise BadData(f"No such feature: {', '.join(sorted(unknown))}. There is: {there}.")
    return wanted


def _usable() -> pl.Expr:
    prices = (pl.col(name) for name in ("high", "low", "close", "adj_factor"))
    positive = pl.all_horizontal(price.is_finite() & (price > 0) for price in prices)
    return (positive & pl.col("vol").is_finite() & (pl.col("vol") >= 0)).fill_null(False)


def _refuse_duplicates(rows: pl.DataFrame) -> None:
    same = pl.all_horizontal(pl.col(key) == pl.col(key).shift(1) for key in KEYS)
    twice = rows.filter(same)
    if twice.height:
        raise BadData(f"{twice.height} bars have the keys of another one, the first {twice.row(0)[:2]}.")


def _with_previous(rows: pl.DataFrame, previous: pl.DataFrame, running: Sequence[str]) -> pl.DataFrame:
    """Add ``_<name>``, the stored value of each running feature, in the row that it is of."""
    stored = previous.select(*KEYS, *(pl.col(name).alias(f"_{name}") for name in running)).drop_nulls()
    lost = stored.join(rows, on=KEYS, how="anti")
    if lost.height:
        raise BadData(f"{lost.height} previous feature rows have no bar to continue from, the first {lost.row(0)[:2]}.")
    return rows.join(stored, on=KEYS, how="left", maintain_order="left")


def _blocks(rows: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Whole stocks, together about BLOCK_ROWS rows: columns stay in the processor's cache and memory stays flat."""
    starts = rows.select(pl.arg_where(pl.col("ts_code") != pl.col("ts_code").shift(1))).to_series().to_list()
    begin = 0
    for end in [*starts, rows.height]:
        if end - begin >= BLOCK_ROWS or end == rows.height:
            if end > begin:
                yield rows.slice(begin, end - begin)
            begin = end


def _features(
    rows: pl.DataFrame, groups: Sequence[FeatureGroup], wanted: Sequence[Feature], running: Sequence[str]
) -> pl.DataFrame:
    block = Block(rows)
    made: dict[str, Column] = {}
    for group in groups:
        own = [feature for feature in wanted if feature in group.features]
        for indicator, prefixes in group.indicators.items():
            if any(feature.name.startswith(prefixes) for feature in own):
                made |= indicator(block)
    frame = rows.with_columns(_finished(block, feature, made.pop(feature.name)) for feature in wanted)
    continued = [pl.col(name) + _jump(name) for name in running]
    return frame.with_columns(continued).select(*KEYS, *(feature.name for feature in wanted))


def _jump(name: str) -> pl.Expr:
    """What a running feature lacks of the stored value, in the row that has one."""
    return (pl.col(f"_{name}") - pl.col(name)).drop_nulls().first().over("ts_code").fill_null(0.0)


def _finished(block: Block, feature: Feature, values: Column) -> pl.Series:
    if feature.price_like:
        values = values / block.factor
    values = np.where(block.position >= feature.warm_up - 1, values, np.nan)
    return pl.Series(feature.name, values, nan_to_null=True)
