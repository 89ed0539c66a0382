"""The decision that a report is about, with all it rests on. Pure: no airflow, no I/O, no clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any


@dataclass(frozen=True)
class ReportedDecision:
    """A decision with its model, dataset, evaluation and run; documents are as they were saved, as JSON.

    :param reasons: each with code, text and favourable.
    :param checks: what a verification measured until it refused the model; None of any other decision.
    :param proven: whether it was shown that the model's line is any good; None where nobody asked.
    :param evidence: what that rests on, of :class:`ljwx.core.promotions.record.LineRecord`; None where nothing was.
    :param scorecard: scorecards by name; None where nothing was scored.
    :param training: how the model's weights were trained; None where they are its base's.
    :param served: how far they are, as they are served, from what was trained.
    """

    promotion_id: int
    model: str
    champion: str | None
    verdict: str
    promoted: bool
    reasons: Sequence[Mapping[str, Any]]
    decided_at: datetime
    question_set_id: str | None
    checks: Mapping[str, Any] | None
    evaluation_id: int | None
    scorecard: Mapping[str, Any] | None
    digest: str
    strategy: str
    base: str
    base_digest: str
    spec_sha256: str
    created_at: datetime
    dataset_id: str
    dataset_sha256: str
    parent_id: str | None
    first_session: date
    last_session: date
    code_version: str
    counts: Mapping[str, Any]
    dag_id: str
    run_id: str
    proven: bool | None = None
    evidence: Mapping[str, Any] | None = None
    training: Mapping[str, Any] | None = None
    served: Mapping[str, Any] | None = None
