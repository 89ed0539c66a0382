"""What Chinese prose calls the facts and signals of a snapshot, and where the snapshot has them.

Pure: never imports airflow, an HTTP client or a database driver.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from ljwx.core.features import GROUPS
from ljwx.core.features.facts import RANKS, Said
from ljwx.core.features.signals import Signal
from ljwx.core.features.technical.signals import MOVES
from ljwx.core.snapshots.facts import signals_in
from ljwx.core.snapshots.fields import fields
from ljwx.core.templates import Path


@dataclass(frozen=True)
class Place:
    """A number of the snapshot: its keys, and how prose speaks of it."""

    path: Path
    said: Said


@dataclass(frozen=True)
class Subject:
    """What a clause speaks of.

    :param places: the numbers that the name can mean; a claim that is true of one of them is true.
    :param ranks: the same, in a clause that speaks of ranks.
    :param signals: the signals whose words it can have.
    :param held: False: prose names something that no snapshot holds.
    """

    name: str
    places: tuple[Place, ...] = ()
    ranks: tuple[Place, ...] = ()
    signals: tuple[str, ...] = ()
    held: bool = True

    @property
    def moves(self) -> bool:
        """Whether it can rise and fall by a number."""
        return any(place.said.means == "move" for place in self.places)

    @property
    def is_range(self) -> bool:
        """Whether it is the expected range, which has two ends."""
        return any(place.path[0] == "range" for place in self.places)

    @property
    def is_level(self) -> bool:
        """Whether it is an average, a band, a support or a resistance."""
        return any(place.said.means == "distance" for place in self.places)


TODAY: Final = ("当日", "今日")
"""Names of the session's own move, whose number and word two places of the snapshot hold."""
SIGNALS: Final[tuple[Signal, ...]] = signals_in(GROUPS)
OWNERS: Final = {word: tuple(s.name for s in SIGNALS if word in s.words) for s in SIGNALS for word in s.words}
"""Each word of a signal, and the signals that can have it."""
SAME_WORD: Final = {
    "黄金交叉": "金叉", "死亡交叉": "死叉", "金叉向上": "金叉", "死叉向下": "死叉", "均线交织": "交织",
    "净流入": "流入", "净流出": "流出", "张口": "张开",
}  # fmt: skip
MILD: Final = frozenset(MOVES)
"""What the price did over some sessions."""


_IN_WORDS: Final = {
    "5": ("五",), "6": ("六",), "10": ("十",), "12": ("十二",), "14": ("十四",), "20": ("二十",), "24": ("二十四",),
    "26": ("二十六",), "60": ("六十",),
}  # fmt: skip


def _variants(name: str) -> Iterator[str]:
    """A name, and the ways to write its number of sessions: RSI14, RSI(14), 14日RSI; 20日波动, 波动(20日)."""
    yield name
    behind, before = re.fullmatch(r"(\D+)(\d+)", name), re.fullmatch(r"(\d+)日(.+)", name)
    if behind:
        base, n = behind.groups()
        yield from (f"{base}{between}{n}" for between in ("-", " ", "_"))
        yield from (f"{base}{words}" for words in _IN_WORDS.get(n, ()))
        yield from (f"{base}{more}({n}{unit})" for more in ("", "指标") for unit in ("", "日"))
        yield from (f"{n}日{base}", *(f"{name}{more}" for more in ("指标", "值", "线", "日")))
    elif before and not before[2].endswith(("幅", "涨跌")):  # whose sign is in the word
        n, base = before.groups()
        yield from (f"{base}({n}日)", f"{base}({n})")
    elif name.isascii() and len(name) > 1:
        yield from (f"{name}{more}" for more in ("指标", "值"))


def _subjects() -> dict[str, Subject]:
    numbers: dict[str, list[Place]] = {}
    for field in fields(GROUPS, horizon=0):
        for name in field.names:
            for variant in _variants(name):
                numbers.setdefault(variant, []).append(Place(field.path, field.said))
    said_of = {
        variant: signal.name
        for signal in SIGNALS
        for subject in (signal.subject, *signal.also)
        for variant in _variants(subject)
    }
    read = {column: signal.name for signal in SIGNALS for column in signal.columns}
    made = {}
    for name in {*numbers, *said_of}:
        places = numbers.get(name, [])
        signals = {said_of[name]} if name in said_of else {read[p.path[-1]] for p in places if p.path[-1] in read}
        made[name] = Subject(
            name,
            tuple(place for place in places if place.path[0] != RANKS),
            tuple(place for place in places if place.path[0] == RANKS),
            tuple(sorted(signals)),
        )
    return made


SUBJECTS: Final = _subjects()
"""Every name, and what it stands for."""


def _today() -> Subject:
    parts = [SUBJECTS[name] for name in (*TODAY, "1日") if name in SUBJECTS]
    places = {place.path: place for part in parts for place in part.places}
    ranks = {place.path: place for part in parts for place in part.ranks}
    signals = {signal for part in parts for signal in part.signals}
    return Subject("当日", tuple(places.values()), tuple(ranks.values()), tuple(sorted(signals)))


THIS_DAY: Final = _today()
for _name in (*TODAY, *(name for name in SUBJECTS if re.fullmatch(r"1日.*", name))):
    SUBJECTS[_name] = THIS_DAY
if "MACD柱" in SUBJECTS:
    SUBJECTS["柱值"] = SUBJECTS["MACD柱"]
DRAWDOWN: Final = SUBJECTS.get("60日回撤", Subject("60日回撤", held=False))


def not_held(name: str) -> Subject:
    """Something that no snapshot holds."""
    return Subject(name, held=False)
