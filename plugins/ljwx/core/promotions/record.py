"""What a decision about a line rests on, in numbers, as it is stored with it. Pure: no airflow, no I/O, no clock."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from ljwx.core.evidence import Counted, Weighed
from ljwx.core.evidence.sessions import RECORD, VALIDATION, Source
from ljwx.core.promotions.policy import Frozen


class Compared(Frozen):
    """What the sessions say about a line and one rival.

    :param rival: a line_id; ``none``: a RankIC of 0; ``class_rates``: those of the train period.
    :param measure: ``rank_ic``, or the rule of a proper score.
    :param task: None: the tasks about returns together.
    :param raw: mean difference, positive where the line is better; like `shrunken` and `error` None with fewer than two
        sessions.
    :param low: bounds of the mean at 95 %, however often one looks.
    :param smallest: about the smallest mean that so many sessions confirm in four of five cases.
    :param log_evidence: natural logarithm; it is confirmed from `log_needed` on.
    :param lapsed: it was confirmed, and the newest sessions do not bear it out.
    :param by_day: the evidence was added up day by day; before that was kept, session by session in turn.
    """

    rival: str
    measure: str
    task: str | None
    sessions: int
    raw: float | None
    shrunken: float | None
    error: float | None
    low: float
    high: float
    smallest: float | None
    log_evidence: float
    log_needed: float
    confirmed: bool
    waiting: bool
    lapsed: bool = False
    by_day: bool = False


class FromSource(Frozen):
    """How many of the sessions that count came from one source, and from which to which."""

    source: Source
    sessions: int
    first: date
    last: date


class LineRecord(Frozen):
    """The numbers of a decision about a line.

    :param rival: the champion's line; None without a champion.
    :param session: at whose close was looked.
    :param looks: at this pair, this one included; without a champion at the line alone.
    :param lines: that began to challenge within `error_sessions`.
    :param alpha: the error rate that the line was given; None where it was given none.
    :param spent: what all were given together, of `error_rate`.
    :param left_out: reason → questions that both answered and that do not count.
    :param newest: the newest session that questions were chosen from; None where it was not kept.
    :param moves: whether that one moves on with new sessions.
    :param sources: of the sessions that count for the pair; empty where it was not kept.
    """

    line: str
    rival: str | None
    session: date
    looks: int
    lines: int
    alpha: float | None
    spent: float
    error_rate: float
    error_sessions: int
    compared: tuple[Compared, ...]
    left_out: dict[str, int]
    newest: date | None = None
    moves: bool = True
    sources: tuple[FromSource, ...] = ()


def from_sources(counted: Iterable[Counted]) -> tuple[FromSource, ...]:
    """Return how many sessions came from the forward record, and how many from validation windows."""
    source_of = {each.session: each.source for each in counted}
    by_source = {name: [day for day, source in source_of.items() if source == name] for name in (RECORD, VALIDATION)}
    return tuple(
        FromSource(source=name, sessions=len(days), first=min(days), last=max(days))
        for name, days in by_source.items()
        if days
    )


def compared(rival: str, measure: str, task: str | None, weighed: Weighed) -> Compared:
    """Return what was weighed in numbers that can be stored."""
    size, bounds = weighed.size, weighed.bounds
    return Compared(
        rival=rival,
        measure=measure,
        task=task,
        sessions=weighed.sessions,
        raw=None if size is None else size.raw,
        shrunken=None if size is None else size.shrunken,
        error=None if size is None else size.error,
        low=bounds.low,
        high=bounds.high,
        smallest=weighed.smallest,
        log_evidence=weighed.log_evidence,
        log_needed=weighed.log_needed,
        confirmed=weighed.confirmed,
        waiting=weighed.waiting,
        lapsed=weighed.confirmed and not weighed.holds,
        by_day=weighed.by_day,
    )
