"""Name and industry of a stock as known at the close of a session, and its board, which follows from its code.

Pure: never imports airflow, an HTTP client or a database driver.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from ljwx.core.bars.codes import Codes
from ljwx.core.bars.limits import board
from ljwx.core.bars.names import ORDER
from ljwx.core.bars.reference import BOARDS

UNKNOWN: Final = "未知"


def with_profile(rows: pl.DataFrame, names: pl.DataFrame | None, industries: pl.DataFrame | None) -> pl.DataFrame:
    """Add name, board and industry to rows in (ts_code, session) order.

    A name holds from the day on which it began, also where it was announced later; an industry from the day on which it
    was first seen. Before its first name a stock is called by its code, and before its first industry that is unknown.

    :param names: ts_code, name, start_date and perhaps ann_date of each period (TuShare ``namechange``). Of two that
        begin on one day the one of ``names.ORDER`` holds.
    :param industries: ts_code, industry, start_date: the day in Shanghai on which it was first seen.
    """
    rows = as_of(as_of(rows, names, "name"), industries, "industry")
    return rows.with_columns(
        name=pl.coalesce("name", "ts_code"),
        industry=pl.col("industry").fill_null(UNKNOWN),
        board=board().replace_strict(BOARDS, return_dtype=pl.String),
    )


def of_stocks(periods: pl.DataFrame | None, codes: Codes) -> pl.DataFrame | None:
    """Put the newest code of its stock into each period: what a stock was under an old code, it was."""
    return None if periods is None else periods.with_columns(ts_code=codes.stock())


def as_of(rows: pl.DataFrame, periods: pl.DataFrame | None, what: str) -> pl.DataFrame:
    """Add the value of the newest period that began on or before each row's session."""
    if periods is None:
        return rows.with_columns(pl.lit(None, pl.String).alias(what))
    order = [name for name in (*ORDER[:-1], what) if name in periods.columns]
    begun = periods.drop_nulls(["ts_code", "start_date"]).sort(order).select("ts_code", "start_date", what)
    return rows.join_asof(begun, left_on="session", right_on="start_date", by="ts_code", check_sortedness=False).drop(
        "start_date", strict=False
    )
