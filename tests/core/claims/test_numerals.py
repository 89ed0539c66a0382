"""Numbers in prose, in digits and in words; expected values by hand."""

from __future__ import annotations

import pytest

from ljwx.core.claims.numerals import number_at
from ljwx.core.claims.text import clauses, plain


@pytest.mark.parametrize(
    ("text", "value", "decimals", "unit"),
    [
        ("75.3", 75.3, 1, ""),
        ("-3.20%", -3.2, 2, "percent"),
        ("负6.5%", -6.5, 1, "percent"),
        ("七十五点三", 75.3, 1, ""),
        ("三点二零", 3.2, 2, ""),
        ("百分之三点二", 3.2, 1, "percent"),
        ("负百分之一", -1.0, 0, "percent"),
        ("百分之负一", -1.0, 0, "percent"),
        ("一百一十二点四", 112.4, 1, ""),
        ("一百零一", 101.0, 0, ""),
        ("十五", 15.0, 0, ""),
        ("两百四十", 240.0, 0, ""),
        ("七五点三", 75.3, 1, ""),
        ("一成二", 12.0, 0, "percent"),
        ("两成", 20.0, -1, "percent"),
        ("32‰", 32.0, 0, "permille"),
        ("320BP", 320.0, 0, "basis"),
        ("3.2万亿", 3.2, 1, "big"),
        ("1.83倍", 1.83, 2, "times"),
        ("12.5元", 12.5, 1, "other"),
    ],
)
def test_a_number_is_read_with_its_sign_decimals_and_unit(text: str, value: float, decimals: int, unit: str) -> None:
    found = number_at(text, 0)
    assert found is not None
    number, end = found
    assert (number.value, number.decimals, number.unit, end) == (value, decimals, unit, len(text))


@pytest.mark.parametrize("text", ["千", "百", "成交", "负责", "正常"])
def test_what_is_no_number_is_none(text: str) -> None:
    assert number_at(text, 0) is None


def test_text_is_written_in_one_way() -> None:
    assert plain("ＲＳＩ１４为７５．３,−3.2%至–4%") == "RSI14为75.3,-3.2%至-4%"
    assert plain("rsi14为75.3。") == "RSI14为75.3。"
    assert plain("区间[-5%,5%],市值1,234元") == "区间-5%~5%,市值1234元"


def test_clauses_end_at_punctuation_and_a_question_keeps_its_mark() -> None:
    assert clauses("RSI14为75.3,偏强。放量吗") == ["RSI14为75.3", "偏强", "放量吗"]
