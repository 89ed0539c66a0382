"""A session of the whole market, each number worked out by hand."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl
import pytest

from ljwx.core.analysis.overviews.market_day import Calls, MarketDay, breadth, text

BEFORE, DAY = date(2026, 3, 19), date(2026, 3, 20)


def bar(session: date, close: float, **other: Any) -> dict[str, Any]:
    usual = {"session": session, "pre_close": 10.0, "amount": 100.0, "up_limit": 11.0, "down_limit": 9.0}
    return usual | {"close": close} | other


BARS = pl.DataFrame(
    [
        bar(BEFORE, 10.0), bar(BEFORE, 10.0), bar(DAY, 11.0), bar(DAY, 10.0), bar(DAY, 9.0), bar(DAY, 10.5),
        bar(DAY, 20.0, up_limit=None, down_limit=None), bar(DAY, 5.0, pre_close=0.0),
    ]
)  # fmt: skip


def test_a_session_is_counted_over_its_stocks() -> None:
    found = breadth(BARS, DAY, 2)
    assert found is not None
    assert (found.stocks, found.up, found.flat, found.down, found.suspended) == (5, 3, 1, 1, 2)
    assert (found.mean, found.median) == (pytest.approx((0.1 + 0 - 0.1 + 0.05 + 1) / 5), pytest.approx(0.05))
    assert (found.at_limit, found.turnover) == ((1, 1), 2.5)


def test_what_is_not_known_is_not_told_as_a_number() -> None:
    found = breadth(BARS.filter(session=DAY).with_columns(up_limit=None, down_limit=None), DAY, 0)
    assert found is not None
    assert (found.at_limit, found.turnover) == (None, None)
    told = text(MarketDay(found, None, None, ()), "zh")
    assert "数据源没有涨跌停价,无法统计涨停与跌停。" in told
    assert "成交额" not in told
    assert "停牌" not in told
    assert breadth(BARS, date(2026, 3, 18), 0) is None


@pytest.mark.parametrize(
    ("language", "says"),
    [
        (
            "zh",
            [
                "A 股全市场 2026-03-20 收盘概况\n【AI 生成】", "不预测大盘以后的涨跌",
                "数据里只有 5 只股票,不代表全市场。",
                "2026-03-21 没有可用的完整行情", "5 只股票有成交:上涨 3 只,平盘 1 只,下跌 1 只 ✓",
                "收盘涨停 1 只,跌停 1 只 ✓", "成交额是此前 20 个交易日均值的 2.50 倍 ✓", "停牌 2 只 ✓",
                "4 只中 看涨 50%、看平 25%、看跌 25%\n", "不构成投资建议",
            ],
        ),
        (
            "en",
            [
                "[AI-generated]", "Where the market goes is not forecast", "2 were suspended ✓",
                "5 stocks traded: 3 rose, 1 stayed, 1 fell ✓", "of 4 stocks up 50%, flat 25%, down 25%\n",
                "no investment advice",
            ],
        ),
    ],
)  # fmt: skip
def test_facts_are_marked_and_calls_are_told_to_be_none(language: Any, says: list[str]) -> None:
    found = breadth(BARS, DAY, 2)
    assert found is not None
    calls = (Calls("price_direction", 4, {"up": 2, "flat": 1, "down": 1}),)
    told = text(MarketDay(found, date(2026, 3, 21), "m:v1", calls), language)
    assert [each for each in says if each not in told] == []
