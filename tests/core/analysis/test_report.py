"""The report's facts of feature groups beside the technical one: those that the snapshot has, checked."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest

from ljwx.core.analysis.analysis import Analysis, Basis, Language, Measures
from ljwx.core.analysis.report import sections, text
from ljwx.core.datasets.build import Dataset
from ljwx.core.features.money_flow import MONEY_FLOW
from ljwx.core.features.valuation import VALUATION

BASIS = Basis("m", "d" * 64, "prompt", {"zh": "无", "en": "none"}, "r" * 64, "20260320-a", None, True, 5000, False)
KNOWN = {
    "valuation": {"pe": 12.3, "pb": 0.47, "size": 88, "pb_industry": 20},
    "flow": {"large_1": -3.2},
}
TOLD: dict[Language, list[str]] = {
    "zh": [
        "市盈率TTM为12.3", "市净率为0.47", "流通市值排名88(1~100,100最高)", "市净率在行业中排名20(1~100,100最高)",
        "大单净买入占成交为-3.2%",
    ],
    "en": [
        "P/E (TTM) 12.3", "P/B 0.47", "float value at percentile 88 (1 to 100, 100 the highest)",
        "P/B in its industry at percentile 20 (1 to 100, 100 the highest)",
        "large-order balance of the turnover -3.2%",
    ],
}  # fmt: skip


def analysis_of(built: Dataset, **known: dict[str, Any]) -> Analysis:
    """An analysis without answers; what is not known of a group that is there is null."""
    facts: dict[str, Any] = json.loads(built.samples["snapshot"][0])
    for group in (VALUATION, MONEY_FLOW):
        for fact in group.facts:
            if fact.section in known:
                facts.setdefault(fact.section, {})[fact.name] = known[fact.section].get(fact.name)
    measures = Measures(horizon=5, buy_excess=0.02, sell_excess=-0.02, flat_band=0.01)
    return Analysis("000001.SZ", date(2026, 3, 3), None, facts, (), measures, BASIS)


@pytest.mark.parametrize(("language", "title"), [("zh", "其他事实"), ("en", "Other facts")])
def test_valuation_and_money_flow_are_told_as_checked_facts_where_they_are_known(
    language: Language, title: str, built: Dataset
) -> None:
    found = analysis_of(built, **KNOWN)
    (part,) = [each for each in sections(found, language) if each.title == title]
    assert [line.text for line in part.lines] == TOLD[language]
    assert {line.mark for line in part.lines} == {"checked"}
    assert f"  {TOLD[language][0]} ✓" in text(found, language).splitlines()


@pytest.mark.parametrize("known", [{}, {"valuation": {}, "flow": {}}], ids=["no group", "nothing known"])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_what_is_not_known_has_no_line(language: Language, known: dict[str, Any], built: Dataset) -> None:
    found = analysis_of(built, **known)
    assert not {"其他事实", "Other facts"} & {part.title for part in sections(found, language)}
    assert "市盈率" not in text(found, language)
    assert "P/E" not in text(found, language)
