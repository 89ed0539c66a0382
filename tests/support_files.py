"""The small market's tables as files, as somebody would have downloaded them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import polars as pl
import pytest

from ljwx.sources.tushare import interfaces
from support_chain import FIRST, LAST
from support_tushare import TushareServer

DAYS = {"start_date": FIRST.replace("-", ""), "end_date": LAST.replace("-", "")}
STATES = {"list_status": ",".join(interfaces.LIST_STATES)}
ASKED = {
    "daily": (interfaces.DAILY, DAYS), "adj_factor": (interfaces.ADJ_FACTOR, DAYS),
    "stk_limit": (interfaces.STK_LIMIT, DAYS), "suspend_d": (interfaces.SUSPEND, DAYS),
    "stock_basic": (interfaces.STOCKS, STATES), "namechange": (interfaces.NAMES, {}),
    "bse_mapping": (interfaces.BSE_MAPPING, {}),
}  # fmt: skip
Tables = Mapping[str, pl.DataFrame]
Write = Callable[..., Path]


@pytest.fixture(scope="session")
def tables(market_process: TushareServer) -> Tables:
    """Every table of the small market from FIRST to LAST, in TuShare's columns."""
    market_process.faults()
    found = {
        name: market_process.rows(name, fields=",".join(fields), **params) for name, (fields, params) in ASKED.items()
    }
    return {
        name: pl.DataFrame(
            rows, schema=None if rows else dict.fromkeys(ASKED[name][0], pl.String), infer_schema_length=None
        )
        for name, rows in found.items()
    }


def month(tables: Tables, *, of: str = "202603") -> dict[str, pl.DataFrame]:
    """Return the tables with the days of a month alone."""
    chosen = pl.col("trade_date").str.starts_with(of)
    return {name: frame.filter(chosen) if "trade_date" in frame.columns else frame for name, frame in tables.items()}


def write_files(folder: Path, tables: Tables, suffix: str = ".parquet") -> Path:
    """Write a file a table, and return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, frame in tables.items():
        if suffix == ".csv":
            frame.write_csv(folder / f"{name}.csv")
        else:
            frame.write_parquet(folder / f"{name}.parquet")
    return folder
