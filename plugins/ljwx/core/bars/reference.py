"""Instruments, suspensions and indexes from a source. Pure: nothing here may import airflow, HTTP or SQL."""

from __future__ import annotations

import datetime as dt

import polars as pl

from ljwx.core.bars.limits import board

BOARDS = {"main": "主板", "chinext": "创业板", "star": "科创板", "bse": "北交所"}
WEIGHT_LACK = 2.0
"""Per cent by which the weights of a whole list may miss 100: they are rounded, and the source promises no sum."""
EXCHANGES = {"SH": "SSE", "SZ": "SZSE", "BJ": "BSE"}


def instruments(fetched: pl.DataFrame) -> pl.DataFrame:
    """Take each stock once, by its last row, sorted by ts_code.

    :param fetched: columns of ``canonical.INSTRUMENTS``, one list state after the other.
    """
    return fetched.unique(subset="ts_code", keep="last", maintain_order=True).sort("ts_code")


def instruments_seen(bars: pl.DataFrame) -> pl.DataFrame:
    """Take from bars what a code alone says of a stock, for a source without a list of instruments.

    :return: ts_code, market (the board's Chinese name), exchange; sorted. When a stock was listed, what it is
        called and what it does are not known.
    """
    return with_board(bars.select(pl.col("ts_code").unique()).sort("ts_code"))


def with_board(stocks: pl.DataFrame) -> pl.DataFrame:
    """Add market and exchange, which follow from ts_code."""
    exchange = pl.col("ts_code").str.slice(-2).replace_strict(EXCHANGES, default=None, return_dtype=pl.String)
    return stocks.with_columns(
        board().replace_strict(BOARDS, return_dtype=pl.String).alias("market"), exchange.alias("exchange")
    )


def suspensions(fetched: pl.DataFrame) -> pl.DataFrame:
    """Keep the suspensions of whole days: one with a time trades in the rest of the day.

    :param fetched: columns of ``canonical.SUSPENSIONS``.
    :return: ts_code, session.
    """
    whole = (pl.col("kind") == "S") & pl.col("timing").is_null()
    return fetched.filter(whole).select("ts_code", "session").unique()


def whole_lists(members: pl.DataFrame, rejected: pl.DataFrame) -> tuple[pl.DataFrame, list[dt.date]]:
    """Separate lists that came as a whole from those that did not: a list is taken entirely or not at all.

    Whole is a list of which no row was rejected, and whose weights sum to 100 % but for ``WEIGHT_LACK``: who is not in
    it is no member.

    :param members: columns of ``canonical.MEMBERS``.
    :param rejected: rejected rows of the same answer.
    :return: the members of whole lists, and the days of the others.
    """
    sums = members.group_by("session").agg(pl.col("weight").sum())
    odd = sums.filter((pl.col("weight") - 100).abs() > WEIGHT_LACK)["session"]
    days = sorted({*odd, *rejected["session"].drop_nulls()})
    return members.filter(~pl.col("session").is_in(days)), days
