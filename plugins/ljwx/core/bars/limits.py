"""Daily price limits by board and date. Pure: nothing here may import airflow, HTTP or SQL.

A limit price is ``pre_close * (1 ± percent)`` rounded half up to 0.01, in integers of 0.01: binary fractions and
round-half-even get about 3 % of real rows wrong.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

import polars as pl

CHINEXT_20_FROM = date(2020, 8, 24)
MAIN_ST_10_FROM = date(2026, 7, 6)
TICK = 0.01
"""The smallest step of a price, CNY."""
UNLIMITED_SESSIONS = 5
UNLIMITED_SESSIONS_BSE = 1


def limit_price(pre_close: float, percent: int) -> float:
    """Limit price in CNY.

    :param pre_close: reference price in CNY, whole hundredths.
    :param percent: signed, 10 for the upper and -10 for the lower limit of 10 %.
    """
    return ((round(pre_close * 100) * (100 + percent) + 50) // 100) / 100


def board() -> pl.Expr:
    """Board of ``ts_code`` by its number: main, chinext, star or bse."""
    code = pl.col("ts_code")
    return (
        pl.when(code.str.ends_with(".BJ"))
        .then(pl.lit("bse"))
        .when(code.str.starts_with("688") | code.str.starts_with("689"))
        .then(pl.lit("star"))
        .when(code.str.starts_with("30"))
        .then(pl.lit("chinext"))
        .otherwise(pl.lit("main"))
    )


def limit_percent(st: pl.Expr) -> pl.Expr:
    """Daily limit in percent by ``ts_code`` and ``session``.

    :param st: whether the stock is under special treatment that day; it narrowed the limit to 5 % where the limit was
        10 %.
    """
    day, place = pl.col("session"), board()
    wide_chinext = (place == "chinext") & (day >= CHINEXT_20_FROM)
    narrow = st & ((place == "main") & (day < MAIN_ST_10_FROM) | (place == "chinext") & ~wide_chinext)
    return (
        pl.when(place == "bse")
        .then(30)
        .when((place == "star") | wide_chinext)
        .then(20)
        .when(narrow)
        .then(5)
        .otherwise(10)
        .cast(pl.Int64)
    )


def limit_band(percent: pl.Expr) -> tuple[pl.Expr, pl.Expr]:
    """Lower and upper limit price by ``pre_close``; null where pre_close is not a number.

    :param percent: unsigned, as ``limit_percent`` gives it.
    """
    pre_close = pl.col("pre_close")
    fen = pl.when(pre_close.is_finite()).then(pre_close * 100).round().cast(pl.Int64)
    # polars divides by a constant through its reciprocal, which misses the nearest number; rounding finds it again.
    lower, upper = (((fen * (100 + change) + 50) // 100 / 100).round(2) for change in (-percent, percent))
    return lower, upper


def unlimited(age: pl.Expr) -> pl.Expr:
    """Whether a stock trades without limit in its ``age``-th session since its listing, 0 being the first."""
    return age < pl.when(board() == "bse").then(UNLIMITED_SESSIONS_BSE).otherwise(UNLIMITED_SESSIONS)


def within_widest_limit(ts_code: str, session: date, pre_close: float, prices: Iterable[object]) -> bool:
    """Say whether a seasoned stock's prices are inside the widest band that its board has on that day.

    :param prices: in CNY; what is no number is passed over.
    """
    if ts_code.endswith(".BJ"):
        percent = 30
    elif ts_code.startswith(("688", "689")) or (ts_code.startswith("30") and session >= CHINEXT_20_FROM):
        percent = 20
    else:
        percent = 10
    lower, upper = limit_price(pre_close, -percent), limit_price(pre_close, percent)
    return all(lower <= price <= upper for price in prices if isinstance(price, float))
