"""Numbers in Chinese prose, in digits or in words, with their units.

Pure: never imports airflow, an HTTP client or a database driver.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_DIGITS: Final = r"\d+(?:\.\d+)?"
_WORDS: Final = r"[零一二两三四五六七八九十百千廿]+(?:点[零一二三四五六七八九]+)?"
_TENTHS: Final = re.compile(r"([一二两三四五六七八九1-9])成([一二三四五六七八九1-9半])?(?![功本交立])")
_NUMBER: Final = re.compile(
    rf"(?P<sign>[-+±]|负(?:的)?|正(?=[\d零一二两三四五六七八九十百]))?(?P<part>百分之|千分之|万分之)?(?P<minus>-|负)?"
    rf"(?:(?P<digits>{_DIGITS})|(?P<words>{_WORDS}))"
)
_UNIT: Final = re.compile(
    r"(?P<percent>个?百分点|%|个点|个?PCT)|(?P<permille>‰)|(?P<basis>个?基点|BPS?(?![A-Z]))|(?P<times>倍)"
    r"|(?P<big>万亿|百万|千万|[万亿])(?:元|股|手)?|(?P<other>元|美元|港元|欧元|美金|人民币|块钱?|股|手|家|只|次|连板|个?板(?!块)|根|名(?=股东|机构|员工)|[年月周]|个月|分钟|小时|季度)"
    r"|(?P<points>点(?!评))"
)
_ONES: Final = "零一二三四五六七八九"
_PLACES: Final = re.compile(
    r"(?:([一二三四五六七八九])千)?(零?[一二三四五六七八九]百)?(零?[一二三四五六七八九]?十)?(零?[一二三四五六七八九])?"
)
_PARTS: Final = {"百分之": "percent", "千分之": "permille", "万分之": "basis"}
_DAYS: Final = ("天", "日")
_BEGIN: Final = frozenset("0123456789-+±负正百千万零一二两三四五六七八九十廿")


@dataclass(frozen=True)
class Number:
    """A number as it is written.

    :param decimals: how many are written; negative where only tens are said.
    :param unit: percent, permille, basis (points), times, big (万 or 亿), points, other; empty: none.
    :param both: written with ±.
    :param in_words: a numeral in Chinese characters, which may be part of a word.
    """

    value: float
    decimals: int
    unit: str = ""
    both: bool = False
    in_words: bool = False


def number_at(text: str, at: int) -> tuple[Number, int] | None:
    """The number that begins at a place of a plain text, and where it ends; None where there is none."""
    if text[at] not in _BEGIN:
        return None
    tenths = _TENTHS.match(text, at)
    if tenths:
        return _tenths(tenths)
    match = _NUMBER.match(text, at)
    if match is None:
        return None
    written = match["digits"] or _in_digits(match["words"])
    if written is None:
        return None
    unit = _UNIT.match(text, match.end())
    end = unit.end() if unit else match.end()
    kind = _PARTS.get(match["part"] or "") or (str(unit.lastgroup) if unit else "")
    sign = -1 if (match["sign"] or "")[:1] in ("-", "负") or match["minus"] else 1
    decimals = len(written.partition(".")[2])
    if decimals and not kind and text[end : end + 1] in _DAYS:
        kind, end = "other", end + 1
    return Number(sign * float(written), decimals, kind, match["sign"] == "±", match["words"] is not None), end


def _in_digits(words: str) -> str | None:
    """The digits of a numeral in words, as many decimals as are spoken; None for what is no numeral."""
    whole, _, decimals = words.replace("廿", "二十").replace("两", "二").partition("点")
    if all(character in _ONES for character in whole):
        digits = "".join(str(_ONES.index(character)) for character in whole)
    else:
        match = _PLACES.fullmatch(whole)
        if match is None:
            return None
        digits = str(
            sum(_of_place(part, power) for part, power in zip(match.groups(), (1000, 100, 10, 1), strict=True))
        )
    return f"{digits}.{''.join(str(_ONES.index(character)) for character in decimals)}" if decimals else digits


def _of_place(part: str | None, power: int) -> int:
    """What the digit of a place is worth; a ten without a digit is one ten."""
    if part is None:
        return 0
    digit = part.strip("千百十零")
    return power * (_ONES.index(digit) if digit else 1)


def _tenths(match: re.Match[str]) -> tuple[Number, int]:
    """Tenths as percent: 一成二 is 12 %."""
    whole, rest = (0 if part is None else _one(part) for part in match.groups())
    return Number(10 * whole + rest, 0 if match[2] else -1, "percent", in_words=True), match.end()


def _one(character: str) -> float:
    if character in "半两":
        return 5 if character == "半" else 2
    return float(character) if character.isdigit() else _ONES.index(character)
