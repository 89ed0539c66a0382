"""Whether the words of a clause are what the snapshot has: signals, directions, price limits, and which line is above.

Pure: never imports airflow, an HTTP client or a database driver.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from ljwx.core.claims.names import MILD, OWNERS, SUBJECTS, THIS_DAY, Place, Subject
from ljwx.core.claims.numbers import Statement
from ljwx.core.snapshots.fields import SIGNALS_SECTION

Facts = Mapping[str, Any]

SAYS: Final = {
    "大涨": ("大涨", "上涨"),
    "大跌": ("大跌", "下跌"),
    "涨停": ("涨停", "触及涨停"),
    "跌停": ("跌停", "触及跌停"),
    "触及涨停": ("触及涨停", "涨停打开"),
    "触及跌停": ("触及跌停", "跌停打开"),
}
"""Words that say a milder one too."""
UNKNOWN_LIMIT: Final = "未知"
_BANDS: Final = {
    "boll_upper": ("上轨之上",),
    "boll_mid": ("上轨之上", "中轨上方"),
    "boll_lower": ("上轨之上", "中轨上方", "中轨下方"),
}
"""The words that say that the close is above a band."""
_AVERAGES: Final = tuple(name for name in SUBJECTS if re.fullmatch(r"MA\d+", name))
_COMPARED: Final = {"ma", "ema", "boll", "macd", "kdj", "rsi", "ret"}
"""Families of numbers on one scale."""


def value_of(facts: Facts, place: Place) -> Any:
    """The value of a place; None where the snapshot has none or lacks the place."""
    found: Any = facts
    for key in place.path:
        found = found.get(key) if isinstance(found, Mapping) else None
    return found


def says(facts: Facts, signal: str, word: str) -> bool | None:
    """Whether a signal has a word, or a stronger one; None where the snapshot lacks the signal."""
    has = facts[SIGNALS_SECTION].get(signal)
    return None if has is None else word in SAYS.get(has, (has,))


def limit_says(facts: Facts, word: str) -> bool | None:
    """Whether the session ended so against its price limits; None where no limit is known."""
    limit = facts.get("limit", UNKNOWN_LIMIT)
    return None if limit == UNKNOWN_LIMIT else word in SAYS.get(limit, (limit,))


def moved(facts: Facts, subject: Subject | None, word: str, direction: int) -> bool | None:
    """Whether something rose or fell; None where the snapshot holds no such move."""
    subject = subject or THIS_DAY
    if word in OWNERS:
        held = [says(facts, name, word) for name in subject.signals if name in OWNERS[word]]
        known = [holds for holds in held if holds is not None]
        if known and (word in MILD or not subject.moves):
            return any(known)
    values = [value_of(facts, place) for place in subject.places if place.said.means == "move"]
    known_values = [value for value in values if value is not None]
    return any(value * direction > 0 for value in known_values) if known_values else None


def is_above(facts: Facts, left: Subject | None, right: Subject | None) -> bool | None:
    """Whether one line is above another, None as a line being the close; None where the snapshot cannot say."""
    if left is None or right is None:
        line = right or left
        if line is not None and not line.places and "ma" in line.signals:
            above = _above_all(facts)
            return above if left is None or above is None else not above
        above = None if line is None else _close_above(facts, line.places[0]) if line.is_level else None
        return above if left is None or above is None else not above
    if not left.places or not right.places or _family(left) != _family(right):
        return None
    a, b = (value_of(facts, subject.places[0]) for subject in (left, right))
    return None if a is None or b is None else bool(a > b)


def _family(subject: Subject) -> str | None:
    section, name = subject.places[0].path
    family = name.partition("_")[0]
    if section != "features" or family not in _COMPARED:
        return None
    return "average" if family in ("ma", "ema", "boll") else family


def _above_all(facts: Facts) -> bool | None:
    """Whether the close is above every average, or below every one; None where it is between them or one is missing."""
    found = {_close_above(facts, place) for name in _AVERAGES for place in SUBJECTS[name].places}
    return found.pop() if len(found) == 1 else None


def _close_above(facts: Facts, place: Place) -> bool | None:
    """Whether the close is above a level. Without a resistance it is above them all, without a support below."""
    section, name = place.path
    if section == "levels":
        return (value_of(facts, place) is None) is (name == "resistance")
    word = facts[SIGNALS_SECTION].get("boll")
    if name in _BANDS and word is not None:
        return word in _BANDS[name]
    value = value_of(facts, place)
    return None if value is None else bool(value < 0)


def exists(facts: Facts, level: Subject) -> bool | None:
    """Whether there is such a support or resistance, or a fall at all; None for what is neither."""
    for place in level.places:
        if place.path[0] == "levels":
            return value_of(facts, place) is not None
        if place.said.means == "fall":
            return bool(value_of(facts, place))
    return None


def range_says(facts: Facts, statement: Statement) -> bool | None:
    """Whether the expected range is the one said: both ends, or how far to either side."""
    expected = facts.get("range")
    if expected is None:
        return None
    low = statement.number
    if low.unit not in ("", "percent"):
        return False
    if statement.high is None:
        return low.value in ((expected["high"],) if low.both else (expected["low"], expected["high"]))
    return bool(low.value == expected["low"] and statement.high.value == expected["high"])
