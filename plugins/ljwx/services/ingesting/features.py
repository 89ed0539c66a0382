"""Features, computed again from the first session on whose bars have changed."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from datetime import date

import polars as pl

from ljwx.core.features import FEATURE_VERSION, LOOK_BACK, compute, segments
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.warehouse.market.revisions import Merged

PART_ROWS = 150_000
"""Bars that are in memory at once; a stock's are never parted."""


def write_features(warehouse: WarehouseHook, run_key: int) -> tuple[date | None, Merged]:
    """Write the features that the newest bars ask for; return from which session on, None for none, and the rows.

    A session's features depend on the sessions before it, so everything from the first changed session on is
    computed again; rows that come out as they were are not touched. The caller holds the exclusive `bars_lock`.
    """
    stale = warehouse.stale_from(FEATURE_VERSION)
    if stale is None:
        return None, Merged(0, 0)
    return stale, warehouse.save_features(run_key, _features_from(warehouse, stale), FEATURE_VERSION, stale)


def _features_from(warehouse: WarehouseHook, since: date) -> Iterator[pl.DataFrame]:
    """Yield the feature rows of every complete session from `since` on, as a full pass would give them.

    A part holds all sessions of some stocks: memory does not grow with the sessions.
    """

    complete = warehouse.complete_sessions()
    holes = sorted(set(warehouse.trading_days(complete[0], complete[-1])) - set(complete))
    codes = warehouse.codes()
    stocks = warehouse.instruments().select(codes.stock()).to_series().unique().sort().to_list()
    previous = codes.as_stocks(warehouse.running_before(FEATURE_VERSION, since)).sort("ts_code", "session")
    previous = previous.unique("ts_code", keep="last")
    begin = max(0, bisect_left(complete, since) - LOOK_BACK)
    for group in _groups(stocks, len(complete) - begin):
        bars = warehouse.bars_with_look_back(since, LOOK_BACK, codes.all_of(group), codes)
        for piece in segments(bars, holes):
            earlier = previous.join(piece, on=["ts_code", "session"], how="semi")
            rows = codes.as_traded(compute(piece, since=since, previous=earlier), bars)
            yield rows.with_columns(feature_version=pl.lit(FEATURE_VERSION))


def _groups(stocks: list[str], sessions: int) -> Iterator[list[str]]:
    size = max(1, PART_ROWS // sessions)
    return (stocks[start : start + size] for start in range(0, len(stocks), size))
