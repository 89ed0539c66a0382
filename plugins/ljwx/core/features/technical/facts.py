"""The numbers of the technical indicators that a snapshot holds, and the levels and the range made of them.

Pure: nothing here may import airflow, HTTP or SQL.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import polars as pl

from ljwx.core.features.facts import Fact, Said, from_close, percent, rank, settled

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


def _fact(name: str, value: pl.Expr, decimals: int, said: Said, *names: str) -> Fact:
    return Fact("features", name, value, decimals, names, said=said)


def _share(name: str) -> pl.Expr:
    return percent(pl.col(name) / pl.col("close"))


def _lines() -> Iterator[Fact]:
    """Averages and bands, from the close; and what is a share of it."""

    def away(name: str, low: float, high: float, *names: str) -> Fact:
        return _fact(name, from_close(name), 1, Said("percent", "distance", (low, high)), *names)

    def of_close(name: str, most: float, *names: str) -> Fact:
        return _fact(name, _share(name), 2, Said("percent", usual=(-most, most)), *names)

    for n, low, high in ((5, -17.0, 20.0), (10, -27.0, 36.0), (20, -37.0, 62.0), (60, -54.0, 90.0)):
        yield away(f"ma_{n}", low, high, f"MA{n}", f"{n}日均线", f"{n}日线", f"{n}日均价")
    for n, low, high in ((12, -25.0, 37.0), (26, -36.0, 64.0)):
        yield away(f"ema_{n}", low, high, f"EMA{n}", f"{n}日指数均线")
    for name, word, low, high in (
        ("upper", "上", -10.0, 90.0),
        ("mid", "中", -37.0, 62.0),
        ("lower", "下", -72.0, 9.0),
    ):
        yield away(f"boll_{name}", low, high, f"{word}轨", f"布林{word}轨", f"布林带{word}轨")
    yield of_close("macd_dif", 15.0, "DIF", "DIF线", "DIF值", "快线")
    yield of_close("macd_dea", 15.0, "DEA", "DEA线", "DEA值", "慢线", "信号线", "MACD信号线")
    yield of_close("macd_hist", 13.0, "MACD", "MACD柱", "MACD值", "MACD柱状值", "MACD柱状图", "MACD柱体")
    yield _fact("atr_14", _share("atr_14"), 2, Said("percent", usual=(1.4, 13.0)), "ATR", "ATR14")


def _moves() -> Iterator[Fact]:
    for n, low, high in ((1, -10.1, 10.1), (5, -31.0, 50.0), (10, -40.0, 74.0), (20, -54.0, 95.0)):
        names = (f"{n}日{word}" for word in ("", "涨跌幅", "涨跌", "涨幅", "跌幅"))
        yield _fact(f"ret_{n}", percent(pl.col(f"ret_{n}")), 1, Said("percent", "move", (low, high)), *names)
    fall = Said("percent", "fall", (0.0, 83.0))
    yield _fact("drawdown_60", percent(pl.col("drawdown_60")), 1, fall, "回撤", "60日回撤", "回撤幅度", "60日回撤幅度")
    spread = Said("percent", usual=(0.2, 8.0))
    yield _fact(
        "vol_20",
        percent(pl.col("vol_20")),
        2,
        spread,
        "波动",
        "20日波动",
        "波动率",
        "20日波动率",
        "20日标准差",
        "20日收益率标准差",
    )


def _scores() -> Iterator[Fact]:
    def score(name: str, low: float, high: float, *names: str) -> Fact:
        return _fact(name, pl.col(name), 1, Said("score", usual=(low, high)), *names)

    yield score("rsi_14", 7.0, 92.0, "RSI", "RSI14", "相对强弱指标", "相对强弱指数", "14日相对强弱指标")
    for n, low, high in ((6, 1.0, 99.0), (12, 6.0, 94.0), (24, 11.0, 86.0)):
        yield score(f"rsi_{n}", low, high, f"RSI{n}")
    yield score("kdj_k", 0.9, 98.5, "K", "K值", "K线值", "KDJ的K值")
    yield score("kdj_d", 2.7, 96.0, "D", "D值", "D线", "D线值", "KDJ的D值")
    yield score("kdj_j", -20.0, 123.0, "J", "J值", "J线", "J线值", "KDJ的J值")
    yield score("adx_14", 8.0, 75.0, "ADX", "ADX14")
    yield score("cci_14", -284.0, 329.0, "CCI", "CCI14")
    yield score("williams_r_14", -99.9, -0.1, "威廉", "威廉指标", "威廉%R", "威廉14", "威廉指标14", "WR", "WR14")
    yield score("mfi_14", 0.1, 98.0, "MFI", "MFI14", "资金流量指标")


def _others() -> Iterator[Fact]:
    wide = Said("percent", usual=(1.0, 123.0))
    yield _fact("boll_width", pl.col("boll_width"), 1, wide, "带宽", "布林带宽", "布林带宽度")
    change = Said("percent", "move", (-44.0, 91.0))
    yield _fact(
        "roc_12", pl.col("roc_12"), 1, change, "动量", "12日动量", "ROC", "ROC12", "12日", "12日变动率", "12日变化率"
    )
    within = Said("fraction", usual=(-0.33, 1.4))
    yield _fact(
        "boll_pct_b",
        pl.col("boll_pct_b"),
        2,
        within,
        "布林",
        "布林位置",
        "布林带位置",
        "布林带内位置",
        "布林带中的位置",
        "布林%B",
        "%B",
    )
    yield _fact(
        "volume_ratio_5", pl.col("volume_ratio_5"), 2, Said("ratio", usual=(0.04, 7.8)), "量比", "5日均量", "前5日均量"
    )
    flow = Said("fraction", usual=(-0.65, 0.78))
    yield _fact("obv_flow_20", pl.col("obv_flow_20"), 2, flow, "资金", "资金流", "资金流向", "20日资金流")
    for n in (1, 5, 20):
        yield rank(f"ret_{n}", f"{n}日")
    yield rank("vol_20", "波动", "波动率", "20日波动", "20日波动率")


FACTS: Final = (*_lines(), *_moves(), *_scores(), *_others())
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
