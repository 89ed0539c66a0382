"""What is asked about a stock without facts, and the answer to it: that there were none, and where to get them.

Pure: never imports airflow, an HTTP client or a database driver. A model that is asked in a bare chat has no snapshot;
whatever number it told would be made up.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Final

NO_FACTS: Final = "未给出事实"
QUESTIONS: Final = (
    "分析000001.SZ的投资价值",
    "600519.SH下周会涨吗?支撑位在哪里?",
    "给300750.SZ做一个技术分析,包括RSI和MACD",
    "How risky is 601318.SH right now?",
)
"""What a verification asks in a bare chat, among it what people ask first."""

_WAY: Final = re.compile(r"ljwx\s+ask", re.IGNORECASE)
_CODE: Final = re.compile(r"\d{6}(?:\.[A-Za-z]{2})?")
_NAMES: Final = re.compile(r"(?i)\b(?:RSI|MA|EMA|KDJ|ADX|CCI|MFI|ATR)\s*\(?\d+\)?")
_NUMBER: Final = re.compile(r"\d|[%%]|[零一二两三四五六七八九十百千万亿]+(?:个?(?:百分)?点|成|倍|元|亿|万|手)")
_JUDGED: Final = re.compile(r'"(?:advice|risk|direction|conclusion)"\s*:')


@dataclass(frozen=True)
class Abstention:
    """An answer to a question without facts.

    :param abstained: it says where to get the facts, and claims no number and no class.
    """

    question: str
    answer: str
    abstained: bool


def abstention(ts_code: str) -> str:
    """The answer to a question about a stock that gives no facts."""
    return json.dumps({"abstain": NO_FACTS, "ask": f"ljwx ask {ts_code}"}, ensure_ascii=False, separators=(",", ":"))


def abstains(answer: str) -> bool:
    """Tell whether an answer leaves it at saying where to get the facts; how it says so is free.

    A stock's code and the days in an indicator's name are no numbers that it claims.

    >>> abstains('{"abstain":"未给出事实","ask":"ljwx ask 000001.SZ"}')
    True
    >>> abstains("000001.SZ的RSI14为63.2,详见 ljwx ask 000001.SZ")
    False
    """
    if not _WAY.search(answer) or _JUDGED.search(answer):
        return False
    return _NUMBER.search(_NAMES.sub("", _CODE.sub("", answer))) is None


def share(answers: list[Abstention]) -> float:
    """The share of the answers that abstain; 0 of none."""
    return sum(each.abstained for each in answers) / len(answers) if answers else 0.0
