"""Which stocks a text names: by code, by a name of theirs, by its pinyin or its first letters.

Pure: never imports airflow, an HTTP client or a database driver. What fits several stocks is none of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from ljwx.core.analysis.stocks import Directory, KnownStock
from ljwx.core.analysis.subjects import ENGLISH_WORDS, FILLING

_CODE: Final = re.compile(
    r"(?<![\da-z.])(?:(?P<before>sh|sz|bj)[.:\s]?)?(?P<digits>\d{6})(?!\d)"
    r"(?:\s?\.\s?(?P<after>xshg|xshe|szse|sse|sh|ss|sz|bj)|(?P<near>sh|sz|bj)|\.(?P<other>[a-z]{2}))?(?![a-z0-9])"
)
_QUANTITY: Final = re.compile(r"\s*(?:元|块|股|手|万|亿|%|个|份|rmb|cny|yuan|shares)")
_SHANGHAI, _SHENZHEN, _BEIJING = ("sh", "ss", "xshg", "sse"), ("sz", "xshe", "szse"), ("bj",)
_EXCHANGES: Final = {
    **dict.fromkeys(_SHANGHAI, "SH"), **dict.fromkeys(_SHENZHEN, "SZ"), **dict.fromkeys(_BEIJING, "BJ")
}  # fmt: skip
_NO_STOCK: Final = re.compile(r"\s*(?:板块|行业|概念|产业|指数|etf|基金)")
"""What follows a word that is also a stock's name, and means something else by it."""
_WORD: Final = re.compile(r"[a-z]+")
_CHINESE_RUN: Final = re.compile("[\u4e00-\u9fff]{2,8}")
LEAST_PINYIN, LEAST_INITIALS, MOST_WORDS = 5, 4, 6
MOST_NEAR: Final = 5


@dataclass
class Named:
    """What a text names.

    :param unknown: codes that are no stock's; `near`: stocks with the same digits.
    :param several: words that fit several stocks, with these.
    :param rest: what may be a name, and is that of no stock.
    :param left: the text without codes and names.
    """

    found: list[tuple[int, KnownStock]] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    near: tuple[KnownStock, ...] = ()
    several: list[tuple[str, tuple[KnownStock, ...]]] = field(default_factory=list)
    rest: str = ""
    left: str = ""

    @property
    def stocks(self) -> tuple[KnownStock, ...]:
        """Each stock once, in the order of the text."""
        return tuple({stock.ts_code: stock for _, stock in sorted(self.found, key=lambda each: each[0])}.values())

    def take(self, at: int, words: str, stocks: tuple[KnownStock, ...]) -> None:
        """Note what some words fit."""
        if len(stocks) == 1:
            self.found.append((at, stocks[0]))
        elif stocks:
            self.several.append((words, stocks))


def named_in(text: str, directory: Directory) -> Named:
    """Return the stocks that a text names.

    :param text: in half width and lower case, without days.
    """
    named = Named()
    left = _names(_codes(text, directory, named), directory, named)
    named.left = left = _pinyin(left, directory, named)
    if not named.found and not named.several and not named.unknown:
        _parts(left, directory, named)
    return named


def _codes(text: str, directory: Directory, named: Named) -> str:
    """Take the codes out of a text."""
    left = text
    for match in _CODE.finditer(text):
        exchange = match["before"] or match["near"] or match["after"] or match["other"]
        if exchange is None and _QUANTITY.match(text, match.end()):
            continue
        left = _blank(left, match.start(), match.end())
        stocks = directory.by_digits.get(match["digits"], ())
        if exchange is not None:
            wanted = _EXCHANGES.get(exchange, exchange.upper())
            fitting = tuple(stock for stock in stocks if stock.ts_code.endswith(wanted))
            if not fitting:
                named.unknown.append(f"{match['digits']}.{wanted}")
                named.near = stocks
            named.take(match.start(), match[0], fitting)
        elif stocks:
            named.take(match.start(), match[0], stocks)
        else:
            named.unknown.append(match["digits"])
    return left


