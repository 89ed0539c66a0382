"""The API: stocks, analyses, models, decisions, the state of the data, lineage, health."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Request

from ljwx.api.documents import (
    AnalysisDocument,
    DataDocument,
    DecisionDocument,
    HealthDocument,
    ModelDocument,
    NodeDocument,
    StockDocument,
    analysis_document,
    node_document,
)
from ljwx.api.errors import Refused, described
from ljwx.api.state import state_of
from ljwx.core.analysis.stocks import KnownStock
from ljwx.core.tasks import TaskName
from ljwx.services.data_state import data_state
from ljwx.services.lineage import trace
from ljwx.services.report import build_history

PREFIX = "/ljwx/api/v1"
"""Of the whole path, wherever the application stands."""
CODE_PATTERN = r"^[0-9]{6}\.(SZ|SH|BJ)$"
Code = Annotated[str, Path(pattern=CODE_PATTERN, description="Like 000001.SZ.", examples=["000001.SZ"])]
Words = Annotated[
    str, Query(min_length=1, max_length=50, description="Code, name or pinyin, or its beginning.", examples=["pingan"])
]
Day = Annotated[date | None, Query(description="As of it, or of the session before a closed one.")]
Language = Literal["zh", "en"]
Questions = Annotated[list[TaskName] | None, Query(max_length=10, description="What to ask; all by default.")]
Newest = Annotated[int, Query(ge=1, le=1000, description="How many, the newest first.")]

router = APIRouter(responses=described(401, 403, 429))
"""Routes with data: the application puts a login before all of them."""
open_router = APIRouter(responses=described())


@open_router.get("/health")
def health() -> HealthDocument:
    """Say that the service answers; the only route without a token."""
    return HealthDocument(status="ok")


@router.get("/stocks")
def stocks(
    request: Request,
    q: Words,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> list[StockDocument]:
    """Find stocks, the likeliest first."""
    return [stock_document(each) for each in state_of(request).analyst.directory().search(q, limit)]


@router.get("/stocks/{ts_code}", responses=described(404))
def stock(request: Request, ts_code: Code) -> StockDocument:
    """Return a stock with its names."""
    found = state_of(request).analyst.directory().by_code.get(ts_code)
    if found is None:
        raise Refused(404, "unknown", f"no stock {ts_code} is known")
    return stock_document(found)


@router.get("/analysis/{ts_code}", responses=described(404))
def analysis(
    request: Request,
    ts_code: Code,
    day: Day = None,
    task: Questions = None,
    language: Language = "zh",
) -> AnalysisDocument:
    """Analyse a stock: a model is asked where it was not asked the same before, which may take minutes."""
    state = state_of(request)
    if ts_code not in state.analyst.directory().by_code:
        raise Refused(404, "unknown", f"no stock {ts_code} is known")
    (found,) = state.analyst.analyse([ts_code], day, list(dict.fromkeys(task or ())))
    return analysis_document(found, language, state.settings.operator)


@router.get("/models")
def models(newest: Newest = 50) -> list[ModelDocument]:
    """List the models that were built, with the aliases that name them."""
    found = build_history(newest)
    names: dict[str, list[str]] = {}
    for alias in found.aliases:
        names.setdefault(alias.model, []).append(alias.alias)
    return [
        ModelDocument(
            model=each.model, aliases=names.get(each.model, []), strategy=each.strategy, base=each.base,
            dataset_id=each.dataset_id, created_at=each.created_at, deleted_at=each.deleted_at, verdict=each.verdict,
            proven=each.proven,
        )
        for each in found.builds
    ]  # fmt: skip


@router.get("/decisions")
def decisions(newest: Newest = 50) -> list[DecisionDocument]:
    """List the newest decision about each of the newest models."""
    return [
        DecisionDocument(
            promotion_id=each.promotion_id, model=each.model, against=each.against, verdict=each.verdict,
            promoted=bool(each.promoted), proven=each.proven, decided_at=each.decided_at, refused_for=each.refused_for,
        )
        for each in build_history(newest).builds
        if each.promotion_id is not None and each.verdict is not None
    ]  # fmt: skip


@router.get("/data")
def data(request: Request) -> DataDocument:
    """Say which sessions are there, and what waits or is absent."""
    found = data_state(state_of(request).analyst.warehouse)
    return DataDocument(**vars(found) | {"absent": list(found.absent)})


@router.get("/lineage/{name}", responses=described(404))
def lineage(
    name: Annotated[
        str,
        Path(
            pattern="^[A-Za-z0-9._:@-]{1,200}$",
            description="A model, an alias, a dataset or a sample.",
            examples=["champion"],
        ),
    ],
) -> NodeDocument:
    """Walk from a model, dataset or sample to what it was made from and what used it."""
    return node_document(trace(name))


def stock_document(known: KnownStock) -> StockDocument:
    """Return a stock as JSON."""
    return StockDocument(ts_code=known.ts_code, name=known.name, former=list(known.former))
