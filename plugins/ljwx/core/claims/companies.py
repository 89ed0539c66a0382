"""Another company at the head of a clause, by where the unknown word stands: 贵州茅台的RSI14, Moutai's RSI14.

Pure: never imports airflow, an HTTP client or a database driver.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import dropwhile
from typing import Final

from ljwx.core.claims.signs import Facts
from ljwx.core.claims.tokens import Token
from ljwx.core.claims.vocabulary import Kind

_LEADS: Final = frozenset({Kind.FILLER, Kind.LEAD, Kind.NOW, Kind.BUT, Kind.AND, Kind.AGAINST, Kind.OTHER_DAY})
"""What may stand before the name."""
_OWNED: Final = frozenset({Kind.NAME, Kind.PERIOD, Kind.TODAY, Kind.CLOSE})
"""What is somebody's: an unknown word before it says whose."""
_DONE: Final = frozenset({Kind.WORD, Kind.LIMIT, Kind.RISE, Kind.FALL})
"""What is also said without a name: only a word that ends as companies' names do says of whom."""
_NAME: Final = re.compile(r"(?:\*?ST|XD|XR|DR|[NC])?[一-鿿]{2,4}[A-Z]?|[A-Z]{2,4}[一-鿿]{2,3}")
_ENDING: Final = re.compile(
    r"\*?ST.*|.*(?:科技|股份|集团|控股|证券|医药|医疗|药业|生物|电子|电气|电力|能源|材料|食品|汽车|重工|机械|化工|化学|钢铁|矿业|"
    r"石油|石化|地产|建设|航空|物流|传媒|软件|信息|通信|智能|茅台|平安|[AB])"
)
_BETWEEN: Final = frozenset({"的", " ", "近", "最近", "过去", "股价", "A股", "这只股票", "个股"})
"""What may stand between the name and what is said of it."""
_ADVERBIAL: Final = tuple("上下中后前时内外间地得着了过来看说论讲下来以于")
"""Last characters of what leads up to a statement rather than names a company."""


def other_company(clause: Sequence[Token], facts: Facts) -> str | None:
    """The name of another company that a clause begins with; None where it begins with none.

    A list of all companies would be out of date: what counts is an unknown word, as long as a listed name is, right
    before a fact or a session.
    """
    rest = list(dropwhile(lambda token: token.kind in _LEADS, clause))
    end = _end_of_unknown(rest)
    name = "".join(token.text for token in rest[:end]).strip()
    behind = next((token for token in rest[end:] if token.text not in _BETWEEN), None)
    if behind is None or not _NAME.fullmatch(name) or name.endswith(_ADVERBIAL) or name in str(facts.get("name", "")):
        return None
    is_whose = behind.kind in _OWNED or (behind.kind in _DONE and _ENDING.fullmatch(name))
    return name if is_whose else None


def _end_of_unknown(rest: Sequence[Token]) -> int:
    """Where the unknown characters at the head end; a known one of one character between them belongs to them."""
    end = 0
    for at, token in enumerate(rest):
        if token.kind is Kind.UNKNOWN:
            end = at + 1
        elif len(token.text) > 1 or token.kind is not Kind.FILLER:
            break
    return end
