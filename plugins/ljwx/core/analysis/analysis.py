"""What is known of one stock as of one session: the facts, what a model said to each question, and what that rests on.

Pure: never imports airflow, an HTTP client or a database driver.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from ljwx.core.snapshots.citable import Language

__all__ = ["Analysis", "Basis", "Judgement", "Language", "Line", "Mark", "Measures", "Section"]

Mark = Literal["checked", "wrong", "unchecked", "none"]
"""Of a line: all it says is the snapshot's; it contradicts it; it cannot be held against it; it is no fact."""


@dataclass(frozen=True)
class Judgement:
    """What a model said to one question.

    :param fields: of the answer as it was read; None of an invalid one, for `reason` then.
    :param probabilities: by class; None where there are none.
    :param rates: how often each class came in the train period, by class; None where nobody knows.
    """

    task: str
    label: str | None
    fields: Mapping[str, Any] | None
    probabilities: Mapping[str, float] | None
    rates: Mapping[str, float] | None
    reason: str | None = None


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


@dataclass(frozen=True)
class Analysis:
    """One stock as of the close of one session.

    :param asked_day: the day that was asked about; None for the newest session.
    :param facts: the parsed snapshot.
    """

    ts_code: str
    session: date
    asked_day: date | None
    facts: Mapping[str, Any]
    judgements: tuple[Judgement, ...]
    measures: Measures
    basis: Basis

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
