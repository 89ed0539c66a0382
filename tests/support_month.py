"""A forward record of two months with what came true, written at once: no bars are settled and no model is asked."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Final

import numpy as np
import polars as pl

from ljwx.core.forward.outcomes import OUTCOMES
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.resources import sse_calendar
from ljwx.warehouse.forward import NewAnswer, NewBatch
from ljwx.warehouse.runs import RunRef
from support_chain import bars_of, whole_day
from support_forward import at, stop_clock
from support_settled import FIT, SPEC

STOCKS: Final = ("000001.SZ", "300001.SZ", "600000.SH", *(f"6001{n:02d}.SH" for n in range(20)))
MODEL, RIVALS = "ljwx-stock:v1", ("class_rates", "logistic")
CLASSES: Final = {"price_direction": ("up", "flat", "down"), "risk_assessment": ("low", "medium", "high")}
DAYS: Final = tuple(sse_calendar().between(date(2026, 2, 26), date(2026, 3, 10)))
"""The third is a gap, the fourth has late answers, the fifth was sealed late; on the sixth the model is replaced, and
half of its stocks are answered by both; on the seventh it gives no class; the last is open."""
AFTER: Final = tuple(sse_calendar().between(date(2026, 3, 11), date(2026, 4, 3)))


class MonthRecord:
    """A warehouse with that record."""

    def __init__(self, url: str) -> None:
        self.hook, self.url, self._drawn = WarehouseHook(), url, np.random.default_rng(16)
        self.key = self.hook.start_run(RunRef("tests", "one", "forward"))
        for number, day in enumerate(DAYS):
            self.complete(day)
            if number != 2:
                self._session(number, day)
        self.settle(DAYS[:-1])

    def complete(self, day: date) -> None:
        self.hook.save_day(self.key, whole_day(day), bars_of(day))

    def settle(self, days: tuple[date, ...], seed: int = 5, moment: date = DAYS[-1]) -> None:
        """Write outcomes by chance; another seed gives others, which are a correction."""
        stop_clock(self.url, at(moment, 20))
        drawn, days = np.random.default_rng(seed), tuple(day for day in days if day != DAYS[2])
        rows = [
            {
                "session": day, "ts_code": code, "task": task, "label": str(drawn.choice(classes)), "reason": None,
                "net": 0.01, "excess": float(drawn.normal(0, 0.03)), "realised_volatility": 0.2, "max_drawdown": 0.1,
                "entry_session": day, "exit_session": day, "label_end": day,
            }
            for day in days
            for code in STOCKS
            for task, classes in CLASSES.items()
        ]  # fmt: skip
        nothing = dict.fromkeys(("label", "net", "excess", "realised_volatility", "max_drawdown", "label_end"))
        rows[0] |= nothing | {"reason": "entry_at_limit_up", "entry_session": None, "exit_session": None}
        self.hook.save_outcomes(self.key, at(moment, 20), list(days), pl.DataFrame(rows, OUTCOMES))

    def _session(self, number: int, day: date) -> None:
        stop_clock(self.url, at(day, 19))
        deadline = at(sse_calendar().after(day), 9, 15)
        spec = SPEC.model_dump(mode="json")
        self.hook.open_batch(self.key, NewBatch(day, deadline, "20260226-abc", spec, FIT))
        digest = ("d" if number < 5 else "e") * 64
        models = [each for task in CLASSES for each in self._said(day, task, MODEL, digest)]
        old = self._said(day, "price_direction", MODEL, "d" * 64)[::2] if number == 5 else []
        if number == 6:
            models = [replace(each, probabilities=None, reason="no_class") for each in models]
        rules = [each for task in CLASSES for rule in RIVALS for each in self._said(day, task, rule, None)]
        slow = models[-4:] if number == 3 else []
        self.hook.save_forward_rules(day, self.key, [*rules, *(old or models[: len(models) - len(slow)])])
        if old:
            stop_clock(self.url, at(day, 20))
            self._answer(models)
        if slow:
            stop_clock(self.url, deadline + timedelta(minutes=1))
            self._answer(slow)
        stop_clock(self.url, deadline + timedelta(hours=1 if number == 4 else -2))
        self.hook.seal_batch(day)

    def _answer(self, answers: list[NewAnswer]) -> None:
        for each in answers:
            self.hook.save_forward_answer(self.key, each)

    def _said(self, day: date, task: str, answerer: str, digest: str | None) -> list[NewAnswer]:
        alike = self._drawn.dirichlet([8, 6, 5])
        found = []
        for code in STOCKS:
            each = alike if answerer == "class_rates" else self._drawn.dirichlet([4, 3, 3])
            said = dict(zip(CLASSES[task], each.tolist(), strict=True))
            line = None if digest is None else "line"
            found.append(NewAnswer(day, code, task, answerer, digest, line, "s" * 64, CLASSES[task], said))
        return found
