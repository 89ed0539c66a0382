"""English prose in the words and order of Chinese; expected by hand."""

from __future__ import annotations

import pytest

from ljwx.core.claims.english import in_chinese
from ljwx.core.claims.text import clauses, plain


@pytest.mark.parametrize(
    ("english", "chinese"),
    [
        ("RSI14 is above 70", "RSI14为高于70"),
        ("Up 3.2% over the last 5 sessions", "近5日涨3.2%"),
        ("It fell 11.3% in 5 days and 22.7% in 20 days", "近5日跌11.3%和近20日跌22.7%"),
        ("RSI14 was 75.3 yesterday", "昨日RSI14为75.3"),
        ("The CSI 300 gained 1.2% today", "沪深300今日涨1.2%"),
        ("RSI14 isn't overbought.", "RSI14为不超买"),
        ("A 6.5% decline over twenty trading days", "近20日跌幅6.5%"),
        ("A new 60-day high", "60日新高"),
        ("The 20-day moving average is 4.2% below the close", "20日均线为在收盘价下方4.2%"),
        ("RSI14 is between 70 and 80", "RSI14为介于70至80"),
        ("RSI14 rose from 60 to 75.3", "RSI14涨60 75.3"),
        ("Volatility is high", "波动率为偏高"),
    ],
)
def test_english_is_put_in_the_order_of_chinese(english: str, chinese: str) -> None:
    (clause,) = clauses(plain(english))
    assert in_chinese(clause) == chinese


def test_a_word_that_is_not_known_stays_and_chinese_is_left_alone() -> None:
    assert "BARELY" in in_chinese("RSI14 IS BARELY ABOVE 70")
    for clause in ("RSI14为75.3", "DIF=-0.42", "CSI300上涨1.2%", "ETF放量"):
        assert in_chinese(clause) == clause


def test_sentences_end_at_a_full_stop_and_numbers_keep_theirs() -> None:
    assert clauses(plain("RSI14 is overbought. ADX is 28.7.")) == ["RSI14 IS OVERBOUGHT", "ADX IS 28.7"]
