"""Which word a value gets, and that every indicator speaks."""

from __future__ import annotations

import polars as pl
import pytest

from ljwx.core.features.technical import FEATURES
from ljwx.core.features.technical.facts import DERIVED
from ljwx.core.features.technical.signals import CITED, PHRASES, SIGNAL, SIGNALS


def test_every_feature_of_the_catalogue_speaks_in_a_signal() -> None:
    names = {feature.name for feature in FEATURES}
    read = frozenset().union(*(signal.columns for signal in SIGNALS))
    made_of = {name: {*expr.meta.root_names()} for name, expr in DERIVED.items()}
    seen = set().union(*(made_of.get(column, {column}) for column in read)) & names
    through = {"macd_hist": "macd_gap", **dict.fromkeys(("boll_upper", "boll_mid", "boll_lower"), "boll_pct_b")}
    assert names - seen == set(through)
    assert set(through.values()) <= read


@pytest.mark.parametrize(
    ("rule", "columns", "word"),
    [
        ("rsi", {"rsi_14": 80.0}, "超买"),
        ("rsi", {"rsi_14": 79.9}, "偏强"),
        ("rsi", {"rsi_14": 50.0}, "偏强"),
        ("rsi", {"rsi_14": 49.9}, "偏弱"),
        ("rsi", {"rsi_14": 19.9}, "超卖"),
        ("macd", {"macd_gap": 0.1, "macd_gap_previous": -0.1}, "金叉"),
        ("macd", {"macd_gap": 0.1, "macd_gap_previous": 0.1}, "多头"),
        ("macd", {"macd_gap": -0.1, "macd_gap_previous": 0.0}, "死叉"),
        ("macd", {"macd_gap": -0.1, "macd_gap_previous": -0.2}, "空头"),
        ("macd", {"macd_gap": 0.0, "macd_gap_previous": 0.0}, "持平"),
        ("ma", {"ma_5": 4.0, "ma_10": 3.0, "ma_20": 2.0, "ma_60": 1.0}, "多头排列"),
        ("ma", {"ma_5": 1.0, "ma_10": 2.0, "ma_20": 3.0, "ma_60": 4.0}, "空头排列"),
        ("ma", {"ma_5": 4.0, "ma_10": 3.0, "ma_20": 2.0, "ma_60": 2.0}, "交织"),
        ("boll", {"boll_pct_b": 1.01}, "上轨之上"),
        ("boll", {"boll_pct_b": 0.5}, "中轨上方"),
        ("boll", {"boll_pct_b": 0.49}, "中轨下方"),
        ("boll", {"boll_pct_b": -0.01}, "下轨之下"),
        ("kdj", {"kdj_gap": 1.0, "kdj_gap_previous": -1.0, "kdj_j": 120.0}, "金叉"),
        ("kdj", {"kdj_gap": 1.0, "kdj_gap_previous": 1.0, "kdj_j": 120.0}, "超买"),
        ("kdj", {"kdj_gap": -1.0, "kdj_gap_previous": -1.0, "kdj_j": -1.0}, "超卖"),
        ("kdj", {"kdj_gap": -1.0, "kdj_gap_previous": -1.0, "kdj_j": 50.0}, "偏空"),
        ("volume", {"volume_ratio_5": 1.5}, "放量"),
        ("volume", {"volume_ratio_5": 0.6}, "缩量"),
        ("drawdown", {"drawdown_60": -0.2}, "较深"),
        ("drawdown", {"drawdown_60": -0.079}, "较浅"),
        ("volatility", {"vol_20": 0.03}, "偏高"),
        ("rsi_6", {"rsi_6": 80.0}, "超买"),
        ("rsi_12", {"rsi_12": 49.9}, "偏弱"),
        ("rsi_24", {"rsi_24": 19.9}, "超卖"),
        ("atr", {"atr_share": 0.05}, "偏大"),
        ("atr", {"atr_share": 0.025}, "适中"),
        ("atr", {"atr_share": 0.024}, "偏小"),
        ("width", {"boll_width": 20.0}, "张开"),
        ("width", {"boll_width": 8.1}, "平常"),
        ("width", {"boll_width": 8.0}, "收窄"),
        ("ret_1", {"ret_1": 0.05}, "大涨"),
        ("ret_1", {"ret_1": -0.004}, "持平"),
        ("ret_5", {"ret_5": 0.01}, "上涨"),
        ("ret_10", {"ret_10": -0.015}, "下跌"),
        ("ret_20", {"ret_20": -0.2}, "大跌"),
    ],
)
def test_word_of_a_value(rule: str, columns: dict[str, float], word: str) -> None:
    assert pl.DataFrame([columns]).select(SIGNAL[rule].word()).item() == word


def test_phrases_of_reasons_are_distinct() -> None:
    assert len(PHRASES) == sum(len(r.words) for r in CITED)
