"""Reading prose: it ends with a verdict whatever is written, and counts what it cannot check."""

from __future__ import annotations

import random

import pytest

from ljwx.core.claims.english_words import ELSEWHERE, JOINTS, NAMES, OTHERS, SIGNALS, VERBS
from ljwx.core.claims.fillers import FILLERS
from ljwx.core.claims.names import OWNERS, SUBJECTS
from ljwx.core.claims.prose import read
from ljwx.core.claims.vocabulary import WORDS
from support_claims import corpus

_OTHERS = """
5日 20个交易日 75.3 -3.2% 七十五点三 百分之 一成二 3.2亿 , 。 ( ) [ ] : ~ - + ± 3月20日 000001 涨停 ? ① ½ ٣ ² 十 千 零
"""
_KNOWN = " ".join((*WORDS.values(), FILLERS))
_TABLES = (ELSEWHERE, JOINTS, NAMES, OTHERS, SIGNALS, VERBS)
_ENGLISH = [f" {word} " for table in _TABLES for words in table.values() for word in words.split("|")]
PIECES = [*_KNOWN.split(), *SUBJECTS, *OWNERS, *_OTHERS.split(), *_ENGLISH]
SPARSE = {
    "features": {"rsi_14": 63.2}, "levels": {"support": -2.0, "resistance": None}, "range": {"low": -5, "high": 5},
    "readings": {"rsi": "偏强"},
}  # fmt: skip


@pytest.mark.parametrize("facts", [corpus("corpus.jsonl")[0].facts, SPARSE], ids=["whole", "sparse"])
def test_any_text_is_read_without_an_error(facts: dict[str, object]) -> None:
    drawn = random.Random(1)
    for _ in range(1500):
        text = "".join(drawn.choice(PIECES) for _ in range(drawn.randint(1, 9)))
        found = read(text, facts)
        assert 0 <= found.unchecked_characters <= found.characters


@pytest.mark.parametrize(
    ("text", "unchecked"),
    [
        ("RSI14为75.3", ()),
        ("RSI14为75.3,业绩翻倍", ("业绩翻倍",)),
        ("主力大举买入,建议持有", ("主力大举买入", "建议持有")),
        ("近5日,上涨3.2%", ()),
    ],
)
def test_words_that_claim_nothing_checkable_are_kept_as_they_stand(text: str, unchecked: tuple[str, ...]) -> None:
    assert read(text, corpus("corpus.jsonl")[0].facts).unchecked == unchecked


def test_a_clause_that_only_names_a_day_or_a_company_is_about_what_follows() -> None:
    facts = corpus("corpus.jsonl")[0].facts
    for text in ("昨日,RSI14为75.3", "大盘方面,RSI14为75.3"):
        assert [claim.verdict for claim in read(text, facts).claims] == ["unsupported"]
