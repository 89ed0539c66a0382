"""What a reader is given before a report: how old it is, and what is special about the stock."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from ljwx.core.analysis.analysis import Analysis, Basis, Judgement, Measures, Source
from ljwx.core.analysis.report import sections
from ljwx.core.datasets.build import Dataset

DAY = date(2026, 3, 3)
BASIS = Basis("m", "d" * 64, "fewshot", {"zh": "无", "en": "none"}, "r" * 64, "20260320-a", None, True, 5000, False)
CALL = Judgement("price_direction", "up", None, None, None)


def first(built: Dataset, language: Any = "zh", basis: Basis = BASIS, **changed: Any) -> str:
    """The part to be read first, of an analysis with other fields and facts."""
    facts = json.loads(built.samples["snapshot"][0]) | changed.pop("facts", {})
    measures = Measures(horizon=5, buy_excess=0.02, sell_excess=-0.02, flat_band=0.01)
    plain = Analysis("000001.SZ", DAY, None, facts, (CALL,), measures, basis)
    return "\n".join(line.text for line in sections(replace(plain, **changed), language)[0].lines)


@pytest.mark.parametrize(
    ("facts", "says"),
    [
        ({"limit": "涨停", "name": "平安银行"}, "平安银行 当日收盘涨停:按收盘价多半买不到。"),
        ({"limit": "跌停", "name": "平安银行"}, "平安银行 当日收盘跌停:按收盘价多半卖不出。"),
        ({"name": "*ST信威"}, "*ST信威 名称带 *ST,被实施退市风险警示"),
        ({"name": "XDST安凯"}, "XDST安凯 名称带 ST,被实施其他风险警示"),
        ({"name": "信威退"}, "信威退 处于退市整理期。"),
    ],
)
def test_what_is_special_about_a_stock_is_said_first(built: Dataset, facts: dict[str, str], says: str) -> None:
    assert says in first(built, facts=facts)
    assert "平安银行" not in first(built, facts={"name": "平安银行", "limit": "正常"})


def test_data_that_have_stopped_are_said_to_be_old(built: Dataset) -> None:
    assert "数据停在 2026-03-03,距今 30 天" in first(built, days_old=30)
    assert "距今" not in first(built, days_old=9) + first(built, days_old=None)


def test_a_model_that_may_have_seen_what_followed_is_said_to_be_one(built: Dataset) -> None:
    later = replace(BASIS, made_until=date(2026, 3, 20))
    assert "它可能见过此后的行情" in first(built, basis=later)
    assert "may have seen what followed" in first(built, "en", basis=later)
    in_time = replace(CALL, source=Source("record"))
    assert "见过此后" not in first(built, basis=later, judgements=(in_time,)) + first(built)


@pytest.mark.parametrize(("proven", "says"), [(False, "准不准尚无从谈起"), (True, "上面的证实来自对更早数据的检验")])
def test_a_model_without_a_record_is_not_said_to_have_one(built: Dataset, proven: bool, says: str) -> None:
    assert says in first(built, basis=replace(BASIS, proven=proven))
