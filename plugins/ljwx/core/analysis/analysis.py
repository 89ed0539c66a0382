"""What is known of one stock as of one session: the facts, what a model said to each question, and what that rests on.

Pure: never imports airflow, an HTTP client or a database driver.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, Literal

from ljwx.core.snapshots.citable import Language

__all__ = [
    "Analysis", "Basis", "Bounded", "Fared", "Judgement", "Language", "Line", "Mark", "Measures", "Section", "Source",
    "Way",
]  # fmt: skip

Mark = Literal["checked", "wrong", "unchecked", "none"]
"""Of a line: all it says is the snapshot's; it contradicts it; it cannot be held against it; it is no fact."""

Way = Literal["asked", "record", "class", "facts"]
"""How an answer came: from the model just now, from the forward record in full or the class alone, or from code."""


@dataclass(frozen=True)
class Source:
    """Where an answer comes from.

    :param at: when the forward record wrote it down; None elsewhere. ``late``: that was after the next open.
    """

    way: Way
    at: datetime | None = None
    late: bool = False


ASKED: Final = Source("asked")


@dataclass(frozen=True)
class Bounded:
    """A mean over sessions, and bounds that hold with 95 % over all days on which one looks."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Fared:
    """What this model's settled calls to one kind of question were worth, by the forward record as it is known now.

    :param first: session of the record, and `last` the newest that is settled.
    :param calls: answers in time whose outcome is known.
    :param hits: share of them that came true; of a session as a whole, then over sessions.
    :param gain: in log score over class rates, nats a question; None where there are no rates.
    :param by_class: calls of each class, and how many of them came true.
    """

    first: date
    last: date
    sessions: int
    calls: int
    hits: Bounded
    gain: Bounded | None
    by_class: Mapping[str, tuple[int, int]]


@dataclass(frozen=True)
class Judgement:
    """What a model said to one question.

    :param fields: of the answer as it was read; None of an invalid one, for `reason` then.
    :param probabilities: by class; None where there are none.
    :param rates: how often each class came in the train period, by class; None where nobody knows.
    :param fared: what such calls were worth; None where none is settled.
    """

    task: str
    label: str | None
    fields: Mapping[str, Any] | None
    probabilities: Mapping[str, float] | None
    rates: Mapping[str, float] | None
    reason: str | None = None
    source: Source = ASKED
    fared: Fared | None = None


@dataclass(frozen=True)
class Measures:
    """What the classes mean: sessions ahead, and the returns that part them, as fractions."""

    horizon: int
    buy_excess: float
    sell_excess: float
    flat_band: float


@dataclass(frozen=True)
class Basis:
    """What an analysis rests on.

    :param made: what the model's strategy did to its base, in a sentence, by language.
    :param recipe: sha256 of the model's build spec.
    :param proven: whether it was shown that the model is any good; None where nobody asked.
    :param failing: what the watch over the forward record marks it for; None where it does not.
    :param made_until: newest session of the data that the model was made from; None where it takes none.
    :param market_stocks: stocks that ranks are among; `is_small_market`: so few that they are not the market's.
    """

    model: str
    digest: str
    strategy: str
    made: Mapping[Language, str]
    recipe: str
    dataset_id: str
    proven: bool | None
    in_universe: bool
    market_stocks: int
    is_small_market: bool
    failing: str | None = None
    made_until: date | None = None


@dataclass(frozen=True)
class Analysis:
    """One stock as of the close of one session.

    :param asked_day: the day that was asked about; None for the newest session.
    :param facts: the parsed snapshot.
    :param days_old: of who asks for the newest session, how long ago that was.
    """

    ts_code: str
    session: date
    asked_day: date | None
    facts: Mapping[str, Any]
    judgements: tuple[Judgement, ...]
    measures: Measures
    basis: Basis
    days_old: int | None = None

    @property
    def name(self) -> str:
        """The stock's name as of the session."""
        return str(self.facts["name"])

    def judgement(self, task: str) -> Judgement | None:
        """Return what was said to a question; None where it was not asked."""
        return next((each for each in self.judgements if each.task == task), None)


@dataclass(frozen=True)
class Line:
    """A line of a report."""

    text: str
    mark: Mark = "none"


@dataclass(frozen=True)
class Section:
    """A titled part of a report."""

    title: str
    lines: tuple[Line, ...]
