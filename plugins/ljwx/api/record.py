"""The forward record: what such calls were worth."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date

from fastapi import APIRouter, Request
from pydantic import BaseModel

from ljwx.api.errors import described
from ljwx.api.state import state_of
from ljwx.core.forward.earned import EarnedBy
from ljwx.core.forward.over_time import Course
from ljwx.core.forward.scores import Score
from ljwx.services.pages.record import RecordPage

router = APIRouter(responses=described(401, 403, 429))


class AtDocument(BaseModel):
    """A mean over the sessions up to one, with the bounds that it had then."""

    session: date
    mean: float
    low: float
    high: float


class BinDocument(BaseModel):
    """Answers of about the same confidence, and how many of them were right."""

    low: float
    high: float
    n: int
    confidence: float
    accuracy: float


class EarnedDocument(BaseModel):
    """A simulated portfolio after costs, beside the market of the same stocks and an index; nobody traded it."""

    sessions: list[date]
    curve: list[float]
    market: list[float]
    index_code: str | None
    index: list[float] | None
    annual: float
    market_annual: float
    index_annual: float | None
    excess: float
    drawdown: float
    turnover: float
    recipes_tried: int
    deflated_sharpe: float | None
    index_note: str
    note: str


class ScoreDocument(BaseModel):
    """The whole record of one model on one task; means have bounds that hold on whichever day one looks."""

    sessions: int
    asked: int
    answered: int
    valid: int
    log_score: float
    brier: float
    ece: float | None
    hit_rate: float
    hit_low: float
    hit_high: float


class CourseDocument(BaseModel):
    """One model on one task, in sessions whose classes mean the same."""

    answerer: str
    digest: str
    task: str
    horizon: int
    meaning: str
    score: ScoreDocument | None
    skill: list[AtDocument]
    rank_ic: list[AtDocument]
    reliability: list[BinDocument]
    earned: EarnedDocument | None


class RecordDocument(BaseModel):
    """The forward record as it is known now."""

    ai_generated: bool = True
    first: date
    last: date
    batches: int
    gaps: int
    late: int
    open: int
    bounds: str
    note: str
    courses: list[CourseDocument]


@router.get("/record", responses=described(404))
def record(request: Request) -> RecordDocument:
    """Return the record of every model by task; 404 while there is none."""
    return record_document(state_of(request).record.page())


def record_document(page: RecordPage) -> RecordDocument:
    """Return the record as JSON."""
    scored = page.scored
    scores = {
        (each.answerer, each.digest, each.task, each.meaning): each
        for each in scored.scores
        if each.window.name == "all"
    }
    earned = {(each.answerer, each.digest, each.task, each.meaning): each for each in page.earned}
    return RecordDocument(
        first=scored.first, last=scored.last, batches=scored.batches, gaps=scored.gaps, late=scored.late,
        open=scored.open, bounds=scored.bounds, note=scored.note,
        courses=[_course(each, scores.get(_key(each)), earned.get(_key(each))) for each in page.courses],
    )  # fmt: skip


def _key(course: Course) -> tuple[str, str | None, str, str]:
    return course.answerer, course.digest, course.task, course.meaning


def _course(course: Course, score: Score | None, earned: EarnedBy | None) -> CourseDocument:
    return CourseDocument(
        answerer=course.answerer, digest=course.digest, task=course.task, horizon=course.horizon,
        meaning=course.meaning,
        score=None if score is None else _score(score),
        skill=[AtDocument(**vars(at)) for at in course.skill],
        rank_ic=[AtDocument(**vars(at)) for at in course.rank_ic],
        reliability=[BinDocument(**asdict(each)) for each in course.reliability],
        earned=None if earned is None else _earned(earned),
    )  # fmt: skip


def _score(score: Score) -> ScoreDocument:
    hits = score.hit_rate
    return ScoreDocument(
        sessions=score.sessions, asked=score.asked, answered=score.answered, valid=score.valid,
        log_score=score.log_score, brier=score.brier, ece=score.ece,
        hit_rate=hits.mean, hit_low=hits.low, hit_high=hits.high,
    )  # fmt: skip


def _earned(earned: EarnedBy) -> EarnedDocument:
    return EarnedDocument(
        sessions=list(earned.sessions), curve=list(earned.curve), market=list(earned.market),
        index_code=earned.index_code, index=None if earned.index is None else list(earned.index),
        annual=earned.annual, market_annual=earned.market_annual, index_annual=earned.index_annual,
        excess=earned.excess, drawdown=earned.drawdown, turnover=earned.turnover, recipes_tried=earned.recipes_tried,
        deflated_sharpe=earned.deflated_sharpe, index_note=earned.index_note, note=earned.note,
    )  # fmt: skip
