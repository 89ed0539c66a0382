"""What needs no model and answers beside them: class rates, a regression on the facts, the class that came true last.

Pure: no airflow, no I/O, no clock.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final

import polars as pl

from ljwx.core.datasets.spec import SampleSpec
from ljwx.core.evaluations import Question, answer_all, persistence
from ljwx.core.evaluations.baselines import Answerer
from ljwx.core.tasks import TASKS
from ljwx.core.tasks.definition import Numbers

CLASS_RATES: Final = "class_rates"
LOGISTIC: Final = "logistic"
PERSISTENCE: Final = "persistence"
RULES: Final = (CLASS_RATES, LOGISTIC, PERSISTENCE)

Said = Mapping[str, float]
"""Probabilities by class."""


def asked(ts_code: str, task: str, session: date, previous: str | None) -> Question:
    """Return a question whose truth nobody knows yet: its label stands for none, and no rule reads it."""
    unknown = TASKS[task].classes[0]
    return Question(f"{ts_code}/{task}", task, ts_code, session, unknown, previous, "", "")


def said_by_rates(questions: Sequence[Question], rates: Mapping[str, Said]) -> dict[str, Said]:
    """Return how often each class came true in the train period, by question; a task without rates is left out."""
    shares = {
        task: {name: float(shares.get(name, 0.0)) for name in TASKS[task].classes} for task, shares in rates.items()
    }
    return {each.sample_id: shares[each.task] for each in questions if each.task in shares}


def said_by(answerer: Answerer, questions: Sequence[Question]) -> dict[str, Said]:
    """Return what an answerer says by question, where it says probabilities."""
    said = answer_all(answerer, questions)
    return {each.sample_id: each.probabilities for each in said if each.probabilities is not None}


def said_by_persistence(questions: Sequence[Question]) -> dict[str, Said]:
    """Return the class that came true last, as certain, by question; a stock of which none is known is left out."""
    given = zip(questions, answer_all(persistence, questions), strict=True)
    return {
        each.sample_id: {name: float(name == said.label) for name in TASKS[each.task].classes}
        for each, said in given
        if said.label is not None
    }


def previous_labels(
    happened: pl.DataFrame, spec: SampleSpec, numbers: Mapping[str, Numbers], tasks: Sequence[str]
) -> dict[tuple[str, str], str]:
    """Return the class that came true last, by stock and task.

    :param happened: rows of :func:`ljwx.core.labels.outcomes.outcomes`, up to the session that is asked about.
    :param numbers: of each task, what its labels take from the train split.
    """
    mature = (
        happened.filter(pl.col("reason").is_null()).sort("label_end").group_by("ts_code", maintain_order=True).last()
    )
    found = {}
    for task in tasks:
        label = TASKS[task].label(spec, numbers.get(task, {})).cast(pl.String)
        rows = mature.select("ts_code", label=label).drop_nulls()
        found.update({(code, task): name for code, name in rows.iter_rows()})
    return found
