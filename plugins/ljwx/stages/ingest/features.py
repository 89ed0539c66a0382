"""The stage `features`: recompute from the first session whose bars have changed."""

from __future__ import annotations

import logging
from bisect import bisect_left
from collections.abc import Iterator
from datetime import date

import polars as pl

from ljwx.core.features import FEATURE_VERSION, LOOK_BACK, compute, segments
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.stages.ingest.chunks import Chunk
from ljwx.stages.runs import recorded_run
from ljwx.warehouse.market.revisions import Merged

log = logging.getLogger(__name__)

PART_ROWS = 150_000
"""Bars that are in memory at once; a stock's are never parted."""


def compute_features(chunks: list[dict[str, str]]) -> dict[str, int]:
    """Compute the features that the newest bars ask for.

    A session's features depend on the sessions before it, so everything from the first changed session on is
    computed again; rows that come out as they were are not touched.

    :param chunks: the ranges of `plan_ingest`; none where it only completed sessions that had been incomplete.
    :return: rows inserted and revised, and how many of the run's sessions are complete.
    """

    warehouse = WarehouseHook()
    parts = [Chunk.of_xcom(chunk) for chunk in chunks]
    given = {"first": f"{parts[0].first}", "last": f"{parts[-1].last}"} if parts else {}
    with (
        recorded_run(warehouse, **given) as run,
        warehouse.bars_lock(exclusive=True),
    ):
        stale, written = warehouse.stale_from(FEATURE_VERSION), Merged(0, 0)
        if stale is not None:
            written = warehouse.save_features(run.key, _features_from(warehouse, stale), FEATURE_VERSION, stale)
        sessions = warehouse.complete_sessions(parts[0].first, parts[-1].last) if parts else ()
        run.outputs |= {"inserted": written.inserted, "revised": written.revised, "sessions": len(sessions)}
        log.info("features from %s: %s", stale, run.outputs)
    return dict(run.outputs)


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
