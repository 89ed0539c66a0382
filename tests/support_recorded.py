"""A forward record in a warehouse with a champion, written session by session."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import date, datetime, timezone
from typing import Any

import polars as pl
import pytest

from ljwx.core.forward.outcomes import OUTCOMES
from ljwx.core.tasks import TASKS
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.services.asking.stock import Market, current_champion
from ljwx.stages.forward.opening import deadline_of
from ljwx.warehouse.forward import NewAnswer, NewBatch
from ljwx.warehouse.runs import RunRef
from support_chain import Database
from support_forward import at, stop_clock

SETTLED, NEWEST = date(2026, 3, 2), date(2026, 3, 20)
FUTURE = [task for task in TASKS if TASKS[task].needs_future]
SAID = {
    "investment_advice": {"buy": 0.6, "hold": 0.3, "sell": 0.1},
    "risk_assessment": {"low": 0.2, "medium": 0.3, "high": 0.5},
    "price_direction": {"up": 0.2, "flat": 0.2, "down": 0.6},
}


class Recorded:
    """A record in a warehouse with a champion, written session by session."""

    def __init__(self, db: Database) -> None:
        self.hook, self.db = WarehouseHook(), db
        self.key = self.hook.start_run(RunRef("tests", "one", "forward"))
        self.champion = current_champion(self.hook)

    def open(self, session: date) -> None:
        stop_clock(self.db.url, at(session, 21, 5))
        dataset = self.hook.latest_dataset()
        assert dataset is not None
        fit = self.hook.dataset_fit(dataset.dataset_id)
        batch = NewBatch(session, deadline_of(session), dataset.dataset_id, dataset.spec, fit or {})
        self.hook.open_batch(self.key, batch)

    def answer(self, session: date, code: str, task: str, **other: Any) -> None:
        alias = self.champion.alias
        snapshot = "0" * 64
        if session == NEWEST:
            text = Market(self.hook, self.champion, session).stock(code).snapshot
            snapshot = hashlib.sha256(text.encode()).hexdigest()
        plain = NewAnswer(
            session, code, task, alias.model, alias.digest, "line", snapshot, TASKS[task].classes, SAID[task]
        )
        rates = dict.fromkeys(TASKS[task].classes, 1 / 3)
        self.hook.save_forward_answer(self.key, replace(plain, **other))
        rule = replace(plain, answerer="class_rates", digest=None, line_id=None, probabilities=rates)
        self.hook.save_forward_answer(self.key, rule)

    def came(self, session: date, labels: dict[str, str], task: str) -> None:
        self.hook.seal_batch(session)
        rows = [{"session": session, "ts_code": code, "task": task, "label": each} for code, each in labels.items()]
        frame = pl.DataFrame(rows, schema={name: OUTCOMES[name] for name in ("session", "ts_code", "task", "label")})
        whole = frame.with_columns(
            *(
                pl.lit(None if kind == pl.String() else session if kind == pl.Date() else 0.01, dtype=kind).alias(name)
                for name, kind in OUTCOMES.items()
                if name not in frame.columns
            )
        ).select(list(OUTCOMES))
        self.hook.save_outcomes(self.key, datetime.now(timezone.utc), [session], whole)


@pytest.fixture
def recorded(crowned: Database) -> Recorded:
    return Recorded(crowned)
