"""Which stocks a text names: by code, by a name of theirs, by its pinyin or its first letters.

Pure: never imports airflow, an HTTP client or a database driver. What fits several stocks is none of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from ljwx.core.analysis.around import COMMON, began_before, goes_on, is_among_names, run_around
from ljwx.core.analysis.compared import compared
from ljwx.core.analysis.stocks import Directory, KnownStock
from ljwx.core.analysis.subjects import ENGLISH_WORDS, FILLING

_CODE: Final = re.compile(
    r"(?<![\da-z.])(?:(?P<before>sh|sz|bj)[.:\s]?)?(?P<digits>\d{6})(?!\d)"
    r"(?:\s?\.\s?(?P<after>xshg|xshe|szse|sse|sh|ss|sz|bj)|(?P<near>sh|sz|bj)|\.(?P<other>[a-z]{2}))?(?![b-z0-9]|a(?!股))"
)
_MONEY: Final = re.compile(r"\s*(?:元|块|万|亿|%|rmb|cny|yuan)")
_COUNT: Final = re.compile(r"\s*(?:股(?!票|份|价|市|吧|东)|手(?!上|里|机)|个(?!股)|份(?!额)|shares\b)")
_LOOSE: Final = re.compile(r"(?<!\d)(?<!\d\.)\d{6}(?!\.?\d)")
"""Six digits that stand in something that is no way of writing a code."""
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
    :param unsure: words that may mean a stock, or something else, with the stocks.
    :param unread: what is compared with a stock, and is none that is known.
    :param spans: where codes and names stood.
    :param rest: what may be a name, and is that of no stock.
    :param left: the text without codes and names.
    """

    found: list[tuple[int, KnownStock]] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    near: tuple[KnownStock, ...] = ()
    several: list[tuple[str, tuple[KnownStock, ...]]] = field(default_factory=list)
    unsure: list[tuple[str, tuple[KnownStock, ...]]] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    spans: list[tuple[int, int]] = field(default_factory=list)
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

    def ask(self, text: str, span: tuple[int, int], stocks: tuple[KnownStock, ...]) -> None:
        """Note what is to be asked back, unless a code stands beside the words."""
        start, end = span
        beside = any(to <= start <= to + 2 or at - 2 <= end <= at for at, to in self.spans)
        if not (beside and self.found):
            self.unsure.append((text[start:end].strip(), stocks))

    @property
    def is_empty(self) -> bool:
        """Whether nothing was named."""
        return not (self.found or self.several or self.unknown or self.unsure)


def named_in(text: str, directory: Directory) -> Named:
    """Return the stocks that a text names.

    :param text: in half width and lower case, without days.
    """
    named = Named()
    left = _names(_codes(text, directory, named), directory, named)
    named.left = left = _pinyin(left, directory, named)
    _loose_codes(left, directory, named)
    if named.is_empty:
        _parts(left, directory, named)
    else:
        _compared(text, left, directory, named)
    return named


def _codes(text: str, directory: Directory, named: Named) -> str:
    """Take the codes out of a text."""
    left = text
    for match in _CODE.finditer(text):
        exchange = match["before"] or match["near"] or match["after"] or match["other"]
        if exchange is None and _is_number(text, match, directory):
            continue
        left = _blank(left, match.start(), match.end())
        named.spans.append(match.span())
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


def _is_number(text: str, match: re.Match[str], directory: Directory) -> bool:
    """Whether six digits are an amount or a number of shares: what counts them follows, and no name."""
    counts = _MONEY.match(text, match.end()) or _COUNT.match(text, match.end())
    return counts is not None and (match.end() == len(text) or _longest_name(text, match.end(), directory) is None)


def _loose_codes(left: str, directory: Directory, named: Named) -> None:
    """Ask about digits that are a stock's code, and were taken for a number; an amount beside a stock is one."""
    for match in _LOOSE.finditer(left):
        stocks = directory.by_digits.get(match[0], ())
        if stocks and (named.is_empty or not _MONEY.match(left, match.end())):
            named.unsure.append((match[0], stocks))


def _names(text: str, directory: Directory, named: Named) -> str:
    """Take the whole names out of a text, the longest first; a name may be written with blanks in it."""
    at = 0
    while at < len(text):
        end = _longest_name(text, at, directory)
        if end is None or _NO_STOCK.match(text, end):
            at = end or at + 1
            continue
        at, text = _take_name(text, at, end, directory, named)
    return text


def _take_name(text: str, start: int, end: int, directory: Directory, named: Named) -> tuple[int, str]:
    """Take a name, or ask about it where the text around makes it part of another; return its end and the rest."""
    written = re.sub(r"\s", "", text[start:end])
    stocks = directory.by_name[written]
    follows = end < len(text) and _longest_name(text, end, directory) is not None
    if (goes_on(text, end) and not follows) or (len(written) <= COMMON and began_before(text, start)):
        start, end = run_around(text, start, end)
        inside = directory.inside(re.sub(r"\s", "", text[start:end]))
        named.ask(text, (start, end), tuple(dict.fromkeys((*stocks, *inside))))
    else:
        named.take(start, text[start:end], stocks)
    named.spans.append((start, end))
    return end, _blank(text, start, end)


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
            _take_spelt(text, (start, end), directory.by_pinyin[spelt], named)
            text = _blank(text, start, end)
        at += length or 1
    if not named.found and not named.several:
        for match, stocks in _initials(text, directory):
            _take_spelt(text, match.span(), stocks, named)
            text = _blank(text, match.start(), match.end())
    return text


def _take_spelt(text: str, span: tuple[int, int], stocks: tuple[KnownStock, ...], named: Named) -> None:
    """Take what is spelt with letters, or ask about it where the words beside make another name of it."""
    start, end = span
    if is_among_names(text, start, end):
        named.ask(text, span, stocks)
    else:
        named.take(start, text[start:end], stocks)
    named.spans.append(span)


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
        if not _part(match.start(), match[0], directory, named) and not named.rest:
            named.rest = match[0]
    odd = [word[0] for word in _WORD.finditer(left) if word[0] not in ENGLISH_WORDS and len(word[0]) > 1]
    if not named.rest and odd:
        named.rest = " ".join(odd[:MOST_WORDS])


def _part(at: int, words: str, directory: Directory, named: Named) -> bool:
    """Take words for a part of a name. One that only one stock has is asked about, unless it is short for its name."""
    stocks = directory.containing(words)
    if len(stocks) == 1 and not directory.is_short_for(words, stocks[0]):
        named.unsure.append((words, stocks))
    else:
        named.take(at, words, stocks)
    return bool(stocks)


def _compared(text: str, left: str, directory: Directory, named: Named) -> None:
    """Take what is compared with something known for a part of a name, or note that it is no stock's."""
    for at, words in compared(text, left, named.spans):
        is_part = not words.isascii() and _part(at, words, directory, named)
        if not is_part:
            named.unread.append(words)


def _blank(text: str, start: int, end: int) -> str:
    return text[:start] + " " * (end - start) + text[end:]
