"""Name and industry of a stock as known at the close of a session, and its board, which follows from its code.

Pure: never imports airflow, an HTTP client or a database driver.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from ljwx.core.bars.limits import board
from ljwx.core.bars.reference import BOARDS

UNKNOWN: Final = "未知"


def with_profile(rows: pl.DataFrame, names: pl.DataFrame | None, industries: pl.DataFrame | None) -> pl.DataFrame:
    """Add name, board and industry to rows in (ts_code, session) order.

    What became known after a session is not used for it: before its first name a stock is called by its code, and
    before its first industry that is unknown.

    :param names: ts_code, name, start_date of each period (TuShare ``namechange``).
    :param industries: ts_code, industry, start_date: the day in Shanghai on which it was first seen.
    """
    rows = _as_of(_as_of(rows, names, "name"), industries, "industry")
    return rows.with_columns(
        name=pl.coalesce("name", "ts_code"),
        industry=pl.col("industry").fill_null(UNKNOWN),
        board=board().replace_strict(BOARDS, return_dtype=pl.String),
    )


def _as_of(rows: pl.DataFrame, periods: pl.DataFrame | None, what: str) -> pl.DataFrame:
    """Add the value of the newest period that began on or before each row's session."""
    if periods is None:
        return rows.with_columns(pl.lit(None, pl.String).alias(what))
    begun = periods.select("ts_code", "start_date", what).drop_nulls(["ts_code", "start_date"]).sort("start_date", what)
    return rows.join_asof(begun, left_on="session", right_on="start_date", by="ts_code", check_sortedness=False).drop(
        "start_date", strict=False
    )