def _names(text: str, directory: Directory, named: Named) -> str:
    """Take the whole names out of a text, the longest first; a name may be written with blanks in it."""
    at = 0
    while at < len(text):
        end = _longest_name(text, at, directory)
        if end is None or _NO_STOCK.match(text, end):
            at = end or at + 1
            continue
        written = text[at:end]
        named.take(at, written, directory.by_name[re.sub(r"\s", "", written)])
        text = _blank(text, at, end)
        at = end
    return text


def _longest_name(text: str, at: int, directory: Directory) -> int | None:
    """Where the longest name ends that begins here; one of letters has to stand alone."""
    if text[at].isspace() or (text[at].isascii() and text[at].isalnum() and at and _is_letter(text[at - 1])):
        return None
    found, written = None, ""
    for end in range(at + 1, min(len(text), at + 2 * directory.longest_name) + 1):
        if text[end - 1].isspace():
            continue
        written += text[end - 1]
        cut = _is_letter(text[end - 1]) and end < len(text) and _is_letter(text[end])
        if written in directory.by_name and not cut and not written.isascii():
            found = end
    return found


def _is_letter(sign: str) -> bool:
    return sign.isascii() and sign.isalnum()


def _pinyin(text: str, directory: Directory, named: Named) -> str:
    """Take pinyin out of a text: of a whole name, written in one or in several words; else its first letters."""
    words = list(_WORD.finditer(text))
    if not any(len(word[0]) > 1 for word in words):
        return text
    at = 0
    while at < len(words):
        length = _longest_pinyin(text, words, at, directory)
        if length:
            start, end = words[at].start(), words[at + length - 1].end()
            spelt = "".join(word[0] for word in words[at : at + length])
            named.take(start, text[start:end], directory.by_pinyin[spelt])
            text = _blank(text, start, end)
        at += length or 1
    if not named.found and not named.several:
        for match, stocks in _initials(text, directory):
            named.take(match.start(), match[0], stocks)
            text = _blank(text, match.start(), match.end())
    return text


def _longest_pinyin(text: str, words: list[re.Match[str]], at: int, directory: Directory) -> int:
    """How many words from here on are the pinyin of a name; 0 where none are."""
    spelt, found, is_english = "", 0, True
    for length, word in enumerate(words[at : at + MOST_WORDS], start=1):
        if length > 1 and text[words[at + length - 2].end() : word.start()].strip(" '-"):
            break
        spelt, is_english = spelt + word[0], is_english and word[0] in ENGLISH_WORDS
        if len(spelt) >= LEAST_PINYIN and spelt in directory.by_pinyin and not is_english:
            found = length
    return found


def _initials(text: str, directory: Directory) -> Iterator[tuple[re.Match[str], tuple[KnownStock, ...]]]:
    """Yield the words that are the first letters of a name; none where a word is there that nothing is known of."""
    odd = [word for word in _WORD.finditer(text) if word[0] not in ENGLISH_WORDS and len(word[0]) >= LEAST_INITIALS]
    if len(odd) == 1 and odd[0][0] in directory.by_initials:
        yield odd[0], directory.by_initials[odd[0][0]]


def _parts(text: str, directory: Directory, named: Named) -> None:
    """Take what is left, without the words of a question, for a part of a name."""
    left = FILLING.sub(" ", text)
    for match in _CHINESE_RUN.finditer(left):
        stocks = directory.containing(match[0])
        named.take(match.start(), match[0], stocks)
        if not stocks and not named.rest:
            named.rest = match[0]
    odd = [word[0] for word in _WORD.finditer(left) if word[0] not in ENGLISH_WORDS and len(word[0]) > 1]
    if not named.rest and odd:
        named.rest = " ".join(odd[:MOST_WORDS])


def _blank(text: str, start: int, end: int) -> str:
    return text[:start] + " " * (end - start) + text[end:]
