"""Risk assessment: low, medium or high, by realised volatility and drawdown over the horizon.

Pure: never imports airflow, an HTTP client or a database driver.
"""

from __future__ import annotations

from typing import Annotated, Final

import polars as pl

from ljwx.core.features.technical.signals import SIGNAL
from ljwx.core.tasks.answers import Analysis, AnswerModel, Note, OneOf, Phrases
from ljwx.core.tasks.definition import Numbers, SignalRule, TaskDefinition, TaskSpec
from ljwx.core.tasks.training_answers import number, phrase, prose

CLASSES: Final = ("low", "medium", "high")


class RiskAssessment(AnswerModel):
    """Low, medium or high, with the signals that speak for it."""

    risk: Annotated[str, OneOf(CLASSES)]
    factors: Phrases
    analysis: Analysis
    note: Note


def _fit(train: pl.DataFrame) -> dict[str, float]:
    """Medians of volatility and drawdown, which put both on one scale, and the terciles of their sum.

    :param train: outcomes of the train split.
    """
    volatility, drawdown = (float(train[c].median() or 0) or 1.0 for c in ("realised_volatility", "max_drawdown"))  # type: ignore[arg-type]
    score = train.select(_score(volatility, drawdown).alias("score"))["score"]
    low, high = (float(score.quantile(q, "linear") or 0) for q in (1 / 3, 2 / 3))
    return {"volatility": volatility, "drawdown": drawdown, "low": low, "high": high}


def _score(volatility: float, drawdown: float) -> pl.Expr:
    return pl.col("realised_volatility") / volatility + pl.col("max_drawdown") / drawdown


def _label(spec: TaskSpec, fitted: Numbers) -> pl.Expr:  # noqa: ARG001 (a definition's signature)
    score = _score(fitted["volatility"], fitted["drawdown"])
    return (
        pl.when(score <= fitted["low"])
        .then(pl.lit("low"))
        .when(score > fitted["high"])
        .then(pl.lit("high"))
        .otherwise(pl.lit("medium"))
    )


def _training_fields(spec: TaskSpec, rates: Numbers) -> dict[str, pl.Expr]:  # noqa: ARG001 (a definition's signature)
    return {
        "factors": pl.concat_list(phrase(SIGNAL["volatility"]), phrase(SIGNAL["drawdown"])),
        "analysis": prose("20日波动", number("vol_20"), "%,60日回撤", number("drawdown_60"), "%"),
    }


RISK_ASSESSMENT: Final = TaskDefinition(
    name="risk_assessment",
    classes=CLASSES,
    answer=RiskAssessment,
    label=_label,
    training_fields=_training_fields,
    # Averages say nothing of risk; the volatility of the last 20 sessions does.
    rule=SignalRule("volatility", {"偏低": "low", "适中": "medium", "偏高": "high"}),
    fit=_fit,
    tells=("volatility", "drawdown"),
    words={"low": ("低风险", "low risk"), "medium": ("中等风险", "medium risk"), "high": ("高风险", "high risk")},
)
