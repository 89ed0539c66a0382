"""The stocks that a person may name: by code, by name, and by the name's pinyin.

Pure: never imports airflow, an HTTP client or a database driver. Pinyin is given by the caller.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

Spelling = tuple[str, str]
"""A name's pinyin: whole, such as ``pinganyinhang``, and its first letters, such as ``payh``."""

MARKS: Final = re.compile(r"^(?:\*?ST|S\*?ST|XD|XR|DR|N|C)(?=[\u4e00-\u9fff])")
"""What an exchange puts before a name for a time: special treatment, ex-rights, newly listed."""

_SHARES: Final = re.compile(r"^g(?=[\u4e00-\u9fff])|(?<=[\u4e00-\u9fff])-?[abuwd]{1,2}$")
"""The mark of a share reform of 2006 before a name, and that of a kind of share behind it."""


@dataclass(frozen=True)
class KnownStock:
    """A stock with its names.

    :param name: the newest; `former`: those before it.
    """

    ts_code: str
    name: str
    former: tuple[str, ...] = ()

    @property
    def shown(self) -> str:
        """Name and code."""
        return f"{self.name}({self.ts_code})" if self.name else self.ts_code


def plain(text: str) -> str:
    """Text in one way of writing: half width, lower case, without blanks."""
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", text)).lower()


class Directory:
    """Finds stocks.

    :param spell: pinyin of a name; asked only once something is spelt with letters.
    """

    def __init__(self, stocks: Iterable[KnownStock], spell: Callable[[str], Spelling]) -> None:
        self.by_code: Mapping[str, KnownStock] = {stock.ts_code: stock for stock in stocks}
        self._spell = spell

    @cached_property
    def by_digits(self) -> Mapping[str, tuple[KnownStock, ...]]:
        """Stocks by the six digits of their code."""
        return _grouped((stock.ts_code[:6], stock) for stock in self.by_code.values())

    @cached_property
    def by_name(self) -> Mapping[str, tuple[KnownStock, ...]]:
        """Stocks by every name they have or had, plainly written; who has it now goes before who had it."""
        every = self.by_code.values()
        now = _grouped((name, stock) for stock in every for name in _spellings(stock.name))
        before = _grouped((n, stock) for stock in every for former in stock.former for n in _spellings(former))
        return {**before, **now}

    @cached_property
    def longest_name(self) -> int:
        """Letters of the longest name."""
        return max(map(len, self.by_name), default=0)

    @cached_property
    def by_pinyin(self) -> Mapping[str, tuple[KnownStock, ...]]:
        """Stocks by the whole pinyin of their newest name."""
        return _grouped((whole, stock) for stock, (whole, _) in self._spelt if whole)

    @cached_property
    def by_initials(self) -> Mapping[str, tuple[KnownStock, ...]]:
        """Stocks by the first letters of the pinyin of their newest name."""
        return _grouped((initials, stock) for stock, (_, initials) in self._spelt if initials)

    @cached_property
    def _spelt(self) -> list[tuple[KnownStock, Spelling]]:
        return [(stock, self._spell(_bare(plain(stock.name)))) for stock in self.by_code.values() if stock.name]

    def containing(self, part: str) -> tuple[KnownStock, ...]:
        """Return the stocks whose newest name holds a part of one."""
        return tuple(stock for stock in self.by_code.values() if part in plain(stock.name))

    def inside(self, words: str) -> tuple[KnownStock, ...]:
        """Return the stocks whose newest name stands in some words."""
        return tuple(stock for stock in self.by_code.values() if len(name := plain(stock.name)) > 1 and name in words)

    def is_short_for(self, part: str, stock: KnownStock) -> bool:
        """Whether a part is a name without the mark of its shares: 万科 of 万科A, 茅台 of the former G茅台."""
        return any(_SHARES.sub("", _bare(plain(name))) == part for name in (stock.name, *stock.former))

    def search(self, words: str, most: int = 20) -> list[KnownStock]:
        """Return the stocks that a few letters may mean, the likeliest first: by code, name, pinyin, first letters."""
        wanted = plain(words)
        if not wanted:
            return []
        ranked = {stock.ts_code: (at, stock) for stock in self.by_code.values() if (at := self._place(stock, wanted))}
        return [stock for _, stock in sorted(ranked.values(), key=lambda each: (each[0], each[1].ts_code))][:most]

    def _place(self, stock: KnownStock, wanted: str) -> int:
        """How likely a stock is meant: 1 the likeliest, 0 not at all."""
        code, name = stock.ts_code.lower(), self._plain_of[stock.ts_code]
        if wanted in (code, code[:6], name):
            return 1
        if code.startswith(wanted) or name.startswith(wanted):
            return 2
        if wanted in name:
            return 3
        if not wanted.isascii() or not wanted.isalpha():
            return 0
        whole, initials = self._spell_of[stock.ts_code]
        return 4 if wanted in (whole, initials) else 5 if whole.startswith(wanted) or initials.startswith(wanted) else 0

    @cached_property
    def _plain_of(self) -> Mapping[str, str]:
        return {code: plain(stock.name) for code, stock in self.by_code.items()}

    @cached_property
    def _spell_of(self) -> Mapping[str, Spelling]:
        spelt = {stock.ts_code: spelling for stock, spelling in self._spelt}
        return {code: spelt.get(code, ("", "")) for code in self.by_code}


def _grouped(pairs: Iterable[tuple[str, KnownStock]]) -> dict[str, tuple[KnownStock, ...]]:
    found: dict[str, dict[str, KnownStock]] = {}
    for key, stock in pairs:
        found.setdefault(key, {})[stock.ts_code] = stock
    return {key: tuple(stocks.values()) for key, stocks in found.items()}


def _bare(name: str) -> str:
    """A plain name without what an exchange put before it for a time."""
    return MARKS.sub("", name.upper()).lower()


def _spellings(name: str) -> set[str]:
    written = plain(name)
    return {each for each in (written, _bare(written)) if len(each) > 1}
