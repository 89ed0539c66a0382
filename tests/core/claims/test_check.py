"""Claims: which numbers and words of an answer its snapshot supports, and that training answers claim nothing else."""

from __future__ import annotations

import json
from typing import Any

import polars as pl
import pytest

from ljwx.core.claims.check import claims, unsupported_claims
from ljwx.core.datasets.build import Dataset


def test_no_training_answer_claims_what_its_snapshot_does_not_hold(built: Dataset) -> None:
    for answer, snapshot in built.samples.select("answer", "snapshot").iter_rows():
        assert unsupported_claims(answer, snapshot) == ()


SNAPSHOT: dict[str, Any] = {
    "bar": {"change": 1.5},
    "features": {"rsi_14": 63.2, "ret_5": -3.1, "ret_20": 8.0, "vol_20": 2.09, "drawdown_60": -5.6, "ma_20": -4.2,
                 "kdj_k": 71.4, "kdj_j": 95.0, "rsi_6": 84.6},
    "levels": {"support": -2.0, "resistance": None},
    "range": {"low": -5, "high": 5},
    "ranks": {"ret_5": 75, "ret_20": 90, "vol_20": 85},
    "readings": {"rsi": "偏强", "macd": "多头", "ma": "交织", "boll": "中轨上方", "kdj": "金叉", "volume": "放量",
                 "rsi_6": "超买", "ret_1": "上涨", "ret_5": "下跌", "ret_20": "大涨"},
    "limit": "触及涨停",
}  # fmt: skip


@pytest.mark.parametrize(
    "prose",
    [
        "RSI14为63.2偏强",
        "RSI14约63,偏强",
        "近5日-3.1%,近20日8.0%",
        "近5日跌3.1%",
        "20日波动2.09%,60日回撤-5.6%",
        "MACD多头,均线交织,KDJ金叉",
        "成交放量",
        "今日放量",
        "当日涨1.5",
        "支撑-2.0",
        "MA20 -4.2 支撑位-2",
        "KDJ J95.0,K值71",
        "RSI14偏强,RSI63",
        "RSI14超过60,RSI6高于80",
        "波动低于3%",
        "5日排名75,排名 5日75 20日90 波动85",
        "区间-5%~5%",
        "未来5日,近20个交易日大涨",
        "RSI6超买,5日下跌,20日上涨",
        "盘中触及涨停",
        "当日未涨停",
        "放量上涨",
        "突破压力位,站上20日均线,突破MA20",
        "未跌破支撑,未突破上轨",
        "预计大跌,未来可能跌停",
    ],
)
def test_true_prose_passes(prose: str) -> None:
    assert unsupported_claims({"analysis": prose}, SNAPSHOT) == ()


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ({"analysis": "RSI14为70.0偏强"}, "RSI14 70.0: the snapshot has 63.2"),
        ({"analysis": "RSI14为-5.6"}, "RSI14 -5.6: the snapshot has 63.2"),
        ({"analysis": "近5日3.1%"}, "5日 3.1%: the snapshot has -3.1"),
        ({"analysis": "目标价12.5元"}, "目标价 12.5元: no fact is named for it"),
        ({"analysis": "目标价85元"}, "目标价 85元: no fact is named for it"),  # a rank is 85, and RSI6 rounds to it
        ({"analysis": "目标涨幅95%"}, "目标涨幅 95%: no fact is named for it"),
        ({"analysis": "RSI14偏强,目标63.2"}, "目标 63.2: no fact is named for it"),  # named in another clause
        ({"analysis": "近15日-3.1%"}, "15日 -3.1%: no fact is named for it"),
        ({"analysis": "胜率75%"}, "胜率 75%: no fact is named for it"),
        ({"analysis": "KDJ J71.4"}, "J 71.4: the snapshot has 95.0"),
        ({"analysis": "20日排名75"}, "20日 75: the snapshot has 90"),
        ({"analysis": "RSI14超过70"}, "RSI14 70: the snapshot has 63.2"),
        ({"analysis": "区间-5~9"}, "区间 -5~9: the snapshot has {'low': -5, 'high': 5}"),
        ({"analysis": "封死涨停"}, "涨停: the snapshot has 触及涨停"),
        ({"analysis": "盘中触及跌停"}, "触及跌停: the snapshot has 触及涨停"),
        ({"analysis": "5日大涨"}, "5日 大涨: the snapshot does not say so"),
        ({"analysis": "当日大涨"}, "当日 大涨: the snapshot does not say so"),
        ({"analysis": "跌破支撑"}, "收盘价 below 支撑: the snapshot does not say so"),
        ({"analysis": "突破上轨"}, "收盘价 above 上轨: the snapshot does not say so"),
        ({"analysis": "失守20日线"}, "收盘价 below 20日线: the snapshot does not say so"),
        ({"analysis": "RSI不偏强"}, "not rsi 偏强: the snapshot does not say so"),
        ({"analysis": "RSI超卖"}, "rsi 超卖: the snapshot does not say so"),
        ({"analysis": "MACD金叉"}, "macd 金叉: the snapshot does not say so"),
        ({"analysis": "均线多头排列"}, "ma 多头排列: the snapshot does not say so"),
        ({"analysis": "今日缩量"}, "volume 缩量: the snapshot does not say so"),
        ({"analysis": "压力3.0"}, "压力 3.0: the snapshot has None"),
        ({"reasons": ["MACD金叉"], "analysis": "-"}, "MACD金叉: not a signal of the snapshot"),
        ({"factors": ["成交缩量"], "analysis": "-"}, "成交缩量: not a signal of the snapshot"),
        ({"rsi": "超卖", "analysis": "-"}, "rsi 超卖: the snapshot has 偏强"),
        ({"support": -3.0, "analysis": "-"}, "support -3.0: the snapshot has -2.0"),
        ({"range": {"low": -9, "high": 9}, "analysis": "-"}, "range {'low': -9, 'high': 9}: the snapshot has"),
    ],
)
def test_untrue_claim_is_named(answer: dict[str, Any], says: str) -> None:
    (claim, *_) = unsupported_claims(answer, SNAPSHOT) or ("nothing",)
    assert claim.startswith(says)


@pytest.mark.parametrize(
    ("prose", "verdict"),
    [
        ("RSI为70", "wrong"),
        ("目标价85元", "unsupported"),
        ("RSI超卖", "wrong"),
        ("今日缩量", "wrong"),
        ("未超卖", "right"),
        ("涨停", "unsupported"),
        ("未涨停", "unsupported"),
        ("突破支撑", "unsupported"),
        ("跌破支撑", "wrong"),
    ],
)
def test_verdict_is_wrong_only_of_what_the_snapshot_knows(prose: str, verdict: str) -> None:
    (claim,) = claims({"analysis": prose}, SNAPSHOT | {"limit": "未知"})
    assert claim.verdict == verdict


def test_changed_number_in_a_training_answer_is_found(built: Dataset) -> None:
    row = built.samples.filter(pl.col("task") == "risk_assessment").row(0, named=True)
    said = json.loads(row["answer"])
    said["analysis"] = said["analysis"].replace("20日波动", "20日波动9")
    assert len(unsupported_claims(said, row["snapshot"])) == 1
