"""The signals of the technical indicators: which words their values get, and how they vote.

Pure: nothing here may import airflow, HTTP or SQL.
"""

from __future__ import annotations

from typing import Final

from ljwx.core.features.signals import Condition, Signal, State, above, below, cross, ordered


def _strength(column: str) -> tuple[State, ...]:
    return (
        above(column, 80, "超买", "overbought"),
        above(column, 50, "偏强", "strong", 1),
        above(column, 20, "偏弱", "weak", -1),
        State("超卖", "oversold"),
    )


def _move(sessions: int, large: float, small: float, *also: str) -> Signal:
    column = f"ret_{sessions}"
    states = (
        above(column, large, "大涨", "large rise").in_classes("up"),
        above(column, small, "上涨", "rise").in_classes("up"),
        below(column, -large, "大跌", "large fall").in_classes("down"),
        below(column, -small, "下跌", "fall").in_classes("down"),
        State("持平", "little changed").in_classes("flat"),
    )
    return Signal(column, f"{sessions}日", f"return over {sessions} sessions", states, also)


_MAS: Final = ("ma_5", "ma_10", "ma_20", "ma_60")

STATES: Final[tuple[Signal, ...]] = (
    Signal(
        "rsi",
        "RSI",
        "relative strength over 14 sessions",
        _strength("rsi_14"),
        also=("RSI14",),
    ),
    Signal(
        "macd",
        "MACD",
        "DIF against DEA, and whether they crossed this session",
        (
            *cross("macd_gap", "macd_gap_previous"),
            State("多头", "above its signal", 1, (Condition("macd_gap", ">", 0.0),)),
            State("空头", "below its signal", -1, (Condition("macd_gap", "<", 0.0),)),
            State("持平", "level"),
        ),
        also=("DIF", "DEA"),
    ),
    Signal(
        "ma",
        "均线",
        "order of the 5, 10, 20 and 60 session averages",
        (
            State("多头排列", "bullish order", 1, ordered(*_MAS)),
            State("空头排列", "bearish order", -1, ordered(*reversed(_MAS))),
            State("交织", "mixed"),
        ),
        also=("MA", "移动平均线", "均线系统"),
    ),
    Signal(
        "boll",
        "布林",
        "close inside the 20-session, 2-sigma band",
        (
            State("上轨之上", "above the upper band", 0, (Condition("boll_pct_b", ">", 1.0),)),
            above("boll_pct_b", 0.5, "中轨上方", "upper half", 1),
            above("boll_pct_b", 0.0, "中轨下方", "lower half", -1),
            State("下轨之下", "below the lower band"),
        ),
        also=("布林带", "布林线", "BOLL"),
    ),
    Signal(
        "kdj",
        "KDJ",
        "K against D, crossings, and J outside 0-100",
        (
            *cross("kdj_gap", "kdj_gap_previous"),
            State("超买", "overbought", 0, (Condition("kdj_j", ">", 100.0),)),
            State("超卖", "oversold", 0, (Condition("kdj_j", "<", 0.0),)),
            State("偏多", "K above D", 1, (Condition("kdj_gap", ">", 0.0),)),
            State("偏空", "K not above D", -1),
        ),
        also=("K", "D", "J", "K值", "D值", "J值"),
    ),
)
"""The five signals of the technical analysis; their votes decide its conclusion."""

MORE: Final[tuple[Signal, ...]] = (
    Signal(
        "volume",
        "成交",
        "volume against its 5-session average",
        (
            above("volume_ratio_5", 1.5, "放量", "heavy"),
            below("volume_ratio_5", 0.6, "缩量", "thin"),
            State("平量", "usual"),
        ),
        also=("成交量", "量能"),
    ),
    Signal(
        "volatility",
        "波动",
        "standard deviation of 20 daily returns",
        (
            above("vol_20", 0.03, "偏高", "high"),
            above("vol_20", 0.015, "适中", "moderate").in_classes("medium"),
            State("偏低", "low"),
        ),
    ),
    Signal(
        "drawdown",
        "回撤",
        "close against the highest of 60 sessions",
        (
            below("drawdown_60", -0.2, "较深", "deep").in_classes("high"),
            below("drawdown_60", -0.08, "中等", "medium"),
            State("较浅", "shallow").in_classes("low"),
        ),
    ),
    Signal(
        "trend",
        "趋势",
        "directional movement over 14 sessions",
        (above("adx_14", 25, "明显", "present"), State("不明", "absent")),
    ),
    Signal(
        "ema",
        "EMA",
        "12 against 26 session exponential average",
        (State("向上", "up", 1, (Condition("ema_12", ">", "ema_26"),)), State("向下", "down", -1)),
    ),
    Signal(
        "cci",
        "CCI",
        "commodity channel index over 14 sessions",
        (
            above("cci_14", 100, "超买", "overbought"),
            below("cci_14", -100, "超卖", "oversold"),
            State("中性", "neutral"),
        ),
    ),
    Signal(
        "williams",
        "威廉",
        "Williams %R over 14 sessions",
        (
            above("williams_r_14", -20, "超买", "overbought"),
            below("williams_r_14", -80, "超卖", "oversold"),
            State("中性", "neutral"),
        ),
    ),
    Signal(
        "mfi",
        "MFI",
        "money flow index over 14 sessions",
        (
            above("mfi_14", 80, "超买", "overbought"),
            below("mfi_14", 20, "超卖", "oversold"),
            State("中性", "neutral"),
        ),
    ),
    Signal(
        "obv",
        "资金",
        "signed volume of 20 sessions over all their volume",
        (
            above("obv_flow_20", 0.1, "流入", "in"),
            below("obv_flow_20", -0.1, "流出", "out"),
            State("平衡", "balanced"),
        ),
    ),
    Signal(
        "momentum",
        "动量",
        "rate of change over 12 sessions",
        (State("上行", "up", 1, (Condition("roc_12", ">", 0.0),)), State("下行", "down", -1)),
    ),
    *(
        Signal(f"rsi_{n}", f"RSI{n}", f"relative strength over {n} sessions", _strength(f"rsi_{n}"))
        for n in (6, 12, 24)
    ),
    Signal(
        "atr",
        "ATR",
        "mean true range of 14 sessions against the close",
        (
            above("atr_share", 0.05, "偏大", "large"),
            above("atr_share", 0.025, "适中", "moderate"),
            State("偏小", "small"),
        ),
    ),
    Signal(
        "width",
        "带宽",
        "width of the 20-session, 2-sigma band",
        (
            above("boll_width", 20, "张开", "wide"),
            below("boll_width", 8, "收窄", "narrow"),
            State("平常", "usual"),
        ),
    ),
    _move(1, 0.05, 0.005, "当日", "今日"),
    _move(5, 0.10, 0.01),
    _move(10, 0.15, 0.015),
    _move(20, 0.20, 0.02),
)

SIGNALS: Final[tuple[Signal, ...]] = STATES + MORE
SIGNAL: Final[dict[str, Signal]] = {r.name: r for r in SIGNALS}
MOVES: Final = SIGNAL["ret_1"].words
"""What the price did over some sessions."""
CITED: Final[tuple[Signal, ...]] = (*STATES, *(SIGNAL[n] for n in ("volume", "volatility", "drawdown", "trend")))
"""The signals that prompts show, and that reasons may therefore name."""
PHRASES: Final[dict[str, tuple[str, str]]] = {r.phrase(w): (r.name, w) for r in CITED for w in r.words}
"""Every phrase a reason can be, to the signal and word it claims."""
