"""Price direction: up, flat or down, by the tradable return over the horizon.

Pure: never imports airflow, an HTTP client or a database driver.
"""

from __future__ import annotations

from typing import Annotated, Final

import polars as pl
from pydantic import BaseModel, ConfigDict

from ljwx.core.features.technical.facts import RANGE_LIMIT
from ljwx.core.tasks.answers import Analysis, AnswerModel, Note, OneOf, shares_of_one
from ljwx.core.tasks.definition import Numbers, SignalRule, TaskDefinition, TaskSpec
from ljwx.core.tasks.training_answers import number, probability, prose, word

CLASSES: Final = ("up", "flat", "down")
_PERCENTS: Final = range(1, RANGE_LIMIT + 1)


class ExpectedRange(BaseModel):
    """One standard deviation of the horizon to either side, whole percents."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    low: Annotated[int, OneOf(-x for x in reversed(_PERCENTS))]
    high: Annotated[int, OneOf(_PERCENTS)]


class PriceDirection(AnswerModel):
    """Up, flat or down, with the range to expect."""

    direction: Annotated[str, OneOf(CLASSES)]
    probability: Annotated[dict[str, float], OneOf(shares_of_one(CLASSES))]
    range: ExpectedRange
    analysis: Analysis
    note: Note


def _label(spec: TaskSpec, fitted: Numbers) -> pl.Expr:  # noqa: ARG001 (a definition's signature)
    net = pl.col("net")
    return (
        pl.when(net >= spec.flat_band)
        .then(pl.lit("up"))
        .when(net <= -spec.flat_band)
        .then(pl.lit("down"))
        .otherwise(pl.lit("flat"))
    )


def _training_fields(spec: TaskSpec, rates: Numbers) -> dict[str, pl.Expr]:
    return {
        "probability": probability(CLASSES, rates, spec.label_weight),
        "range": pl.struct(low=-pl.col("range"), high=pl.col("range")),
        "analysis": prose("近5日", number("ret_5"), "%,近20日", number("ret_20"), "%,KDJ", word("kdj")),
    }


PRICE_DIRECTION: Final = TaskDefinition(
    name="price_direction",
    classes=CLASSES,
    answer=PriceDirection,
    label=_label,
    training_fields=_training_fields,
    rule=SignalRule("ma", {"多头排列": "up", "交织": "flat", "空头排列": "down"}),
    direction=("up", "down"),
    votes={"up": 1, "flat": 0, "down": -1},
    tells=("range",),
    words={"up": ("看涨", "up"), "flat": ("看平", "flat"), "down": ("看跌", "down")},
)
