"""Investment advice: buy, hold or sell, by the tradable return in excess of the equal-weight market.

Pure: never imports airflow, an HTTP client or a database driver.
"""

from __future__ import annotations

from typing import Annotated, Final

import polars as pl

from ljwx.core.tasks.answers import Analysis, AnswerModel, Note, OneOf, Phrases, shares_of_one
from ljwx.core.tasks.definition import Numbers, SignalRule, TaskDefinition, TaskSpec
from ljwx.core.tasks.training_answers import number, probability, prose, reasons, word

CLASSES: Final = ("buy", "hold", "sell")


class InvestmentAdvice(AnswerModel):
    """Buy, hold or sell, with the signals that speak for it."""

    advice: Annotated[str, OneOf(CLASSES)]
    probability: Annotated[dict[str, float], OneOf(shares_of_one(CLASSES))]
    reasons: Phrases
    analysis: Analysis
    note: Note


def _label(spec: TaskSpec, fitted: Numbers) -> pl.Expr:  # noqa: ARG001 (a definition's signature)
    excess = pl.col("excess")
    return (
        pl.when(excess >= spec.buy_excess)
        .then(pl.lit("buy"))
        .when(excess <= spec.sell_excess)
        .then(pl.lit("sell"))
        .otherwise(pl.lit("hold"))
    )


def _training_fields(spec: TaskSpec, rates: Numbers) -> dict[str, pl.Expr]:
    return {
        "probability": probability(CLASSES, rates, spec.label_weight),
        "reasons": reasons({"buy": 1, "hold": 0, "sell": -1}),
        "analysis": prose("RSI14为", number("rsi_14"), word("rsi"), ",MACD", word("macd"), ",均线", word("ma")),
    }


INVESTMENT_ADVICE: Final = TaskDefinition(
    name="investment_advice",
    classes=CLASSES,
    answer=InvestmentAdvice,
    label=_label,
    training_fields=_training_fields,
    rule=SignalRule("ma", {"多头排列": "buy", "交织": "hold", "空头排列": "sell"}),
    direction=("buy", "sell"),
    votes={"buy": 1, "hold": 0, "sell": -1},
    words={"buy": ("跑赢市场,买入", "buy"), "hold": ("与市场相近,持有", "hold"), "sell": ("跑输市场,卖出", "sell")},
)
