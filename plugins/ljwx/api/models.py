"""Models that were built: decisions about them, their scores over time, how they were trained, and two compared."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict

from ljwx.api.errors import described
from ljwx.api.state import state_of
from ljwx.core.evidence.paired import Measure
from ljwx.services.pages.models import loss_curves, verdicts
from ljwx.services.report import build_history

Newest = Annotated[int, Query(ge=1, le=1000, description="How many, the newest.")]
Name = Annotated[
    str,
    Query(pattern="^[A-Za-z0-9._:@/-]{1,200}$", description="A model, or an alias.", examples=["champion"]),
]

router = APIRouter(responses=described(401, 403, 429))


class _Document(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class ModelDocument(BaseModel):
    """A model that was built, and the newest decision about it; `failing`: what the watch marks it for."""

    model: str
    aliases: list[str]
    strategy: str
    base: str
    dataset_id: str
    created_at: datetime
    deleted_at: datetime | None
    verdict: str | None
    proven: bool | None
    failing: str | None


class ReasonDocument(_Document):
    """A reason of a decision, and whether it speaks for the model."""

    code: str
    text: str
    favourable: bool


class DecisionDocument(_Document):
    """A decision of the gate with its reasons; `refused_for`: what a refused model lacks."""

    promotion_id: int
    model: str
    against: str | None
    verdict: str
    promoted: bool
    proven: bool | None
    decided_at: datetime
    refused_for: str | None
    reasons: list[ReasonDocument]


class ScoredDocument(_Document):
    """The main numbers of a model, or of a rival on the same questions; `part` is overall or a task."""

    model: str
    created_at: datetime
    answerer: str
    part: str
    n: int
    accuracy: float
    low: float | None
    high: float | None
    brier: float | None
    ece: float | None
    rank_ic: float | None


class LookDocument(_Document):
    """A look, during training, at samples that it did not learn from."""

    step: int
    answer_loss: float | None
    class_log_score: float | None


class TrainingDocument(_Document):
    """How a training went; `losses` are some of its steps with their loss."""

    recipe_id: str
    dataset_id: str
    models: list[str]
    started_at: datetime | None
    finished_at: datetime
    steps: int | None
    best_step: int | None
    losses: list[tuple[int, float]]
    looks: list[LookDocument]


class ComparedDocument(_Document):
    """Accuracy of both on some of the questions, and the difference first less second with its bounds."""

    part: str
    questions: int
    first: float
    second: float
    difference: float
    low: float | None
    high: float | None


class MeasureDocument(_Document):
    """Ranking, or a proper score, of both on one task; `class_rates`: of who says how often each class came."""

    measure: Measure
    task: str
    sessions: int
    first: float
    second: float
    difference: float
    class_rates: float | None
    low: float | None
    high: float | None


class ComparisonDocument(_Document):
    """Two models on the questions of one set that both have answered."""

    first: str
    second: str
    question_set_id: str
    questions: int
    confidence: float
    parts: list[ComparedDocument]
    measures: list[MeasureDocument]


@router.get("/models")
def models(newest: Newest = 50) -> list[ModelDocument]:
    """List the models that were built, with the aliases that name them."""
    found = build_history(newest)
    names: dict[str, list[str]] = {}
    for alias in found.aliases:
        names.setdefault(alias.model, []).append(alias.alias)
    failing = {alias.model: alias.failing for alias in found.aliases}
    return [
        ModelDocument(
            model=each.model, aliases=names.get(each.model, []), strategy=each.strategy, base=each.base,
            dataset_id=each.dataset_id, created_at=each.created_at, deleted_at=each.deleted_at, verdict=each.verdict,
            proven=each.proven, failing=failing.get(each.model),
        )
        for each in found.builds
    ]  # fmt: skip


@router.get("/decisions")
def decisions(request: Request, newest: Newest = 50) -> list[DecisionDocument]:
    """List the newest decisions with their reasons."""
    return [DecisionDocument.model_validate(each) for each in verdicts(state_of(request).analyst.warehouse, newest)]


@router.get("/scores")
def scores(request: Request, newest: Newest = 50) -> list[ScoredDocument]:
    """List the main numbers in the scorecards of the newest models, the oldest of them first."""
    return [ScoredDocument.model_validate(each) for each in state_of(request).analyst.warehouse.scored_parts(newest)]


@router.get("/trainings")
def trainings(request: Request, newest: Newest = 20) -> list[TrainingDocument]:
    """List how the newest trainings went."""
    return [TrainingDocument.model_validate(each) for each in loss_curves(state_of(request).analyst.warehouse, newest)]


@router.get("/models/compare", responses=described(404))
def compared(request: Request, first: Name, second: Name) -> ComparisonDocument:
    """Compare two models on the questions that both have answered."""
    return ComparisonDocument.model_validate(state_of(request).comparisons.of(first, second))
