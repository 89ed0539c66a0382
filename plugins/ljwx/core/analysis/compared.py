"""What stands in a comparison beside a stock that is known, so that no name in it goes unmentioned.

Pure: never imports airflow, an HTTP client or a database driver.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from ljwx.core.analysis.subjects import ENGLISH_WORDS, FILLING

_CONNECT: Final = (
    r"(?:和|与|跟|同|及|以及|还有|或者?|还是|比起?|对比|、|/|&|\+|"
    r"\b(?:and|or|vs|versus|with|against|to|(?:[a-z]+\s+)?than|compared\s+(?:to|with)|or\s+rather)\b\.?)"
)
_ANY: Final = r"[\s,;\u3002.()]*"
_IS_COMPARISON: Final = re.compile(r"比较|对比|相比|哪个|哪只|哪家|谁|\b(?:vs|versus|compar\w*|better|which)\b")
_RUN: Final = re.compile(
    r"[\u4e00-\u9fff]{2,8}|(?<![a-z\d])[a-z][a-z&.]*[a-z](?![a-z\d])|(?<![\d.])\d{4,7}(?![\d.]*\d)"
)
_TAIL: Final = re.compile(r"(?:比|好|强|谁|哪家|哪|更|差)+$")
Span = tuple[int, int]


def compared(text: str, left: str, spans: Sequence[Span]) -> Iterator[tuple[int, str]]:
    """Yield where what is compared with something known stands, and its words.

    :param text: without days; `left`: the same without what is known, which stood at `spans`.
    """
    connect = f"(?:{_CONNECT})?" if _IS_COMPARISON.search(text) else _CONNECT
    between = re.compile(rf"{_ANY}{connect}{_ANY}")
    after_known = {to for _, to in spans}
    left = "".join(" " if sign == "比" and at in after_known else sign for at, sign in enumerate(left))
    runs = [
        (match.start(), match.end(), _TAIL.sub("", match[0]))
        for match in _RUN.finditer(_without_filling(left))
        if match[0] not in ENGLISH_WORDS
    ]
    known, found = list(spans), dict[int, str]()
    for _ in range(len(runs)):
        near = [run for run in runs if run[0] not in found and _is_beside(text, run[0], run[1], known, between)]
        found |= {start: words for start, _, words in near if len(words) > 1}
        known += [(start, end) for start, end, _ in near]
    yield from sorted(found.items())


def _without_filling(text: str) -> str:
    """The text with the words of a question blanked, each sign in its place."""
    return FILLING.sub(lambda match: " " * len(match[0]), text)


def _is_beside(text: str, start: int, end: int, known: Sequence[Span], between: re.Pattern[str]) -> bool:
    """Whether only a word that joins stands between this and what is known."""
    return any(
        (to <= start and between.fullmatch(text, to, start)) or (at >= end and between.fullmatch(text, end, at))
        for at, to in known
    )
