"""Whether a number in prose is what the snapshot has: rounding, signs, thresholds, ranges and units.

Pure: never imports airflow, an HTTP client or a database driver. A number is right when it is the snapshot's, rounded
half up to the decimals that are written, and no further from it than a tenth of it. A threshold that practically every
stock keeps says nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import floor
from typing import Final, Literal

from ljwx.core.claims.names import Place
from ljwx.core.claims.numerals import Number
from ljwx.core.features.facts import Said, Unit

Op = Literal["eq", "gt", "ge", "lt", "le", "in"]
COARSEST: Final = 0.1
"""How far from the value a rounded number may be, as a share of it."""
_TINY: Final = 1e-9
_NOT: Final[dict[Op, Op]] = {"gt": "le", "ge": "lt", "lt": "ge", "le": "gt"}
_FACTORS: Final[dict[Unit, dict[str, tuple[float, int]]]] = {
    "number": {"": (1, 0), "percent": (1, 0), "times": (1, 0)},
    "percent": {"": (1, 0), "percent": (1, 0), "permille": (0.1, 1), "basis": (0.01, 2)},
    "fraction": {"": (1, 0), "percent": (0.01, 2)},
    "ratio": {"": (1, 0), "times": (1, 0)},
    "score": {"": (1, 0), "points": (1, 0), "percent": (1, 0)},
    "rank": {"": (1, 0), "percent": (1, 0), "points": (1, 0)},
}
"""What a written unit times, and by how many decimals it shifts, for each unit of a fact; another one is wrong."""


@dataclass(frozen=True)
class Statement:
    """What a clause says of a number of the snapshot.

    :param high: the upper end, of a range.
    :param direction: 1: it rose, -1: it fell; ``noun``: a rise or fall as a thing (跌幅), which may have its sign.
    :param side: 1: above the close, -1: below.
    :param apart: how far off a level is, whether above or below.
    :param near: it is said to come near the number, which says little.
    """

    number: Number
    op: Op = "eq"
    high: Number | None = None
    direction: int = 0
    noun: bool = False
    side: int = 0
    denied: bool = False
    near: bool = False
    apart: bool = False


@dataclass(frozen=True)
class Judged:
    """Whether a statement holds (None: the snapshot cannot say), and whether any stock would keep to it."""

    holds: bool | None
    empty: bool = False


@dataclass(frozen=True)
class _Seen:
    """A value, the written bounds and the usual range, all as the statement counts them."""

    value: float
    low: float
    high: float
    usual: tuple[float, float] | None


def judge(place: Place, value: float | None, statement: Statement) -> Judged:
    """Hold a statement against the value of a place; None: there is no such level, or the snapshot lacks it."""
    if value is None:
        return Judged(False if place.path[0] == "levels" else None)
    low, high = (_in_unit(place.said.unit, number) for number in (statement.number, statement.high or statement.number))
    if low is None or high is None:
        return Judged(False)
    said = place.said
    if statement.direction and said.means not in ("move", "fall") and said.unit != "rank":
        return Judged(None)
    seen = _seen(place, value, low, high, statement)
    return Judged(False) if seen is None else _compared(seen, statement, _decimals(said.unit, statement.number))


def _in_unit(unit: Unit, number: Number) -> float | None:
    factor = _FACTORS[unit].get(number.unit)
    return None if factor is None else number.value * factor[0]


def _decimals(unit: Unit, number: Number) -> int:
    return number.decimals + _FACTORS[unit][number.unit][1]


def _seen(place: Place, value: float, low: float, high: float, statement: Statement) -> _Seen | None:
    """The value with the sign that the words give it; None where they give it the wrong one."""
    said, turn = place.said, 1
    if said.means == "fall":
        low, high = sorted((abs(low), abs(high)))
        return None if statement.direction > 0 else _Seen(abs(value), low, high, said.usual)
    if said.means == "move" and statement.direction:
        if low < 0:
            return _Seen(value, low, high, said.usual) if statement.noun else None
        turn = statement.direction
        if turn * value <= 0 and not statement.denied:
            return None
    elif said.means == "distance":
        if statement.apart and not statement.side:
            return _Seen(abs(value), abs(low), abs(high), None)
        return _distance(place, value, low, high, statement.side)
    return _Seen(turn * value, low, high, _turned(said, turn))


def _distance(place: Place, value: float, low: float, high: float, side: int) -> _Seen | None:
    """A level's distance: a support is below the close whatever its sign, another level where its sign or side says."""
    if side and value * side < 0:
        return None
    if place.path == ("levels", "support"):
        low, high = sorted((abs(low), abs(high)))
        return _Seen(abs(value), low, high, _turned(place.said, -1))
    turn = side if side and low >= 0 else 1
    return _Seen(turn * value, low, high, _turned(place.said, turn))


def _turned(said: Said, turn: int) -> tuple[float, float] | None:
    if said.usual is None or turn > 0:
        return said.usual
    return -said.usual[1], -said.usual[0]


def _compared(seen: _Seen, statement: Statement, decimals: int) -> Judged:
    op = statement.op
    if op in ("eq", "in"):
        if op == "eq":
            holds = is_rounded(seen.value, seen.low, decimals)
            if statement.near and not holds:
                return Judged(abs(seen.value - seen.low) <= COARSEST * abs(seen.low), empty=True)
            return Judged(not holds, empty=not holds) if statement.denied else Judged(holds)
        low, high = sorted((seen.low, seen.high))
        within = low - _TINY <= seen.value <= high + _TINY
        return Judged(within is not statement.denied, _is_empty("gt", low, seen) and _is_empty("lt", high, seen))
    op = _NOT[op] if statement.denied else op
    holds = {
        "gt": seen.value > seen.low + _TINY, "ge": seen.value >= seen.low - _TINY,
        "lt": seen.value < seen.low - _TINY, "le": seen.value <= seen.low + _TINY,
    }[op]  # fmt: skip
    return Judged(holds, _is_empty(op, seen.low, seen))


def _is_empty(op: Op, bound: float, seen: _Seen) -> bool:
    """Whether practically every stock keeps to a threshold."""
    if seen.usual is None:
        return False
    return bound < seen.usual[0] if op in ("gt", "ge") else bound > seen.usual[1]


def is_rounded(value: float, said: float, decimals: int) -> bool:
    """Whether a number is a value rounded half up to so many decimals, and within a tenth of it."""
    scale = 10.0**decimals
    rounded = floor(abs(value) * scale + 0.5 + _TINY) / scale
    near = abs(said - value) <= COARSEST * abs(value) + _TINY
    return near and abs(abs(said) - rounded) <= _TINY * max(1.0, rounded)
