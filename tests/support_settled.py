"""A forward record of one session, into whose warehouse bars come day by day."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import polars as pl

from ljwx.core.datasets.spec import SampleSpec
from ljwx.core.labels.costs import Costs
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.warehouse.forward import NewAnswer, NewBatch
from ljwx.warehouse.runs import RunRef
from support_chain import bars_of, whole_day
from support_forward import at, stop_clock

DAYS = [date(2026, 3, 2), date(2026, 3, 3), date(2026, 3, 4), date(2026, 3, 5), date(2026, 3, 6)]
MONDAY = DAYS[0]
SPEC = SampleSpec(horizon=2, exit_roll=1, costs=Costs(commission=0, commission_minimum_cny=0, transfer_fee=0))
FIT = {"numbers": {"risk_assessment": {"volatility": 1.0, "drawdown": 1.0, "low": -1.0, "high": 5.0}}}
STOCKS = ("000001.SZ", "300001.SZ", "600000.SH")


def said(code: str, task: str = "price_direction", **other: Any) -> NewAnswer:
    classes = ("up", "flat", "down") if task == "price_direction" else ("low", "medium", "high")
    likely = dict(zip(classes, (0.5, 0.3, 0.2), strict=True))
    plain = NewAnswer(MONDAY, code, task, "model:v1", "d" * 64, "line", "s" * 64, classes, likely)
    return replace(plain, **other)


class Record:
    """A warehouse with a record, into which bars come day by day; ``spec`` is of the batches that are opened next."""

    def __init__(self, url: str) -> None:
        self.hook, self.url, self.spec = WarehouseHook(), url, SPEC
        self.key = self.hook.start_run(RunRef("tests", "one", "forward"))
        listed = [{"ts_code": code, "list_status": "L", "list_date": date(2000, 1, 4)} for code in STOCKS]
        self.hook.save_instruments(self.key, pl.DataFrame(listed))
        stop_clock(url, at(MONDAY, 19))

    def bars(self, day: date, **changed: dict[str, float | None]) -> None:
        self.hook.save_day(self.key, whole_day(day), bars_of(day, **changed))

    def answer(self, *answers: NewAnswer) -> None:
        spec = self.spec.model_dump(mode="json")
        for day in sorted({each.session for each in answers}):
            self.hook.open_batch(self.key, NewBatch(day, at(day, 9, 15, days=1), "20260302-abc", spec, FIT))
        for each in answers:
            self.hook.save_forward_answer(self.key, each)


def record_until_wednesday(url: str) -> Record:
    """Asked about on Monday; its bars are there until Wednesday, when the horizon is over."""
    record = Record(url)
    record.bars(MONDAY)
    record.answer(*(said(code) for code in STOCKS), said(STOCKS[0], "risk_assessment"))
    record.bars(DAYS[1])
    record.bars(DAYS[2], close={"000001.SZ": 10.4})
    return record
