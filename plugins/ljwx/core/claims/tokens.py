"""A clause cut into names, numbers, periods and words that do something; what is none of them is unknown.

Pure: never imports airflow, an HTTP client or a database driver.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from ljwx.core.claims.fillers import FILLERS, TALK
from ljwx.core.claims.names import OWNERS, SAME_WORD, SUBJECTS, TODAY, Subject, not_held
from ljwx.core.claims.numerals import Number, number_at
from ljwx.core.claims.vocabulary import WORDS, Kind


@dataclass(frozen=True)
class Token:
    """A piece of a clause.

    :param subject: of a name or a period; of a period alone its move.
    """

    kind: Kind
    text: str
    number: Number | None = None
    subject: Subject | None = None


_LIMIT: Final = re.compile(
    r"(?P<touched>(?:盘中|曾|一度|最高|最低|曾经)*(?:触及|触到|触|摸到|一度|触碰|触达|打到)(?:过|了)?)?(?P<limit>涨停|跌停)板?(?P<opened>(?:后|又|被)*(?:打开|开板|炸板))?"
)
_PERIOD: Final = re.compile(r"(?:个)?(?:交易)?[日天](?!线级|K|内部|元)")
_BEFORE: Final = re.compile(r"(?:前|以前|之前)(?!收)")
_RECENT: Final = re.compile(
    r"(?:(?:最近|过去|近|此前|过往|这|最新|未来|前(?!一|1))(?:的)?)(?=[\d一二两三四五六七八九十廿]+(?:个)?(?:交易)?[日天])"
)
_SINCE: Final = re.compile(r"(?:较|比|相比|相较|与|相对)(?:于)?(?P<n>\d+)(?:个)?(?:交易)?日(?:之)?前(?:相比)?")
_OTHER_FRAME: Final = re.compile(r"[\d一二三四五六十]+(?:个)?(?:分钟|小时|周|月|年|季度)(?:线|K|级别)?")
_DATE: Final = re.compile(r"(?:(\d{4})[-年/.])(\d{1,2})[-月/.](\d{1,2})日?|(\d{1,2})月(\d{1,2})[日号]")
_CODE: Final = re.compile(r"(?<![\d.])\d{6}(?:\.(?:SZ|SH|BJ))?(?![\d.%])")
_COUNT: Final = re.compile(r"[\d一二两三四五六七八九十]+连[阳阴板涨跌]|[数几上]?[十百千万]{1,2}亿(?:元)?")
_SPECIAL: Final = frozenset("涨跌盘曾一最触摸打较比相与过近此这未前数几上十百千万二两三四五六七八九廿0123456789")
"""Characters that begin what :func:`_special` knows."""
_LATIN: Final = re.compile(r"[A-Z]")
_STATE: Final = re.compile("区间|区域|区|状态|形态|格局|信号")


def _by_first(words: Iterable[tuple[str, Kind]]) -> dict[str, list[tuple[str, Kind]]]:
    known: dict[str, Kind] = {}
    for word, kind in words:
        known.setdefault(word, kind)
    table: dict[str, list[tuple[str, Kind]]] = {}
    for word in sorted(known, key=len, reverse=True):
        table.setdefault(word[0], []).append((word, known[word]))
    return table


def _every_word() -> Iterator[tuple[str, Kind]]:
    yield from ((name, Kind.NAME) for name in SUBJECTS if name not in TODAY and not re.match(r"\d+日", name))
    yield from ((word, Kind.WORD) for word in (*OWNERS, *SAME_WORD) if word not in _DIRECTIONS)
    yield from ((word, kind) for kind, words in WORDS.items() for word in words.split())
    yield from ((word, Kind.TALK) for word in TALK.split())
    yield from ((word, Kind.FILLER) for word in FILLERS.split())


_DIRECTIONS: Final = frozenset(f"{WORDS[Kind.RISE]} {WORDS[Kind.FALL]}".split())
_TABLE: Final = _by_first(_every_word())
_MOVES: Final = frozenset(f"{WORDS[Kind.GAIN]} {WORDS[Kind.LOSS]} {WORDS[Kind.CHANGE]}".split())
_PERIODIC: Final = sorted(
    (name for name in SUBJECTS if re.match(r"\d+日.", name) and name.partition("日")[2] not in _MOVES),
    key=len,
    reverse=True,
)
_OF_PERIOD: Final = {
    n: [name.partition("日")[2] for name in _PERIODIC if name.partition("日")[0] == n]
    for n in {name.partition("日")[0] for name in _PERIODIC}
}
"""Sessions → what can follow them in a name: 20 → 波动, 均线 …"""


@lru_cache(maxsize=4096)
def tokens(clause: str) -> tuple[Token, ...]:
    """The pieces of a plain clause, in order; unknown characters that stand together are one piece."""
    found: list[Token] = []
    at = 0
    while at < len(clause):
        token, end = _token(clause, at)
        if token.kind is Kind.UNKNOWN and found and found[-1].kind is Kind.UNKNOWN:
            found[-1] = Token(Kind.UNKNOWN, found[-1].text + token.text)
        else:
            found.append(token)
        at = end
    return tuple(found)


def _token(clause: str, at: int) -> tuple[Token, int]:
    character = clause[at]
    if character == " ":
        return Token(Kind.FILLER, " "), at + 1
    special = _special(clause, at)
    if special:
        return special
    word = _longest(clause, at)
    numeral = _numeral(clause, at)
    if numeral and (word is None or numeral[1] >= at + len(word.text)):
        return numeral
    if word:
        return word, at + len(word.text)
    return Token(Kind.UNKNOWN, character), at + 1


def _special(clause: str, at: int) -> tuple[Token, int] | None:
    """A price limit, a date, a code, the word before a period."""
    if clause[at] not in _SPECIAL:
        return None
    limit = _LIMIT.match(clause, at)
    if limit and clause[limit.end() : limit.end() + 1] not in ("价", "潮"):
        said = f"{limit['limit']}打开" if limit["opened"] else ("触及" if limit["touched"] else "") + limit["limit"]
        return Token(Kind.LIMIT, said), limit.end()
    since = _SINCE.match(clause, at)
    if since:
        name = f"{since['n']}日"
        return Token(Kind.PERIOD, name, subject=SUBJECTS.get(name, not_held(name))), since.end()
    for pattern, kind in (
        (_DATE, Kind.DATE),
        (_COUNT, Kind.COUNT),
        (_CODE, Kind.CODE),
        (_RECENT, Kind.FILLER),
        (_OTHER_FRAME, Kind.OTHER_DAY),
    ):
        match = pattern.match(clause, at)
        if match:
            future = kind is Kind.FILLER and match[0].startswith("未来")
            return Token(Kind.FUTURE if future else kind, match[0]), match.end()
    return None


def _longest(clause: str, at: int) -> Token | None:
    for word, kind in _TABLE.get(clause[at], ()):
        if clause.startswith(word, at) and _whole(clause, at, word, kind):
            return Token(kind, word, subject=SUBJECTS[word] if kind is Kind.NAME else None)
    return None


def _whole(clause: str, at: int, word: str, kind: Kind) -> bool:
    """A name in letters is no part of a longer word: K is not in KDJ; and RSI14 is not in RSI14.5 or RSI140."""
    after = clause[at + len(word) : at + len(word) + 1]
    if kind is Kind.NAME and _LATIN.match(word[-1]) and _LATIN.match(after):
        return False
    if kind is Kind.NAME and at and _LATIN.match(word[0]) and _LATIN.match(clause[at - 1]):
        return False
    if kind in (Kind.ABOVE, Kind.AT_MOST) and word.endswith("超") and after in ("买", "卖", "跌"):
        return False
    if kind is Kind.NAME and word.endswith("流") and after in ("入", "出"):
        return False
    return not (kind is Kind.NAME and word[-1].isdigit() and (after.isdigit() or after == "."))


def _numeral(clause: str, at: int) -> tuple[Token, int] | None:
    """A number; or a period, with the name that it is part of."""
    found = number_at(clause, at)
    if found is None:
        return None
    number, end = found
    period = _PERIOD.match(clause, end) if not number.unit and number.value == int(number.value) else None
    if period:
        return _period(clause, at, period.end(), f"{abs(int(number.value))}")
    return Token(Kind.NUMBER, clause[at:end], number), end


def _period(clause: str, at: int, end: int, n: str) -> tuple[Token, int]:
    for rest in _OF_PERIOD.get(n, ()):
        if clause.startswith(rest, end):
            name = f"{n}日{rest}"
            return Token(Kind.NAME, name, subject=SUBJECTS[name]), end + len(rest)
    if _BEFORE.match(clause, end):
        return Token(Kind.OTHER_DAY, clause[at : end + 1]), end + 1
    name = f"{n}日"
    return Token(Kind.PERIOD, name, subject=SUBJECTS.get(name, not_held(name))), end
