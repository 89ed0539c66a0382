"""Is what serves still what the forward record showed before?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np
import polars as pl

from ljwx.core.forward.market import Market, market_of
from ljwx.core.forward.watch import Check, Watched
from ljwx.core.forward.watching import REFERENCE, watch_answers
from ljwx.core.tasks import TASKS
from ljwx.exceptions import NotFound
from ljwx.hooks.warehouse import WarehouseHook

RECENT: Final = 20
"""A check that rang in so many of the newest sessions rings still."""
NOTE: Final = (
    "level: what the reference allows; a check rings when log_evidence reaches log_needed, or has in the last 20 "
    "sessions. All checks of a task together ring falsely once a year at most."
)


@dataclass(frozen=True)
class TaskCheck:
    """A check of one task's answers.

    :param since: the session with which what is seen most likely began; None where nothing is.
    """

    task: str
    check: Check
    rings: bool
    since: date | None
    level: float
    mean: float
    log_evidence: float
    log_needed: float


@dataclass(frozen=True)
class WatchedChampion:
    """The champion's line in the record; no checks before its record is longer than the reference."""

    model: str
    line_id: str
    sessions: int
    checks: tuple[TaskCheck, ...]
    note: str = NOTE


def watch_champion() -> WatchedChampion:
    """Hold the newest sessions of the champion's line against those before whose classes meant the same.

    :raises NotFound: there is no champion with a line, or no forward record.
    """
    warehouse = WarehouseHook()
    champion, batches, complete = warehouse.champion(), warehouse.forward_batches(), warehouse.complete_sessions()
    model = None if champion is None else warehouse.model(champion.model)
    if model is None or model.line_id is None or not batches or not complete:
        raise NotFound("there is nothing to watch yet: no champion, or no forward record")
    now, last = batches[-1], complete[-1]
    first = next(each.session for each in batches if each.meaning == now.meaning)
    codes = warehouse.codes()
    market = market_of(codes.as_stocks(warehouse.bars(first, last)), warehouse.trading_days(first, last))
    record = codes.as_stocks(warehouse.settled_record(by_line=True))
    known = record.filter(pl.col("session") <= last, pl.col("ts_code").is_in(market.stocks), meaning=now.meaning)
    checks = [
        _check(task, each, market)
        for task in TASKS
        for each in _watched(known.filter(task=task), model.line_id, task, market, now.horizon)
    ]
    return WatchedChampion(model.model, model.line_id, len(market.sessions), tuple(checks))


def _watched(rows: pl.DataFrame, line_id: str, task: str, market: Market, horizon: int) -> tuple[Watched, ...]:
    mine = rows.filter(answerer=line_id)
    if mine.is_empty():
        return ()
    counts = dict(rows.group_by("session").agg(pl.col("ts_code").n_unique()).iter_rows())
    asked = np.array([counts.get(session, 0) for session in market.sessions], dtype=np.float64)
    return watch_answers(mine, task, market, horizon, asked, REFERENCE)


def _check(task: str, seen: Watched, market: Market) -> TaskCheck:
    since = market.sessions[REFERENCE:]
    return TaskCheck(
        task=task,
        check=seen.check,
        rings=any(at >= len(since) - RECENT for at in seen.alarms),
        since=None if seen.began is None else since[seen.began],
        level=seen.level,
        mean=seen.mean,
        log_evidence=seen.log_evidence,
        log_needed=seen.log_needed,
    )
