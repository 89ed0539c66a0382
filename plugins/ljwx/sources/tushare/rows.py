"""TuShare's tables as canonical rows; what cannot be used is rejected with its reasons."""

from __future__ import annotations

import json
from collections.abc import Collection

import polars as pl

from ljwx.core.bars import SourceRows
from ljwx.core.bars import canonical as frames
from ljwx.core.features.money_flow import TABLE as MONEY_FLOWS
from ljwx.core.features.of_index import TABLE as INDEX_BARS
from ljwx.core.features.valuation import TABLE as VALUATIONS
from ljwx.sources.facts import positive, possible
from ljwx.sources.rows import Table, WireSchema, as_date, as_number, split_valid
from ljwx.sources.tushare.interfaces import BOUGHT, LARGE_BOUGHT, LARGE_SOLD
from ljwx.sources.tushare.interfaces import DAILY_BASIC as _RATIOS
from ljwx.sources.tushare.interfaces import INDEX_DAILY as _LEVELS
from ljwx.sources.tushare.interfaces import MONEYFLOW as _FLOWS

_BY_DAY = ("ts_code", "trade_date")
ADJ_FACTOR = WireSchema("adj_factor", _BY_DAY, ("trade_date",), ("adj_factor",), once=True)
STK_LIMIT = WireSchema("stk_limit", _BY_DAY, ("trade_date",), ("up_limit", "down_limit"), once=True)
SUSPEND_D = WireSchema(
    "suspend_d", (*_BY_DAY, "suspend_type"), ("trade_date",), kinds={"suspend_type": ("S", "R")}
)  # fmt: skip
DAILY_BASIC = WireSchema("daily_basic", _BY_DAY, ("trade_date",), _RATIOS[2:], once=True)
MONEYFLOW = WireSchema("moneyflow", _BY_DAY, ("trade_date",), _FLOWS[2:], once=True)
INDEX_DAILY = WireSchema("index_daily", _BY_DAY, ("trade_date",), _LEVELS[2:], once=True)
STOCK_BASIC = WireSchema("stock_basic", ("ts_code",), ("list_date", "delist_date"))
NAMECHANGE = WireSchema("namechange", ("ts_code", "name", "start_date"), ("start_date", "end_date", "ann_date"))
BSE_MAPPING = WireSchema("bse_mapping", ("o_code", "n_code"), ("list_date",), stock=None)
INDEX_WEIGHT = WireSchema(
    "index_weight", ("index_code", "con_code", "trade_date"), ("trade_date",), ("weight",), once=True, stock=None
)


def factors(wire: pl.DataFrame, days: Collection[str] | None) -> SourceRows:
    """Read adj_factor's rows of some days (YYYYMMDD; None is any)."""
    usable, rejected = split_valid(ADJ_FACTOR, wire, days)
    return SourceRows(_canonical(usable, frames.FACTORS), rejected)


def limits(wire: pl.DataFrame, days: Collection[str] | None) -> SourceRows:
    """Read stk_limit's rows of some days (YYYYMMDD; None is any)."""
    usable, rejected = split_valid(STK_LIMIT, wire, days)
    return SourceRows(_canonical(usable, frames.LIMITS), rejected)


def suspensions(wire: pl.DataFrame, days: Collection[str] | None) -> SourceRows:
    """Read suspend_d's rows of some days (YYYYMMDD; None is any)."""
    usable, rejected = split_valid(SUSPEND_D, wire, days)
    return SourceRows(_canonical(usable, frames.SUSPENSIONS, kind="suspend_type", timing="suspend_timing"), rejected)


def valuations(wire: pl.DataFrame, days: Collection[str] | None) -> SourceRows:
    """Read daily_basic's rows of some days (YYYYMMDD; None is any)."""
    usable, rejected = split_valid(DAILY_BASIC, wire, days)
    ratios = [positive(name).alias(name) for name in ("pe_ttm", "pb", "ps_ttm")]
    renamed = {"trade_date": "session", "turnover_rate": "turnover", "circ_mv": "float_value"}
    rows = usable.with_columns(ratios).rename(renamed).with_columns(as_date("session"))
    return possible(VALUATIONS, rows, rejected, "daily_basic")


