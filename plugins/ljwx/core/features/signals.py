"""Named rules that put a word to a number ("RSI 超买", "MACD 金叉"), as data: the first state that holds is it.

Pure: nothing here may import airflow, HTTP or SQL.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final, Literal

import polars as pl

from ljwx.core.features.windows import TIE

Op = Literal[">=", ">", "<=", "<"]
BY_VOTE: Final = {1: "bullish", 0: "neutral", -1: "bearish"}
"""What a vote is called, as the classes of the technical analysis are."""


@dataclass(frozen=True)
class Condition:
    """``left op right``: a column against a number or another column; a difference of a billionth is none."""

    left: str
    op: Op
    right: str | float

    def expr(self) -> pl.Expr:
        """As a polars predicate."""
        left = pl.col(self.left)
        over = left - (pl.col(self.right) if isinstance(self.right, str) else pl.lit(self.right))
        return {">=": over >= -TIE, ">": over > TIE, "<=": over <= TIE, "<": over < -TIE}[self.op]


@dataclass(frozen=True)
class State:
    """One word of a signal, its vote (+1 for higher prices, -1 for lower, 0 for neither) and when it holds.

    :param of_classes: the word where classes have one for it, as `up` and `medium` are.
    """

    word: str
    english: str
    vote: int = 0
    when: tuple[Condition, ...] = ()
    of_classes: str | None = None

    def in_classes(self, of_classes: str) -> State:
        """Return the state with a word of the classes."""
        return replace(self, of_classes=of_classes)

    def expr(self) -> pl.Expr:
        """All conditions hold; a state without conditions always does."""
        return pl.all_horizontal([c.expr() for c in self.when]) if self.when else pl.lit(True)


@dataclass(frozen=True)
class Signal:
    """The words for one subject: the key in the snapshot, and the states in order, the last being the rest.

    :param subject: what Chinese prose calls it, in reasons too.
    :param also: further names of the subject in prose.
    :param required: every column it reads is in each whole snapshot; else it has no word where one is null.
    """

    name: str
    subject: str
    english: str
    states: tuple[State, ...]
    also: tuple[str, ...] = ()
    required: bool = True

    @property
    def columns(self) -> frozenset[str]:
        """The columns that its conditions read."""
        read = {column for state in self.states for c in state.when for column in (c.left, c.right)}
        return frozenset(column for column in read if isinstance(column, str))

    @property
    def words(self) -> tuple[str, ...]:
        """All words the signal can have."""
        return tuple(s.word for s in self.states)

    @property
    def of_classes(self) -> dict[str, str]:
        """Each word in the words of the classes: its own, else which way it votes where any does, else in English."""
        votes = any(state.vote for state in self.states)
        return {s.word: s.of_classes or (BY_VOTE[s.vote] if votes else s.english) for s in self.states}

    def phrase(self, word: str) -> str:
        """Subject and word in one, as a reason names it."""
        return f"{self.subject}{word}"

    def word(self) -> pl.Expr:
        """The word of the first state that holds, as a column named after the signal."""
        word = self._first(lambda s: pl.lit(s.word))
        if not self.required:
            word = pl.when(pl.all_horizontal(pl.col(sorted(self.columns)).is_not_null())).then(word)
        return word.alias(self.name)

    def vote(self) -> pl.Expr:
        """The vote of the first state that holds, as column ``<name>_vote`` (Int32)."""
        return self._first(lambda s: pl.lit(s.vote, dtype=pl.Int32)).alias(f"{self.name}_vote")

    def _first(self, value: Callable[[State], pl.Expr]) -> pl.Expr:
        result = value(self.states[-1])
        for state in reversed(self.states[:-1]):
            result = pl.when(state.expr()).then(value(state)).otherwise(result)
        return result


def above(column: str, cut: float, word: str, english: str, vote: int = 0) -> State:
    """Holds from the cut on."""
    return State(word, english, vote, (Condition(column, ">=", cut),))


def below(column: str, cut: float, word: str, english: str, vote: int = 0) -> State:
    """Holds up to the cut."""
    return State(word, english, vote, (Condition(column, "<=", cut),))


def cross(gap: str, previous: str) -> tuple[State, State]:
    """Golden and dead cross of two lines, from the gap between them now and one row before."""
    return (
        State("金叉", "golden cross", 1, (Condition(gap, ">", 0.0), Condition(previous, "<=", 0.0))),
        State("死叉", "dead cross", -1, (Condition(gap, "<", 0.0), Condition(previous, ">=", 0.0))),
    )


def ordered(*columns: str) -> tuple[Condition, ...]:
    """Each column is above the next."""
    return tuple(Condition(a, ">", b) for a, b in pairwise(columns))
