"""What came true of the questions of the forward record, by the labeller of datasets. Pure: no I/O, no clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final

import polars as pl
import polars.selectors as cs

from ljwx.core.bars.codes import Codes
from ljwx.core.datasets.spec import SampleSpec
from ljwx.core.labels.outcomes import NUMBERS, outcomes
from ljwx.core.tasks import TASKS
from ljwx.core.tasks.definition import Numbers

OPEN: Final = ("immature", "session_missing")
"""Reasons that sessions which are still to come can heal: such a question is not settled."""
NO_BAR: Final = "no_bar"
"""The stock's bar of the session, which was there when it was asked about, was withdrawn."""
DECIMALS: Final = 9
"""Of the numbers of an outcome: factors that are chained from the first bar read differ in their last bits with where
that is, and no such difference is a correction."""
LOOK_BACK: Final = 10
"""Sessions before the first question that are needed: those in which a new stock has no price limits."""

OUTCOMES: Final = pl.Schema(
    {
        "session": pl.Date(),
        "ts_code": pl.String(),
        "task": pl.String(),
        "label": pl.String(),
        "reason": pl.String(),
        "net": pl.Float64(),
        "excess": pl.Float64(),
        "realised_volatility": pl.Float64(),
        "max_drawdown": pl.Float64(),
        "entry_session": pl.Date(),
        "exit_session": pl.Date(),
        "label_end": pl.Date(),
    }
)


def settle(
    questions: pl.DataFrame,
    bars: pl.DataFrame,
    instruments: pl.DataFrame,
    sessions: Sequence[date],
    spec: SampleSpec,
    numbers: Mapping[str, Numbers],
    codes: Codes,
) -> pl.DataFrame:
    """Return what came true of each question whose horizon is over.

    :param questions: session, ts_code and task.
    :param bars: BARS frame of all stocks, from ``LOOK_BACK`` sessions before the first question to the newest that is
        known; the market is all of them.
    :param sessions: every trading day of the bars' range.
    :param numbers: task → what its labels were fitted with.
    :returns: OUTCOMES frame; questions that are still open are left out.
    """
    stocks = codes.as_stocks(bars)
    found = outcomes(stocks, codes.listed(instruments), sessions, spec).with_columns(cs.float().round(DECIMALS))
    happened = codes.as_traded(found, stocks)
    asked = questions.join(happened, on=["session", "ts_code"], how="left").with_columns(
        reason=pl.when(pl.col("net").is_null()).then(pl.col("reason").fill_null(NO_BAR))
    )
    known = asked.filter(pl.col("reason").is_null() | ~pl.col("reason").is_in(OPEN))
    parts = [
        _labelled(rows, str(name), spec, numbers) for (name,), rows in known.partition_by("task", as_dict=True).items()
    ]
    return pl.concat(parts).sort("session", "ts_code", "task") if parts else pl.DataFrame(schema=OUTCOMES)


def _labelled(rows: pl.DataFrame, task: str, spec: SampleSpec, numbers: Mapping[str, Numbers]) -> pl.DataFrame:
    has_none = pl.col("reason").is_not_null()
    label = TASKS[task].label(spec, numbers.get(task, {}))
    values = {name: pl.when(~has_none).then(name) for name in (*NUMBERS, "label_end")}
    found = rows.with_columns(label=pl.when(~has_none).then(label), **values)
    return found.select(pl.col(name).cast(kind) for name, kind in OUTCOMES.items())
