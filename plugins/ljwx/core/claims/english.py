"""English market prose in Chinese words and order, so that one reader reads both.

Pure: never imports airflow, an HTTP client or a database driver. A word that is not in the lists stays as it is, and is
unchecked like any other unknown word.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from ljwx.core.claims.english_words import ELSEWHERE, JOINTS, NAMES, OF, OTHERS, SIGNALS, VERBS

_FRONT: Final = "\x01"
"""Stands on both sides of what is said of a whole part of a clause, and goes to its front."""
_JOINT: Final = "\x02"
"""Stands before a word that joins two parts of a clause."""


def _words(*tables: Mapping[str, str]) -> dict[str, str]:
    return {word: chinese for table in tables for chinese, words in table.items() for word in words.split("|")}


def _any(words: Iterable[str]) -> str:
    longest_first = sorted(words, key=len, reverse=True)
    return rf"(?<![A-Z])(?:{'|'.join(map(re.escape, longest_first))})(?![A-Z])"


_NOTHING: Final = "的"
"""Says nothing."""
_WORD: Final = re.compile(r"[A-Z]{2,}")
_CHINESE: Final = {
    **_words(OTHERS, SIGNALS, VERBS, NAMES),
    **{word: f"{_FRONT}{chinese}{_FRONT}" for word, chinese in _words(ELSEWHERE).items()},
    **{word: f"{_JOINT}{chinese}" for word, chinese in _words(JOINTS).items()},
}
_KNOWN: Final = re.compile(_any(_CHINESE))
_AMBIGUOUS: Final = frozenset({"MACD", "CSI", "BP", "BPS", "PE", "PB", "EPS", "DIF", "DEA", "PCT", "RMB", "CNY", "USD"})
_CONTRACTED: Final = frozenset(
    ["ISN", "AREN", "WASN", "WEREN", "HASN", "HAVEN", "HADN", "DOESN", "DIDN", "CAN", "COULDN"]
)
_ENGLISH: Final = frozenset(word for phrase in _CHINESE for word in _WORD.findall(phrase)) - _AMBIGUOUS | _CONTRACTED
"""Words of which one is enough to take a clause for English."""
_SAID_OF: Final = [
    (re.compile(_any((name, *_spelled.split("|")))), re.compile(_any(_words(words))), _words(words))
    for name, _spelled, words in ((name, NAMES.get(name, name), words) for name, words in OF.items())
]

_N: Final = r"[-+]?\d+(?:\.\d+)?"
_PERCENT: Final = rf"{_N}(?: ?%| PERCENT| PCT| BPS?| BASIS POINTS?| PERCENTAGE POINTS?)?"
_DAYS: Final = r"(?:TRADING )?(?:DAYS?|SESSIONS?)"
_ONES: Final = ("ONE", "TWO", "THREE", "FOUR", "FIVE", "SIX", "SEVEN", "EIGHT", "NINE", "TEN", "ELEVEN", "TWELVE")
_NUMERALS: Final = {word: n for n, word in enumerate(_ONES, 1)} | {"FOURTEEN": 14, "TWENTY": 20, "SIXTY": 60}
_FRAMES: Final = {"WEEK": "周", "MONTH": "个月", "YEAR": "年", "MINUTE": "分钟", "HOUR": "小时", "QUARTER": "季度"}
_FRAME: Final = rf"({'|'.join(_FRAMES)})S?(?![A-Z])"
_SPAN: Final = (
    r"(?<![A-Z])(?:(?:OVER|IN|OF|FOR|DURING|WITHIN|ACROSS|THROUGH) )?(?:THE )?"
    r"(?:(?:LAST|PAST|PREVIOUS|PRIOR|RECENT|LATEST|PRECEDING|TRAILING) )?"
)
_THINGS: Final = _any("|".join(NAMES[name] for name in ("涨幅", "跌幅", "回撤")).split("|"))
_SIDES: Final = {"ABOVE": "上方", "OVER": "上方", "BELOW": "下方", "UNDER": "下方"}
_THE_CLOSE: Final = r"(?: (?:THE )?(?:CURRENT |CLOSING |LAST |SHARE )?(?:PRICE|CLOSE))?(?=$| ?[\x01\x02])"
_RULES: Final[tuple[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]], ...]] = tuple(
    (re.compile(pattern), made)
    for pattern, made in (
        (r"N['’]T(?![A-Z])", " NOT"),
        (r"((?:[A-Z]{3,} ){0,2}[A-Z]{3,})['’]S(?![A-Z])", lambda m: _whose(m[1])),
        (r"['’](?:S|RE|VE)?(?![A-Z])", ""),
        (r"(?<=[A-Z])-(?=[A-Z])|(?<=\d)-(?=[A-Z]{3})", " "),
        (r"  +", " "),
        (rf"(?<![A-Z])({'|'.join(_NUMERALS)})(?= (?:{_DAYS}|{_FRAME}))", lambda m: str(_NUMERALS[m[1]])),
        (r"(\d+)(?:ST|ND|RD|TH) PERCENTILE", r"RANK \1"),
        (rf"({_N}%?) OF (?:ALL )?(?:STOCKS|SHARES|NAMES|COMPANIES)", r"\1的股票"),
        (rf"BETWEEN ({_N}%?) (?:AND|TO) ({_N})", r"介于\1至\2"),
        (r"RANG(?:ES|ED|ING) FROM ", ""),
        (r"(?:ROSE|RISEN|CLIMBED|FELL|FALLEN|DROPPED|DECLINED|SLIPPED|UP|DOWN) TO (?=[-+]?\d)", "达到 "),
        (rf"(?<!FROM )(?<![\d.+-])({_N}%?) TO ({_N})", r"\1至\2"),
        (
            rf"({_PERCENT})(?: {_THINGS})? (?:BELOW|OFF|UNDER|FROM) (?:ITS |THE )?(\d+) {_DAYS} (?:CLOSING )?HIGH",
            r"较\2日高点回撤\1",
        ),
        (rf"(\d+) {_DAYS} (?:CLOSING )?(HIGH|LOW)(?![A-Z])", lambda m: f"{m[1]}日{_record(m[2])}"),
        (
            rf"(HIGHEST|LOWEST)(?: CLOSE| LEVEL| CLOSING PRICE| PRICE)? {_SPAN}(\d+) {_DAYS}",
            lambda m: f"{m[2]}日{_record(m[1])}",
        ),
        (rf"(?:FOR )?(\d+) (?:CONSECUTIVE|STRAIGHT) {_DAYS}", rf"{_FRONT}连续\1日{_FRONT}"),
        (rf"(?:FOR )?(\d+) {_DAYS} (?:IN A ROW|RUNNING)", rf"{_FRONT}连续\1日{_FRONT}"),
        (rf"(\d+) {_DAYS} (?:AGO|EARLIER)", rf"{_FRONT}\1日前{_FRONT}"),
        (rf"{_SPAN}(\d+) {_FRAME}", lambda m: f"{_FRONT}{m[1]}{_FRAMES[m[2]]}{_FRONT}"),
        (rf"{_SPAN}(\d+) (?:TRADING )?(?:DAYS|SESSIONS)(?![A-Z])", rf"{_FRONT}近\1日{_FRONT}"),
        (rf"(\d+) {_DAYS}(?: MA(?![A-Z\d]))?", lambda m: f"{m[1]}日{'均线' if m[0].endswith('MA') else ''}"),
        (rf"({_N}) TIMES (?:ITS |THE )?5日 (?:AVERAGE|MEAN)(?: VOLUME)?", r"为5日均量的\1倍"),
        (rf"(?<![\d~-])({_PERCENT}) ({_THINGS})", r"\2 \1"),
        (rf"({_PERCENT}) ((?:HIGHER|LOWER|UP|DOWN)(?! THAN))(?![A-Z])", r"\2 \1"),
        (rf"({_PERCENT}) ({'|'.join(_SIDES)}){_THE_CLOSE}", lambda m: f"在收盘价{_SIDES[m[2]]}{m[1]}"),
        (rf"({_PERCENT}) (HIGHER THAN|LOWER THAN|ABOVE|BELOW|OVER|UNDER) ([^\x01\x02]+)", r"\2 \3 \1"),
    )
)
_NOBODY: Final = frozenset(["THAT", "THERE", "HERE", "WHAT", "LET", "ONE"])
"""Words before 'S that own nothing."""
_SPACES: Final = re.compile(r" (?=[^\x00-\x7f]|%)|(?<=[^\x00-\x7f]) ")
_VERB: Final = re.compile("[涨跌](?!幅|停)")
_BARE: Final = re.compile(rf" *{_N} ?%")
_MOVED: Final = re.compile(rf"{_FRONT}([^{_FRONT}]*){_FRONT}")


