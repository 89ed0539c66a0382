"""Which facts of a snapshot stand beside what was said to a question, as sentences with the snapshot's own numbers.

Pure: never imports airflow, an HTTP client or a database driver.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final

from ljwx.core.analysis.analysis import Language
from ljwx.core.features import groups_of
from ljwx.core.features.citable import Citable, cite
from ljwx.core.features.technical.facts import FACTS
from ljwx.core.features.technical.signals import SIGNAL
from ljwx.core.snapshots.citable import cited, sentence

BESIDE: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "risk_assessment": ("volatility", "drawdown", "range"),
        "price_direction": ("ret1", "ret5", "ret20", "rank20"),
        "technical_analysis": (
            "rsi", "macd", "ma", "boll", "kdj", "trend", "volume", "flow", "support", "resistance",
        ),
    }
)  # fmt: skip
"""Task → keys of the facts beside it. A level that is not there is said to be absent."""

_FLOW: Final = cite(
    "flow",
    next(fact for fact in FACTS if fact.name == "obv_flow_20"),
    SIGNAL["obv"],
    key="flow",
    name="20日量能净流向",
    english="net signed volume of 20 sessions",
)
_ABSENT: Final = {
    "support": ("收盘价下方没有均线或布林轨可作支撑", "no average or band below the close to be a support"),
    "resistance": ("收盘价上方没有均线或布林轨构成压力", "no average or band above the close to be a resistance"),
}


_EXPLAINED: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "range": (
            "按近20日波动推算的期内波幅(一个标准差),",
            "By the volatility of 20 sessions, one standard deviation: ",
        ),
    }
)
_RANKED: Final = ("(1~100,100最高)", " (1 to 100, 100 the highest)")


def facts_beside(task: str, facts: Mapping[str, Any], language: Language) -> Iterator[str]:
    """Yield the sentences of the facts that belong to a question."""
    known = {**cited(facts), _FLOW.key: _FLOW}
    for key in BESIDE.get(task, ()):
        if key in known:
            yield _told(known[key], facts, language)
        elif key in _ABSENT:
            yield _ABSENT[key][language != "zh"]


def fact_told(key: str, facts: Mapping[str, Any], language: Language) -> str | None:
    """Return the sentence of one fact; None where the snapshot has none of this key."""
    known = cited(facts)
    return _told(known[key], facts, language) if key in known else None


def _told(each: Citable, facts: Mapping[str, Any], language: Language) -> str:
    """A sentence, with what a reader has to know of the number."""
    at = int(language != "zh")
    before = _EXPLAINED[each.key][at] if each.key in _EXPLAINED else ""
    after = _RANKED[at] if each.said.unit == "rank" else ""
    return f"{before}{sentence(each, facts, language)}{after}"


def other_facts(facts: Mapping[str, Any], language: Language) -> Iterator[str]:
    """Yield the sentences of the feature groups beside the technical one, such as valuation."""
    known = cited(facts)
    for group in groups_of(facts)[1:]:
        yield from (_told(known[each.key], facts, language) for each in group.citable if each.key in known)
