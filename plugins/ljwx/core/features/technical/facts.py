"""The numbers of the technical indicators that a snapshot holds, and the levels and the range made of them.

Pure: nothing here may import airflow, HTTP or SQL.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import polars as pl

from ljwx.core.features.facts import Fact, from_close, percent, rank, settled

LEVEL_STEP: Final = 0.5
"""Support and resistance are given in half percents of the close …"""
LEVEL_LIMIT: Final = 15.0
"""… up to this many percent of it."""
RANGE_LIMIT: Final = 40
"""Percent to either side of the close, at most."""

_LEVELS: Final = ("ma_5", "ma_10", "ma_20", "ma_60", "boll_upper", "boll_mid", "boll_lower")
_FLOW_WINDOW: Final = 20


def _derived() -> dict[str, pl.Expr]:
    stock = "ts_code"
    macd, kdj = pl.col("macd_dif") - pl.col("macd_dea"), pl.col("kdj_k") - pl.col("kdj_d")
    moved = (pl.col("obv") - pl.col("obv").shift(1)).over(stock)
    flow = moved.rolling_sum(_FLOW_WINDOW).over(stock)
    all_flow = moved.abs().rolling_sum(_FLOW_WINDOW).over(stock)
    return {
        "macd_gap": macd,
        "macd_gap_previous": macd.shift(1).over(stock),
        "kdj_gap": kdj,
        "kdj_gap_previous": kdj.shift(1).over(stock),
        "obv_flow_20": pl.when(all_flow > 0).then(flow / all_flow).otherwise(pl.when(all_flow.is_not_null()).then(0.0)),
        "atr_share": pl.col("atr_14") / pl.col("close"),
    }


DERIVED: Final = _derived()
"""Columns that facts and signals read beside the features."""
NEEDED: Final = ("macd_gap_previous", "kdj_gap_previous")
"""Without the row before, no crossing can be seen."""


def _facts() -> Iterator[Fact]:
    def fact(name: str, value: pl.Expr, decimals: int, *names: str) -> Fact:
        return Fact("features", name, value, decimals, names)

    def of_close(name: str, *names: str) -> Fact:
        return fact(name, percent(pl.col(name) / pl.col("close")), 2, *names)

    def as_it_is(name: str, decimals: int, *names: str) -> Fact:
        return fact(name, pl.col(name), decimals, *names)

    for n in (5, 10, 20, 60):
        yield fact(f"ma_{n}", from_close(f"ma_{n}"), 1, f"MA{n}")
    for n in (12, 26):
        yield fact(f"ema_{n}", from_close(f"ema_{n}"), 1, f"EMA{n}")
    for name in ("boll_upper", "boll_mid", "boll_lower"):
        yield fact(name, from_close(name), 1)
    yield of_close("macd_dif", "DIF")
    yield of_close("macd_dea", "DEA")
    yield of_close("macd_hist", "MACD")
    yield of_close("atr_14", "ATR")
    for n in (1, 5, 10, 20):
        names = (f"{n}日{word}" for word in ("", "涨跌幅", "涨跌", "涨幅"))
        yield fact(f"ret_{n}", percent(pl.col(f"ret_{n}")), 1, *names)
    yield fact("drawdown_60", percent(pl.col("drawdown_60")), 1, "回撤", "60日回撤")
    yield fact("vol_20", percent(pl.col("vol_20")), 2, "波动", "20日波动")
    yield as_it_is("rsi_14", 1, "RSI", "RSI14")
    for n in (6, 12, 24):
        yield as_it_is(f"rsi_{n}", 1, f"RSI{n}")
    yield as_it_is("kdj_k", 1, "K")
    yield as_it_is("kdj_d", 1, "D")
    yield as_it_is("kdj_j", 1, "J")
    yield as_it_is("adx_14", 1, "ADX")
    yield as_it_is("cci_14", 1, "CCI")
    yield as_it_is("williams_r_14", 1, "威廉")
    yield as_it_is("mfi_14", 1, "MFI")
    yield as_it_is("boll_width", 1, "带宽")
    yield as_it_is("roc_12", 1, "动量")
    yield as_it_is("boll_pct_b", 2, "布林")
    yield as_it_is("volume_ratio_5", 2, "量比")
    yield as_it_is("obv_flow_20", 2, "资金")
    for n in (1, 5, 20):
        yield rank(f"ret_{n}", f"{n}日")
    yield rank("vol_20", "波动")


FACTS: Final = tuple(_facts())
"""Every number, with what prose calls it."""


def nearest_level(*, below: bool) -> pl.Expr:
    """Nearest average or band below (above) the close, percent of the close in half percents; null when there is none.

    A level nearer than half a step is where the price stands and counts as neither.
    """
    distances = [from_close(name) for name in _LEVELS]
    near = LEVEL_STEP / 2
    side = [pl.when(d < -near if below else d > near).then(d) for d in distances]
    nearest = pl.max_horizontal(side) if below else pl.min_horizontal(side)
    stepped = (nearest / LEVEL_STEP).round(0) * LEVEL_STEP
    return stepped.clip(-LEVEL_LIMIT, LEVEL_LIMIT)


def expected_range(horizon: int) -> pl.Expr:
    """Percent that the price moves to either side within the horizon, as its volatility of 20 sessions has it."""
    percents: pl.Expr = settled(pl.col("vol_20") * (100 * horizon**0.5)).round(0).clip(1, RANGE_LIMIT).cast(pl.Int64)
    return percents
