"""Technical analysis: bullish, neutral or bearish, by the votes of five signals that the snapshot holds.

Pure: never imports airflow, an HTTP client or a database driver.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final

import polars as pl

from ljwx.core.features.technical.facts import LEVEL_LIMIT, LEVEL_STEP
from ljwx.core.features.technical.signals import SIGNAL, STATES
from ljwx.core.snapshots.fields import SIGNALS_SECTION
from ljwx.core.tasks.answers import Analysis, AnswerModel, Note, OneOf
from ljwx.core.tasks.definition import Numbers, SignalRule, TaskDefinition, TaskSpec
from ljwx.core.tasks.training_answers import number, prose, word

CLASSES: Final = ("bullish", "neutral", "bearish")
DECIDING_VOTES: Final = 2
_LEVELS: Final = [LEVEL_STEP * k for k in range(1, int(LEVEL_LIMIT / LEVEL_STEP) + 1)]


class TechnicalAnalysis(AnswerModel):
    """The words of five signals, their conclusion, and levels in percent of the close (null: none)."""

    conclusion: Annotated[str, OneOf(CLASSES)]
    rsi: Annotated[str, OneOf(SIGNAL["rsi"].words)]
    macd: Annotated[str, OneOf(SIGNAL["macd"].words)]
    ma: Annotated[str, OneOf(SIGNAL["ma"].words)]
    boll: Annotated[str, OneOf(SIGNAL["boll"].words)]
    kdj: Annotated[str, OneOf(SIGNAL["kdj"].words)]
    support: Annotated[float | None, OneOf([*(-x for x in reversed(_LEVELS)), None])]
    resistance: Annotated[float | None, OneOf([*_LEVELS, None])]
    analysis: Analysis
    note: Note


def _label(spec: TaskSpec, fitted: Numbers) -> pl.Expr:  # noqa: ARG001 (a definition's signature)
    votes = pl.sum_horizontal(f"{signal.name}_vote" for signal in STATES)
    return (
        pl.when(votes >= DECIDING_VOTES)
        .then(pl.lit("bullish"))
        .when(votes <= -DECIDING_VOTES)
        .then(pl.lit("bearish"))
        .otherwise(pl.lit("neutral"))
    )


def sides(facts: Mapping[str, Any]) -> tuple[int, int]:
    """How many of the five signals of a parsed snapshot are bullish, and how many bearish."""
    words = facts[SIGNALS_SECTION]
    votes = [state.vote for signal in STATES for state in signal.states if state.word == words[signal.name]]
    return sum(vote > 0 for vote in votes), sum(vote < 0 for vote in votes)


def conclusion(facts: Mapping[str, Any]) -> str:
    """The class of a parsed snapshot: what the label of a sample is."""
    bullish, bearish = sides(facts)
    n = bullish - bearish
    return "bullish" if n >= DECIDING_VOTES else "bearish" if n <= -DECIDING_VOTES else "neutral"


def _training_fields(spec: TaskSpec, rates: Numbers) -> dict[str, pl.Expr]:  # noqa: ARG001 (a definition's signature)
    return {
        **{signal.name: word(signal.name) for signal in STATES},
        "support": pl.col("support"),
        "resistance": pl.col("resistance"),
        "analysis": prose("RSI14为", number("rsi_14"), ",60日回撤", number("drawdown_60"), "%"),
    }


TECHNICAL_ANALYSIS: Final = TaskDefinition(
    name="technical_analysis",
    classes=CLASSES,
    answer=TechnicalAnalysis,
    label=_label,
    training_fields=_training_fields,
    rule=SignalRule("ma", {"多头排列": "bullish", "交织": "neutral", "空头排列": "bearish"}),
    needs_future=False,
    votes={"bullish": 1, "neutral": 0, "bearish": -1},
    tells=(*(signal.name for signal in STATES), "support", "resistance"),
    words={"bullish": ("偏多", "bullish"), "neutral": ("中性", "neutral"), "bearish": ("偏空", "bearish")},
)
