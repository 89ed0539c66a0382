"""The API: stocks, analyses, the state of the data, lineage, health."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response

from ljwx.api.documents import (
    AnalysisDocument,
    DataDocument,
    HealthDocument,
    NodeDocument,
    StockDocument,
    node_document,
)
from ljwx.api.errors import Refused, described
from ljwx.api.state import state_of
from ljwx.core.analysis.stocks import KnownStock
from ljwx.core.tasks import TaskName
from ljwx.services.lineage import trace

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


@router.get("/analysis/{ts_code}", responses=described(404), response_model=AnalysisDocument)
def analysis(
    request: Request,
    ts_code: Code,
    day: Day = None,
    task: Questions = None,
    language: Language = "zh",
) -> Response:
    """Analyse a stock: a model is asked where it was not asked the same before, which may take minutes."""
    written = state_of(request).documents.analysis(ts_code, day, language, tuple(dict.fromkeys(task or ())))
    return Response(written, media_type="application/json")


@router.get("/data")
def data(request: Request) -> DataDocument:
    """Say which sessions are there, and what waits or is absent."""
    found = state_of(request).data.page()
    return DataDocument(**vars(found) | {"absent": list(found.absent)})


@router.get("/lineage/{name:path}", responses=described(404))
def lineage(
    name: Annotated[
        str,
        Path(
            pattern="^[A-Za-z0-9][A-Za-z0-9._:@-]*(/[A-Za-z0-9][A-Za-z0-9._:@-]*){0,5}$",
            max_length=200,
            description="A model, an alias, a dataset or a sample; a bar as SESSION/STOCK, an answer of the forward "
            "record as SESSION/STOCK/TASK/MODEL.",
            examples=["champion"],
        ),
    ],
) -> NodeDocument:
    """Walk from a model, dataset, sample, bar or answer to what it was made from and what used it."""
    return node_document(trace(name))


def stock_document(known: KnownStock) -> StockDocument:
    """Return a stock as JSON."""
    return StockDocument(ts_code=known.ts_code, name=known.name, former=list(known.former))
