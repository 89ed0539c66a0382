"""A stock's bars for a chart, with what models said about it and whether that came true."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel

from ljwx.api.errors import Refused, described
from ljwx.api.routes import Code
from ljwx.api.state import state_of
from ljwx.services.pages.bars import Outcome, StockBars, stock_bars, terms_of_prices

router = APIRouter(responses=described(401, 403, 429))
Column = list[float | None]


class CallDocument(BaseModel):
    """What a model said about the stock, and what became of it."""

    session: date
    task: str
    model: str
    said: str | None
    chance: float | None
    came: str | None
    outcome: Outcome


class BarsDocument(BaseModel):
    """Bars by column, the oldest first, with moving averages and Bollinger bands.

    :param comparable: whether prices are comparable over ex-rights: relative to the newest bar's.
    :param terms: what is known of how the source lets its data be used.
    """

    ts_code: str
    comparable: bool
    terms: str | None
    session: list[date]
    open: Column
    high: Column
    low: Column
    close: Column
    vol: Column
    ma5: Column
    ma20: Column
    ma60: Column
    upper: Column
    lower: Column
    calls: list[CallDocument]


@router.get("/stocks/{ts_code}/bars", responses=described(404))
def bars(
    request: Request,
    ts_code: Code,
    newest: Annotated[int, Query(ge=1, le=2000, description="How many sessions, up to the newest.")] = 250,
) -> BarsDocument:
    """Return a stock's prices, on this machine or behind Airflow's login: they are not passed on beyond."""
    state = state_of(request)
    if not state.prices:
        why = f"prices are shown on the operator's own machine alone ({terms_of_prices() or 'terms unknown'})"
        raise Refused(403, "prices", why)
    if ts_code not in state.analyst.directory().by_code:
        raise Refused(404, "unknown", f"no stock {ts_code} is known")
    return _document(ts_code, stock_bars(state.analyst.warehouse, ts_code, newest))


def _document(ts_code: str, found: StockBars) -> BarsDocument:
    columns = {name: found.bars[name].to_list() for name in found.bars.columns if name in BarsDocument.model_fields}
    calls = [CallDocument(**vars(each)) for each in found.calls]
    return BarsDocument(ts_code=ts_code, comparable=found.comparable, terms=found.terms, calls=calls, **columns)