def money_flows(wire: pl.DataFrame, days: Collection[str] | None) -> SourceRows:
    """Read moneyflow's rows of some days (YYYYMMDD; None is any)."""
    usable, rejected = split_valid(MONEYFLOW, wire, days)
    sums = {"large_bought": LARGE_BOUGHT, "large_sold": LARGE_SOLD, "traded": BOUGHT}
    rows = usable.with_columns(
        as_date("trade_date").alias("session"),
        *(pl.sum_horizontal(names, ignore_nulls=False).alias(name) for name, names in sums.items()),
    )
    return possible(MONEY_FLOWS, rows, rejected, "moneyflow")


def index_bars(wire: pl.DataFrame, index_code: str, days: Collection[str] | None) -> SourceRows:
    """Read index_daily's rows of some days (YYYYMMDD; None is any); those of another index are rejected."""
    usable, rejected = split_valid(INDEX_DAILY, wire, days, kinds={"ts_code": (index_code,)})
    return possible(INDEX_BARS, usable.with_columns(as_date("trade_date").alias("session")), rejected, "index_daily")


def instruments(wire: pl.DataFrame) -> SourceRows:
    """Read stock_basic's rows, of all list states one after the other."""
    usable, rejected = split_valid(STOCK_BASIC, wire)
    return SourceRows(_canonical(usable, frames.INSTRUMENTS), rejected)


def names(wire: pl.DataFrame) -> SourceRows:
    """Read namechange's rows."""
    usable, rejected = split_valid(NAMECHANGE, wire)
    return SourceRows(_canonical(usable, frames.NAMES), rejected)


def renames(wire: pl.DataFrame) -> SourceRows:
    """Read bse_mapping's rows."""
    usable, rejected = split_valid(BSE_MAPPING, wire)
    return SourceRows(_canonical(usable, frames.RENAMES, ts_code="o_code", renamed_to="n_code"), rejected)


def members(wire: pl.DataFrame, index_code: str) -> SourceRows:
    """Read index_weight's rows; those of another index than the one asked for are rejected."""
    usable, rejected = split_valid(INDEX_WEIGHT, wire, kinds={"index_code": (index_code,)})
    lists = _canonical(usable, frames.MEMBERS, ts_code="con_code")
    return SourceRows(lists.sort("index_code", "session", "ts_code"), rejected)


def calendar(table: Table) -> pl.DataFrame:
    """Read trade_cal's rows: 1 is open, 0 is closed, and anything else is not known."""
    day_at, open_at = (table.fields.index(name) for name in ("cal_date", "is_open"))
    days = pl.DataFrame({"day": [str(row[day_at]) for row in table.rows]}, schema={"day": pl.String})
    given = [row[open_at] for row in table.rows]
    return days.select(
        as_date("day").alias("session"),
        pl.Series("is_open", [_is_open(value) for value in given], dtype=pl.Boolean),
        pl.Series(frames.RAW, [json.dumps(value, ensure_ascii=False) for value in given], dtype=pl.String),
    )


def _is_open(value: object) -> bool | None:
    return True if value == 1 else False if value == 0 else None


def _canonical(wire: pl.DataFrame, schema: pl.Schema, **names: str) -> pl.DataFrame:
    """Take the schema's columns with its types.

    :param names: canonical column → the wire's name of it, where that is another; session is trade_date.
    """
    names = {"session": "trade_date", **names}
    return wire.select(_typed(names.get(name, name), dtype).alias(name) for name, dtype in schema.items())


def _typed(column: str, dtype: pl.DataType) -> pl.Expr:
    if dtype == pl.Date:
        return as_date(column)
    return as_number(column) if dtype == pl.Float64 else pl.col(column).cast(pl.String)
