"""A fifth task, as somebody who extends the package would write it: one definition and one prompt text."""

from __future__ import annotations

from typing import Annotated

import polars as pl
import pytest

from ljwx.core.tasks import TASKS
from ljwx.core.tasks.answers import Analysis, AnswerModel, Note, OneOf
from ljwx.core.tasks.definition import Numbers, SignalRule, TaskDefinition, TaskSpec
from ljwx.core.tasks.training_answers import number, prose, word

NAME = "drawdown_watch"
CLASSES = ("shallow", "middle", "deep")
PROMPT = "任务:未来{horizon}个交易日的最大回撤,深浅如何?"


class DrawdownWatch(AnswerModel):
    depth: Annotated[str, OneOf(CLASSES)]
    analysis: Analysis
    note: Note


def _fit(train: pl.DataFrame) -> dict[str, float]:
    falls = train["max_drawdown"]
    return {"shallow_to": float(falls.quantile(0.4) or 0), "deep_from": float(falls.quantile(0.6) or 0)}


def _label(spec: TaskSpec, fitted: Numbers) -> pl.Expr:
    fall = pl.col("max_drawdown")
    deep = pl.when(fall >= fitted["deep_from"]).then(pl.lit("deep"))
    return deep.when(fall <= fitted["shallow_to"]).then(pl.lit("shallow")).otherwise(pl.lit("middle"))


def _training_fields(spec: TaskSpec, rates: Numbers) -> dict[str, pl.Expr]:
    return {"analysis": prose("60日回撤", number("drawdown_60"), "%,回撤", word("drawdown"))}


DRAWDOWN_WATCH = TaskDefinition(
    name=NAME,
    classes=CLASSES,
    answer=DrawdownWatch,
    label=_label,
    training_fields=_training_fields,
    rule=SignalRule("drawdown", {"较浅": "shallow", "中等": "middle", "较深": "deep"}),
    fit=_fit,
)


@pytest.fixture
def fifth_task(monkeypatch: pytest.MonkeyPatch) -> TaskDefinition:
    """The task, registered for the time of a test."""
    monkeypatch.setitem(TASKS, NAME, DRAWDOWN_WATCH)
    return DRAWDOWN_WATCH
