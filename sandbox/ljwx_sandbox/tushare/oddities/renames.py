"""Stocks whose code changes: one at a time, or a whole exchange on one day, as the Beijing one's did on 2025-10-09."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

History = Literal["new", "old"]
"""Under which code the source has what lies before a rename: the new one, as TuShare was seen to, or the old one."""


@dataclass(frozen=True)
class Rename:
    """A stock that is `old` until `day` and `new` from then on.

    One of the two is the code that the market dealt it; with `name` it is called otherwise from that day on, too.
    """

    old: str
    new: str
    day: date
    name: str = ""

    @classmethod
    def read(cls, text: str) -> Rename:
        """Read ``000003.SZ=001872.SZ@2026-01-15``, and a new name after a second ``@``.

        :raises ValueError: it is no such text.
        """
        codes, _, rest = text.partition("@")
        old, _, new = codes.partition("=")
        day, _, name = rest.partition("@")
        if len(old) != 9 or len(new) != 9:
            raise ValueError(f"{text!r} is no rename; write OLD=NEW@YYYY-MM-DD")
        return cls(old, new, date.fromisoformat(day), name)


@dataclass(frozen=True)
class CodeBook:
    """What each stock of the market is called, on which day.

    :param dealt: the codes that the market dealt.
    :param renames: by the stock's place.
    """

    dealt: tuple[str, ...]
    renames: Mapping[int, Rename]
    history: History

    def of(self, at: int, day: int, today: int) -> str:
        """Return the code under which the source, asked on `today`, has what a stock did on `day`."""
        rename = self.renames.get(at)
        if rename is None:
            return self.dealt[at]
        asked = today if self.history == "new" else day
        return rename.new if asked >= rename.day.toordinal() else rename.old

    def places(self) -> dict[str, int]:
        """Return the place of every code there ever is."""
        found = {code: at for at, code in enumerate(self.dealt)}
        return found | {code: at for at, rename in self.renames.items() for code in (rename.old, rename.new)}


def code_book(codes: tuple[str, ...], renames: Sequence[Rename], bse_day: date | None, history: History) -> CodeBook:
    """Put the renames beside the codes that were dealt.

    :param bse_day: from this day on the stocks of the Beijing exchange have their 920xxx codes.
    :raises ValueError: a rename of a stock that is not in the market, or to a code that another one has.
    """
    places = {code: at for at, code in enumerate(codes)}
    found = {} if bse_day is None else {places[each.new]: each for each in _of_beijing(codes, bse_day)}
    for rename in renames:
        mine = [code for code in (rename.old, rename.new) if code in places]
        if len(mine) != 1:
            raise ValueError(f"rename {rename.old} to {rename.new}: one of the two must be a stock of the market")
        found[places[mine[0]]] = rename
    return CodeBook(codes, found, history)


def _of_beijing(codes: Sequence[str], day: date) -> list[Rename]:
    """Let 920000 have been 830000, and 920001 430001."""
    beijing = [code for code in codes if code.endswith(".BJ")]
    return [Rename(("83" if at % 2 == 0 else "43") + code[2:], code, day) for at, code in enumerate(beijing)]
