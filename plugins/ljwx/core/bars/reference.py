"""Instruments, suspensions, names and indexes from the wire. Pure: nothing here may import airflow, HTTP or SQL."""

from __future__ import annotations

import datetime as dt

import polars as pl

from ljwx.core.bars.frame import as_number, session_of
from ljwx.core.bars.limits import board

TEXTS = ("ts_code", "name", "industry", "market", "exchange", "list_status")
BOARDS = {"main": "主板", "chinext": "创业板", "star": "科创板", "bse": "北交所"}
WEIGHT_LACK = 2.0
"""Per cent by which the weights of a whole list may miss 100: they are rounded, and the source promises no sum."""
EXCHANGES = {"SH": "SSE", "SZ": "SZSE", "BJ": "BSE"}


def instruments(stock_basic: pl.DataFrame) -> pl.DataFrame:
    """Turn stock_basic's answers (all list states, one after the other), as ``sift`` keeps them, into instruments.

    :return: ts_code, name, industry, market, exchange, list_status, list_date, delist_date (null while listed), by
        ts_code.
    """
    dates = (session_of(name).alias(name) for name in ("list_date", "delist_date"))
    frame = stock_basic.select(*(pl.col(name).cast(pl.String) for name in TEXTS), *dates)
    return frame.unique(subset="ts_code", keep="last", maintain_order=True).sort("ts_code")


def instruments_seen(bars: pl.DataFrame) -> pl.DataFrame:
    """Tell what a bar's code alone says of a stock, for a tier without stock_basic.

    :return: ts_code, market (the board as stock_basic names it), exchange; sorted. When a stock was listed, what it is
        called and what it does are not known.
    """
    exchange = pl.col("ts_code").str.slice(-2).replace_strict(EXCHANGES, default=None, return_dtype=pl.String)
    return (
        bars.select(pl.col("ts_code").unique())
        .sort("ts_code")
        .with_columns(
            board().replace_strict(BOARDS, return_dtype=pl.String).alias("market"), exchange.alias("exchange")
        )
    )


def suspensions(suspend_d: pl.DataFrame) -> pl.DataFrame:
    """Keep the suspensions of whole days: type S without a time of day (one with a time trades in the rest of the day).

    :return: ts_code, session.
    """
    whole = (pl.col("suspend_type") == "S") & pl.col("suspend_timing").cast(pl.String).is_null()
    return (
        suspend_d.filter(whole)
        .select(pl.col("ts_code").cast(pl.String), session_of("trade_date").alias("session"))
        .unique()
    )


def index_members(index_weight: pl.DataFrame) -> pl.DataFrame:
    """Turn index_weight's answers, as ``sift`` keeps them, into lists of members.

    :return: index_code, session (the list's day), ts_code, weight (per cent, perhaps null), sorted.
    """
    return index_weight.select(
        pl.col("index_code").cast(pl.String),
        session_of("trade_date").alias("session"),
        pl.col("con_code").cast(pl.String).alias("ts_code"),
        as_number("weight"),
    ).sort("index_code", "session", "ts_code")


def whole_lists(members: pl.DataFrame, refused: pl.DataFrame) -> tuple[pl.DataFrame, list[dt.date]]:
    """Part lists that came as a whole from those that did not: a list is taken entirely or not at all.

    Whole is a list of which no row was refused, and whose weights sum to 100 % but for ``WEIGHT_LACK``: who is not in
    it is no member.

    :param members: what ``index_members`` returns.
    :param refused: what ``sift`` refused of the same answer.
    :return: the members of whole lists, and the days of the others.
    """
    sums = members.group_by("session").agg(pl.col("weight").sum())
    odd = sums.filter((pl.col("weight") - 100).abs() > WEIGHT_LACK)["session"]
    days = sorted({*odd, *refused["session"].drop_nulls()})
    return members.filter(~pl.col("session").is_in(days)), days


def name_periods(namechange: pl.DataFrame) -> pl.DataFrame:
    """Turn namechange's answers, as ``sift`` keeps them, into names over time.

    namechange repeats rows, once with and once without an end: the end is taken where any repeat has one.

    :return: ts_code, name, start_date, end_date (the last day; null while it lasts), ann_date, change_reason, sorted.
    """
    dates = (session_of(name).alias(name) for name in ("start_date", "end_date", "ann_date"))
    texts = (pl.col(name).cast(pl.String) for name in ("ts_code", "name", "change_reason"))
    keys = ("ts_code", "start_date", "name")
    periods = namechange.select(*texts, *dates)
    return periods.group_by(keys).agg(pl.col("end_date", "ann_date", "change_reason").max()).sort(keys)


def special_treatment(periods: pl.DataFrame) -> pl.DataFrame:
    """Find the periods in which a stock's name said ST or *ST.

    :param periods: ts_code, name, start_date, end_date, as ``name_periods`` makes them.
    :return: ts_code, start_date, end_date (the last day; null while it lasts), sorted.
    """
    named = periods.filter(pl.col("name").str.contains("ST", literal=True))
    return named.select("ts_code", "start_date", "end_date").sort("ts_code", "start_date")
