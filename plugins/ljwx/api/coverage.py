"""What of the market is there, session by session, and what fills the gaps."""

from __future__ import annotations

from collections import Counter
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict

from ljwx.api.errors import described
from ljwx.api.state import state_of
from ljwx.services.pages.coverage import Coverage, DayState, GapKind

router = APIRouter(responses=described(401, 403, 429))


class _Document(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class DayDocument(_Document):
    """A trading day; counts are null where it was never fetched."""

    session: date
    state: DayState
    expected: int | None
    received: int | None
    missing: int | None
    quarantined: int | None
    lacking: list[str]
    deferred: list[str]


class RefusedDocument(_Document):
    """Rows in quarantine for one reason."""

    reason: str
    rows: int
    sessions: int
    first: date | None
    last: date | None


class InterfaceDocument(_Document):
    """In how many of the fetched sessions an interface of the source was there."""

    name: str
    sessions: int
    of: int
    deferred: int
    newest_without: date | None


class GroupDocument(_Document):
    """Of how many complete sessions a feature group is there; of the newest, where it has a table of its own."""

    name: str
    in_use: bool
    sessions: int
    of: int
    newest: date | None


class GapDocument(_Document):
    """Sessions in a row that lack the same, and the command that fills them, where one can."""

    kind: GapKind
    first: date
    last: date
    sessions: int
    lacks: list[str]
    command: str | None


class CoverageDocument(BaseModel):
    """The state of the market's data; `days` are those of one year, `states` counts those of all years."""

    source: str | None
    first: date | None
    last: date | None
    states: dict[DayState, int]
    years: list[int]
    year: int | None
    days: list[DayDocument]
    refused: list[RefusedDocument]
    interfaces: list[InterfaceDocument]
    groups: list[GroupDocument]
    gaps: list[GapDocument]


@router.get("/coverage")
def coverage(
    request: Request,
    year: Annotated[int | None, Query(ge=1990, le=9999, description="Whose days; the newest by default.")] = None,
) -> CoverageDocument:
    """Say how whole each session is, what was refused and why, and what fills the gaps."""
    return _document(state_of(request).coverage.page(), year)


def _document(found: Coverage, year: int | None) -> CoverageDocument:
    chosen = year or next(iter(found.years), None)
    sessions = [day.session for day in found.days]
    return CoverageDocument(
        source=found.source,
        first=sessions[0] if sessions else None,
        last=sessions[-1] if sessions else None,
        states=dict(Counter(day.state for day in found.days)),
        years=list(found.years),
        year=chosen,
        days=[DayDocument.model_validate(day) for day in found.days if day.session.year == chosen],
        refused=[RefusedDocument.model_validate(each) for each in found.refused],
        interfaces=[InterfaceDocument.model_validate(each) for each in found.interfaces],
        groups=[GroupDocument.model_validate(each) for each in found.groups],
        gaps=[GapDocument.model_validate(each) for each in found.gaps],
    )
