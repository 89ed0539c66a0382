"""The watchlist of who asks: read, changed, and analysed as a stream of JSON lines."""

from __future__ import annotations

import json
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from ljwx.api.documents import StockDocument
from ljwx.api.errors import described, response_of
from ljwx.api.own.owner import owner_of
from ljwx.api.own.streams import OneOfStreams
from ljwx.api.routes import CODE_PATTERN, Code, Day, Language, stock_document
from ljwx.api.state import State, state_of
from ljwx.services.analysing.watchlists import (
    MOST_STOCKS,
    add_to_watchlist,
    set_watchlist,
    take_off_watchlist,
    watchlist,
)

router = APIRouter(prefix="/watchlist", responses=described(401, 403, 429), tags=["watchlist"])
NDJSON = "application/x-ndjson"


class WantedDocument(BaseModel):
    """The stocks that a watchlist is to have, in their order."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"stocks": ["000001.SZ", "600519.SH"]}})

    stocks: list[Annotated[str, Field(pattern=CODE_PATTERN)]] = Field(max_length=MOST_STOCKS)


class WatchlistDocument(BaseModel):
    """A watchlist: nobody but its owner sees it."""

    stocks: list[StockDocument]


@router.get("")
def read(request: Request) -> WatchlistDocument:
    """Return the stocks of who asks; none before there are any."""
    state = state_of(request)
    return _document(state, watchlist(state.analyst.warehouse, owner_of(request)))


@router.put("", responses=described(404))
def replace(request: Request, wanted: WantedDocument) -> WatchlistDocument:
    """Let the watchlist have these stocks and no others; where one is not known, nothing is changed."""
    state = state_of(request)
    return _document(state, set_watchlist(state.analyst, owner_of(request), wanted.stocks))


@router.put("/{ts_code}", responses=described(404))
def add(request: Request, ts_code: Code) -> WatchlistDocument:
    """Add a stock; one that is there stays where it is."""
    state = state_of(request)
    return _document(state, add_to_watchlist(state.analyst, owner_of(request), ts_code))


@router.delete("/{ts_code}", responses=described(404))
def remove(request: Request, ts_code: Code) -> WatchlistDocument:
    """Take a stock off."""
    state = state_of(request)
    return _document(state, take_off_watchlist(state.analyst, owner_of(request), ts_code))


@router.get(
    "/analyses",
    response_class=StreamingResponse,
    responses={200: {"description": "one JSON document a line", "content": {NDJSON: {"schema": {"type": "string"}}}}},
)
def stream(
    request: Request,
    day: Day = None,
    language: Language = "zh",
    newest: Annotated[int, Query(ge=1, le=MOST_STOCKS, description="At most so many, the first ones.")] = MOST_STOCKS,
) -> StreamingResponse:
    """Analyse the watchlist: a line for each stock as soon as it is there, as of `analysis` or with its `error`."""
    state, owner = state_of(request), owner_of(request)
    codes = watchlist(state.analyst.warehouse, owner)[:newest]
    lines = (_line(state, code, day, language) + b"\n" for code in codes)
    return OneOfStreams(lines, state.streams, owner, media_type=NDJSON)


def _line(state: State, code: str, day: date | None, language: Language) -> bytes:
    """Return the analysis of a stock, or why there is none: one stock ends no other's."""
    try:
        return state.documents.analysis(code, day, language)
    except Exception as why:
        error = json.loads(bytes(response_of(why).body))["error"]
        return json.dumps({"ts_code": code, "error": error}, ensure_ascii=False).encode()


def _document(state: State, codes: list[str]) -> WatchlistDocument:
    known = state.analyst.directory().by_code
    return WatchlistDocument(stocks=[stock_document(known[code]) for code in codes if code in known])