def in_chinese(clause: str) -> str:
    """A plain clause with its English words in Chinese, in the order of Chinese; any other clause as it is."""
    if _ENGLISH.isdisjoint(_WORD.findall(clause)):
        return clause
    for pattern, made in _RULES:
        clause = pattern.sub(made, clause)
    for name, adjective, words in _SAID_OF:
        if name.search(clause):
            clause = _replaced(adjective, words, clause)
    clause = _replaced(_KNOWN, _CHINESE, clause)
    parts = [_fronted(part) for part in _with_verbs(clause.split(_JOINT))]
    return _SPACES.sub("", " ".join("".join(parts).split())) or _NOTHING


def _replaced(pattern: re.Pattern[str], words: Mapping[str, str], clause: str) -> str:
    return pattern.sub(lambda match: words[match[0]], clause)


def _with_verbs(parts: list[str]) -> list[str]:
    """Parts of a clause of which each has the verb that English says once: fell 1 % in 5 days and 2 % in 20."""
    verb = _VERB.search(parts[0])
    if verb is None:
        return parts
    return [parts[0], *(f"{part[:1]}{verb[0]}{part[1:]}" if _BARE.match(part, 1) else part for part in parts[1:])]


def _fronted(part: str) -> str:
    """A part of a clause with what is said of the whole of it before the rest; a joining word stays first."""
    said = "".join(_MOVED.findall(part))
    joint = part[:1] if part[:1] in JOINTS else ""
    return joint + said + _MOVED.sub(" ", part[len(joint) :])


def _whose(words: str) -> str:
    """An owner as another company where none of its words is a known one: MOUTAI'S."""
    known = any(word in _ENGLISH or word in _NOBODY for word in words.split())
    return words if known else "某股的"


def _record(word: str) -> str:
    return "新高" if word.startswith("HIGH") else "新低"
