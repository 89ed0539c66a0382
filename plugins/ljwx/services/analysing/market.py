"""A session of the whole market, from stored bars and the forward record; no model is asked."""

from __future__ import annotations

from collections import Counter
from datetime import date
from typing import Final

import polars as pl

from ljwx.core.analysis.overviews.market_day import BEFORE, Breadth, Calls, MarketDay, breadth
from ljwx.core.tasks import TASKS
from ljwx.exceptions import NotFound
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.services.analysing.changes import Fresh, Look
from ljwx.services.asking.stock import asked_session
from ljwx.warehouse.forward import ForwardCall

READ: Final = (
    "bars",
    "instruments",
    "ingest_days",
    "complete_days",
    "feature_marks",
    "suspensions",
    "retention_events",
)
"""Tables of a session of the market."""


class MarketDays:
    """Works out what a session of the market was like, once for all who ask; shared by threads."""

    def __init__(self, warehouse: WarehouseHook) -> None:
        self._warehouse = warehouse
        self._kept: Fresh[date, Breadth] = Fresh(20)
        self._sessions: Fresh[date | None, date] = Fresh(64)

    def of(self, asked_day: date | None, until: date | None, look: Look) -> MarketDay:
        """Return the last complete session, or the one on or before a day.

        :param asked_day: what the reader has asked for.
        :raises NotFound: there is none; says why.
        """
        version = look.version(READ)
        session = self._sessions.read(until, version, lambda: asked_session(self._warehouse, until))
        found = self._kept.read(session, version, lambda: self._breadth(session))
        champion = self._warehouse.champion()
        if champion is None:
            return MarketDay(found, asked_day, None, ())
        calls = self._calls(session, champion.model, champion.digest)
        return MarketDay(found, asked_day, champion.model if calls else None, calls, champion.proven, champion.failing)

    def _breadth(self, session: date) -> Breadth:
        first = self._warehouse.complete_sessions(last=session)[-BEFORE - 1 :][0]
        bars = self._warehouse.bars(first, session)
        stopped = self._warehouse.suspensions([session]).filter(pl.col("kind") == "S")
        traded = bars.filter(session=session).get_column("ts_code")
        absent = stopped.filter(~pl.col("ts_code").is_in(traded.to_list())).get_column("ts_code").n_unique()
        found = breadth(bars, session, absent)
        if found is None:
            raise NotFound(f"no bar is stored on {session}", f"没有 {session} 的行情", "no_bar")
        return found

    def _calls(self, session: date, model: str, digest: str) -> tuple[Calls, ...]:
        rows = self._warehouse.forward_calls(session, model, digest)
        said = Counter((each.task, _likeliest(each)) for each in rows if each.task in TASKS)
        counted = {task: {name: said[task, name] for name in TASKS[task].classes} for task in TASKS}
        return tuple(Calls(task, sum(n.values()), n) for task, n in counted.items() if sum(n.values()))


def _likeliest(call: ForwardCall) -> str:
    return max(TASKS[call.task].classes, key=lambda name: call.probabilities.get(name, 0.0))
