"""Several stocks beside each other, and a session of the whole market."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel

from ljwx.api.documents import (
    AnalysisDocument,
    LabelledDocument,
    SectionDocument,
    analysis_document,
    labelled,
    section_documents,
)
from ljwx.api.errors import Refused, described
from ljwx.api.routes import CODE_PATTERN, Day, Language
from ljwx.api.state import State, state_of
from ljwx.core.analysis.messages import MOST_STOCKS
from ljwx.core.analysis.overviews import comparison, market_day

router = APIRouter(responses=described(401, 403, 429))
Codes = Annotated[
    list[Annotated[str, Query(pattern=CODE_PATTERN)]],
    Query(min_length=2, max_length=MOST_STOCKS, description="Stocks, each by its own `code`.", examples=["000001.SZ"]),
]


class CallsDocument(BaseModel):
    """How often the model said each class of a question about the session's stocks, in the forward record."""

    task: str
    stocks: int
    by_class: dict[str, int]


class MarketDocument(LabelledDocument):
    """A session of all stocks; returns are fractions, ``turnover`` is against the mean of the 20 sessions before."""

    session: date
    asked_day: date | None
    stocks: int
    up: int
    flat: int
    down: int
    mean: float
    median: float
    at_upper_limit: int | None
    at_lower_limit: int | None
    turnover: float | None
    suspended: int
    model: str | None
    calls: list[CallsDocument]
    sections: list[SectionDocument]
    text: str


class ComparisonDocument(LabelledDocument):
    """Stocks beside each other; each one's own analysis is there too."""

    session: date
    sections: list[SectionDocument]
    text: str
    analyses: list[AnalysisDocument]


@router.get("/market", responses=described(404))
def market(request: Request, day: Day = None, language: Language = "zh") -> MarketDocument:
    """Tell what a session was like for all stocks, from stored data; no model is asked."""
    return market_document(state_of(request), day, language)


@router.get("/compare", responses=described(404))
def compare(request: Request, code: Codes, day: Day = None, language: Language = "zh") -> ComparisonDocument:
    """Put stocks beside each other; a model is asked where it was not asked the same before."""
    return comparison_document(state_of(request), list(dict.fromkeys(code)), day, language)


def market_document(state: State, day: date | None, language: Language) -> MarketDocument:
    """Return a session of the market as JSON, with its text."""
    found = state.analyst.market_day(day)
    of = found.breadth
    up, down = of.at_limit or (None, None)
    return MarketDocument(
        **labelled(language, state.settings.operator),
        session=of.session, asked_day=found.asked_day, stocks=of.stocks, up=of.up, flat=of.flat, down=of.down,
        mean=of.mean, median=of.median, at_upper_limit=up, at_lower_limit=down, turnover=of.turnover,
        suspended=of.suspended, model=found.model,
        calls=[CallsDocument(task=each.task, stocks=each.stocks, by_class=dict(each.by_class)) for each in found.calls],
        sections=section_documents(market_day.parts(found, language)), text=market_day.text(found, language),
    )  # fmt: skip


def comparison_document(state: State, codes: list[str], day: date | None, language: Language) -> ComparisonDocument:
    """Return a comparison as JSON, with its text.

    :raises Refused: a stock is not known, or it is one stock only.
    """
    known = state.analyst.directory().by_code
    unknown = [code for code in codes if code not in known]
    if unknown:
        raise Refused(404, "unknown", f"no stock {unknown[0]} is known")
    if len(codes) < 2:
        raise Refused(422, "invalid", "code: name at least two stocks")
    found = state.analyst.analyse(codes, day)
    operator = state.settings.operator
    return ComparisonDocument(
        **labelled(language, operator),
        session=found[0].session, sections=section_documents(comparison.compared(found, language)),
        text=comparison.text(found, language), analyses=[analysis_document(each, language, operator) for each in found],
    )  # fmt: skip
