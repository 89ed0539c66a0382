"""What any model has to beat: the untuned base, a regression, rules; on frozen questions and in the forward record."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from ljwx.core.forward.rules import RULES
from ljwx.core.reports.cards import comparison
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.services.scores import scored_record
from ljwx.warehouse.models import Model

JUDGED: Final = ("model", "champion")
"""Scorecards that are no rival's."""


@dataclass(frozen=True)
class Rival:
    """One that asks for no training, on the questions that a decision was made on; None where it was not measured.

    :param rival: ``base``, ``logistic``, ``persistence``, ``ma_rule`` or ``majority``.
    :param future: share of right answers to questions about the future.
    :param rank_ic: mean of the tasks that order stocks. ``brier``: 0 to 2, smaller is better.
    """

    rival: str
    name: str
    future: float | None
    rank_ic: float | None
    brier: float | None


@dataclass(frozen=True)
class InRecord:
    """What the whole forward record says of one answerer, on one task, where its classes mean the same.

    :param answered: questions answered in time, of those `asked` that have an outcome.
    :param rank_ic: with the bounds `low` and `high`, sound on every day; None of a task that orders no stocks.
    """

    answerer: str
    task: str
    sessions: int
    asked: int
    answered: int
    rank_ic: float | None
    low: float | None
    high: float | None
    brier: float
    log_score: float


def rivals(warehouse: WarehouseHook, evaluation_ids: Sequence[int]) -> tuple[Rival, ...]:
    """Return the rivals on the questions of the newest of some evaluations that was decided on; none before one was."""
    cards = warehouse.scorecards(evaluation_ids)
    rows = () if cards is None else comparison(cards)
    return tuple(
        Rival(row.key, row.name, row.predicted, row.rank_ic, row.brier) for row in rows if row.key not in JUDGED
    )


def in_record(warehouse: WarehouseHook, models: Collection[Model]) -> tuple[InRecord, ...]:
    """Return what the forward record says of models, of their untuned bases and of the rules beside them."""
    if not warehouse.forward_batches():
        return ()
    wanted = {(each.model, each.digest) for each in models} | {(each.base, each.base_digest) for each in models}
    return tuple(
        InRecord(
            answerer=each.answerer,
            task=each.task,
            sessions=each.sessions,
            asked=each.asked,
            answered=each.answered,
            rank_ic=None if each.rank_ic is None else each.rank_ic.mean,
            low=None if each.rank_ic is None else each.rank_ic.low,
            high=None if each.rank_ic is None else each.rank_ic.high,
            brier=each.brier,
            log_score=each.log_score,
        )
        for each in scored_record().scores
        if each.window.name == "all" and ((each.answerer, each.digest) in wanted or each.answerer in RULES)
    )
