"""Named rules that put a word to a number ("RSI 超买", "MACD 金叉"), as data: the first state that holds is it.

Pure: never imports airflow, an HTTP client or a database driver.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Literal

import polars as pl

Op = Literal[">=", ">", "<=", "<"]


@dataclass(frozen=True)
class Condition:
    """``left op right``: a column against a number or another column."""

    left: str
    op: Op
    right: str | float

    def expr(self) -> pl.Expr:
        """As a polars predicate."""
        left = pl.col(self.left)
        right = pl.col(self.right) if isinstance(self.right, str) else pl.lit(self.right)
        return {">=": left >= right, ">": left > right, "<=": left <= right, "<": left < right}[self.op]


@dataclass(frozen=True)
class State:
    """One word of a reading, its vote (+1 for higher prices, -1 for lower, 0 for neither) and when it holds."""

    word: str
    english: str
    vote: int = 0
    when: tuple[Condition, ...] = ()

    def expr(self) -> pl.Expr:
        """All conditions hold; a state without conditions always does."""
        return pl.all_horizontal([c.expr() for c in self.when]) if self.when else pl.lit(True)


@dataclass(frozen=True)
class Signal:
    """A reading: its key in the snapshot, its subject in prose, and its states in order, the last being the rest."""

    name: str
    subject: str
    english: str
    states: tuple[State, ...]

    @property
    def features(self) -> frozenset[str]:
        """The features that it reads, themselves or through a column that is made of them."""
        read = {column for state in self.states for c in state.when for column in (c.left, c.right)}
        return frozenset(name for column in read if isinstance(column, str) for name in MADE_OF.get(column, (column,)))

    @property
    def words(self) -> tuple[str, ...]:
        """All words the reading can have."""
        return tuple(s.word for s in self.states)

    def phrase(self, word: str) -> str:
        """Subject and word in one, as a reason names it."""
        return f"{self.subject}{word}"

    def word(self) -> pl.Expr:
        """The word of the first state that holds, as a column named after the rule."""
        return self._first(lambda s: pl.lit(s.word)).alias(self.name)

    def vote(self) -> pl.Expr:
        """The vote of the first state that holds, as column ``<name>_vote`` (Int32)."""
        return self._first(lambda s: pl.lit(s.vote, dtype=pl.Int32)).alias(f"{self.name}_vote")

    def _first(self, value: Callable[[State], pl.Expr]) -> pl.Expr:
        result = value(self.states[-1])
        for state in reversed(self.states[:-1]):
            result = pl.when(state.expr()).then(value(state)).otherwise(result)
        return result


MADE_OF: Final[dict[str, tuple[str, ...]]] = {
    "macd_gap": ("macd_dif", "macd_dea", "macd_hist"),
    "macd_gap_previous": ("macd_dif", "macd_dea"),
    "kdj_gap": ("kdj_k", "kdj_d"),
    "kdj_gap_previous": ("kdj_k", "kdj_d"),
    "boll_pct_b": ("boll_pct_b", "boll_upper", "boll_mid", "boll_lower"),
    "obv_flow_20": ("obv",),
    "atr_share": ("atr_14",),
}
"""Columns that rules read, and the features they are made of; any other column is a feature."""


def _above(column: str, cut: float, word: str, english: str, vote: int = 0) -> State:
    return State(word, english, vote, (Condition(column, ">=", cut),))


def _below(column: str, cut: float, word: str, english: str, vote: int = 0) -> State:
    return State(word, english, vote, (Condition(column, "<=", cut),))


def _cross(gap: str, previous: str) -> tuple[State, State]:
    """Golden and dead cross of two lines, from the gap between them now and one row before."""
    return (
        State("金叉", "golden cross", 1, (Condition(gap, ">", 0.0), Condition(previous, "<=", 0.0))),
        State("死叉", "dead cross", -1, (Condition(gap, "<", 0.0), Condition(previous, ">=", 0.0))),
    )


def _ordered(*columns: str) -> tuple[Condition, ...]:
    return tuple(Condition(a, ">", b) for a, b in pairwise(columns))


def _strength(column: str) -> tuple[State, ...]:
    return (
        _above(column, 80, "超买", "overbought"),
        _above(column, 50, "偏强", "strong", 1),
        _above(column, 20, "偏弱", "weak", -1),
        State("超卖", "oversold"),
    )


def _move(sessions: int, large: float, small: float) -> Signal:
    column = f"ret_{sessions}"
    states = (
        _above(column, large, "大涨", "large rise"),
        _above(column, small, "上涨", "rise"),
        _below(column, -large, "大跌", "large fall"),
        _below(column, -small, "下跌", "fall"),
        State("持平", "little changed"),
    )
    return Signal(column, f"{sessions}日", f"return over {sessions} sessions", states)


_MAS: Final = ("ma_5", "ma_10", "ma_20", "ma_60")

STATES: Final[tuple[Signal, ...]] = (
    Signal(
        "rsi",
        "RSI",
        "relative strength over 14 sessions",
        _strength("rsi_14"),
    ),
    Signal(
        "macd",
        "MACD",
        "DIF against DEA, and whether they crossed this session",
        (
            *_cross("macd_gap", "macd_gap_previous"),
            State("多头", "above its signal", 1, (Condition("macd_gap", ">", 0.0),)),
            State("空头", "below its signal", -1, (Condition("macd_gap", "<", 0.0),)),
            State("持平", "level"),
        ),
    ),
    Signal(
        "ma",
        "均线",
        "order of the 5, 10, 20 and 60 session averages",
        (
            State("多头排列", "rising order", 1, _ordered(*_MAS)),
            State("空头排列", "falling order", -1, _ordered(*reversed(_MAS))),
            State("交织", "mixed order"),
        ),
    ),
    Signal(
        "boll",
        "布林",
        "close inside the 20-session, 2-sigma band",
        (
            State("上轨之上", "above the upper band", 0, (Condition("boll_pct_b", ">", 1.0),)),
            _above("boll_pct_b", 0.5, "中轨上方", "upper half", 1),
            _above("boll_pct_b", 0.0, "中轨下方", "lower half", -1),
            State("下轨之下", "below the lower band"),
        ),
    ),
    Signal(
        "kdj",
        "KDJ",
        "K against D, crossings, and J outside 0-100",
        (
            *_cross("kdj_gap", "kdj_gap_previous"),
            State("超买", "overbought", 0, (Condition("kdj_j", ">", 100.0),)),
            State("超卖", "oversold", 0, (Condition("kdj_j", "<", 0.0),)),
            State("偏多", "K above D", 1, (Condition("kdj_gap", ">", 0.0),)),
            State("偏空", "K not above D", -1),
        ),
    ),
)
"""The five states of the technical analysis; their votes decide its conclusion."""

MORE: Final[tuple[Signal, ...]] = (
    Signal(
        "volume",
        "成交",
        "volume against its 5-session average",
        (
            _above("volume_ratio_5", 1.5, "放量", "heavy"),
            _below("volume_ratio_5", 0.6, "缩量", "thin"),
            State("平量", "usual"),
        ),
    ),
    Signal(
        "volatility",
        "波动",
        "standard deviation of 20 daily returns",
        (_above("vol_20", 0.03, "偏高", "high"), _above("vol_20", 0.015, "适中", "moderate"), State("偏低", "low")),
    ),
    Signal(
        "drawdown",
        "回撤",
        "close against the highest of 60 sessions",
        (
            _below("drawdown_60", -0.2, "较深", "deep"),
            _below("drawdown_60", -0.08, "中等", "medium"),
            State("较浅", "shallow"),
        ),
    ),
    Signal(
        "trend",
        "趋势",
        "directional movement over 14 sessions",
        (_above("adx_14", 25, "明显", "present"), State("不明", "absent")),
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
            _above("cci_14", 100, "超买", "overbought"),
            _below("cci_14", -100, "超卖", "oversold"),
            State("中性", "neutral"),
        ),
    ),
    Signal(
        "williams",
        "威廉",
        "Williams %R over 14 sessions",
        (
            _above("williams_r_14", -20, "超买", "overbought"),
            _below("williams_r_14", -80, "超卖", "oversold"),
            State("中性", "neutral"),
        ),
    ),
    Signal(
        "mfi",
        "MFI",
        "money flow index over 14 sessions",
        (
            _above("mfi_14", 80, "超买", "overbought"),
            _below("mfi_14", 20, "超卖", "oversold"),
            State("中性", "neutral"),
        ),
    ),
    Signal(
        "obv",
        "资金",
        "signed volume of 20 sessions over all their volume",
        (
            _above("obv_flow_20", 0.1, "流入", "in"),
            _below("obv_flow_20", -0.1, "流出", "out"),
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
            _above("atr_share", 0.05, "偏大", "large"),
            _above("atr_share", 0.025, "适中", "moderate"),
            State("偏小", "small"),
        ),
    ),
    Signal(
        "width",
        "带宽",
        "width of the 20-session, 2-sigma band",
        (
            _above("boll_width", 20, "张开", "wide"),
            _below("boll_width", 8, "收窄", "narrow"),
            State("平常", "usual"),
        ),
    ),
    _move(1, 0.05, 0.005),
    _move(5, 0.10, 0.01),
    _move(10, 0.15, 0.015),
    _move(20, 0.20, 0.02),
)

SIGNALS: Final[tuple[Signal, ...]] = STATES + MORE
SIGNAL: Final[dict[str, Signal]] = {r.name: r for r in SIGNALS}
MOVES: Final = SIGNAL["ret_1"].words
"""What the price did over some sessions."""
CITED: Final[tuple[Signal, ...]] = (*STATES, *(SIGNAL[n] for n in ("volume", "volatility", "drawdown", "trend")))
"""The readings that prompts show, and that reasons may therefore name."""
PHRASES: Final[dict[str, tuple[str, str]]] = {r.phrase(w): (r.name, w) for r in CITED for w in r.words}
"""Every phrase a reason can be, to the rule and word it claims."""


def conclusion(votes: pl.Expr) -> pl.Expr:
    """Class of the technical analysis from the summed votes of :data:`STATES`: two or more on one side decide."""
    return (
        pl.when(votes >= 2)
        .then(pl.lit("bullish"))
        .when(votes <= -2)
        .then(pl.lit("bearish"))
        .otherwise(pl.lit("neutral"))
    )
