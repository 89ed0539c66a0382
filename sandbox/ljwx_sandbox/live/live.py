"""The stepped run: history and two models first, then session by session what Airflow would do each evening."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from ljwx_sandbox.live.plan import CHALLENGER, CHAMPION, LivePlan, parameters
from ljwx_sandbox.live.servers import Peers, running
from ljwx_sandbox.live.tasks import TaskCaller
from ljwx_sandbox.settings import SandboxError

SHANGHAI = ZoneInfo("Asia/Shanghai")
EVENING, MORNING = time(18, 30), time(8, 30)
ON = timedelta(minutes=30)
"""Of the clock's time, from where a run was broken off to where it goes on."""


@dataclass
class Live:
    """A run in a folder of its own, which goes on where one was broken off.

    :param home: folder of its database, models and files.
    :param password: of its database.
    """

    home: Path
    password: str
    plan: LivePlan = field(default_factory=LivePlan)
    say: Callable[[str], None] = print
    _call: TaskCaller = field(default_factory=TaskCaller)

    @contextmanager
    def running(self) -> Iterator[Peers]:
        """Start the peers, connect this process to them, and stop them."""
        self.home.mkdir(parents=True, exist_ok=True)
        known = self._known()
        with running(self.home, self.password, self.plan.market, self._moment(known)) as peers:
            told = {
                **peers.environment, "LJWX_DATA": str(self.home / "data"),
                "AIRFLOW_VAR_LJWX_TRAINING_CONFIG": json.dumps(self.plan.settings),
            }  # fmt: skip
            before = {name: os.environ.get(name) for name in told}
            os.environ.update(told)
            try:
                yield peers
            finally:
                for name, text in before.items():
                    os.environ.pop(name) if text is None else os.environ.update({name: text})

    def run(self, peers: Peers) -> None:
        """Do what is left: history and models, then the sessions."""
        from ljwx import tasks
        from ljwx.hooks.warehouse import WarehouseHook

        tasks.migrate_warehouse()
        warehouse = WarehouseHook()
        if warehouse.champion() is None or len(warehouse.newest_models()) < 2:
            self._prepare(peers)
        days = self._sessions()
        sealed = {batch.session for batch in warehouse.forward_batches() if batch.digest is not None}
        for number, day in enumerate(days, 1):
            if day not in sealed:
                self.say(self._step(peers, number, day))

    def _prepare(self, peers: Peers) -> None:
        first, last = self.plan.history
        self.say(f"history from {first} to {last}, {self.plan.stocks} stocks")
        self._set(peers, 0, datetime.combine(last, EVENING, SHANGHAI))
        self._ingest(first, last)
        from ljwx import tasks

        self._task(tasks.build_dataset)
        for seed in (CHAMPION, CHALLENGER):
            self.say(self._build(seed))

    def _build(self, seed: int) -> str:
        """Build a model, examine it, and let the gate decide on it."""
        from ljwx import tasks
        from ljwx.operators.ollama import OllamaOperator

        params = {"model": parameters(seed)}
        self._task(tasks.choose_base, params=params)
        plan = self._task(tasks.plan_build, params=params)
        if plan is None:
            raise SandboxError(f"no model was built of seed {seed}")
        built = OllamaOperator(task_id="build_model", model=plan["model"], spec_path=plan["spec_path"]).execute({})
        self._task(tasks.verify_model, plan, built, params=params)
        questions = self._task(tasks.freeze_questions, plan["dataset_id"], params=params)
        for shard in self._task(tasks.plan_questions, plan["model"], questions, params=params) or []:
            self._task(tasks.ask_questions, shard, params=params)
        decided = self._task(tasks.decide_promotion, plan["model"], questions, params=params)
        return f"{plan['model']}: {decided['verdict'] if decided else 'not decided on'}"

    def _step(self, peers: Peers, number: int, day: date) -> str:
        """Take one session from its bars to its seal; settle, publish, watch and look at what came before."""
        from ljwx import tasks

        evening = datetime.combine(day, EVENING, SHANGHAI)
        self._set(peers, number, max(evening, self._known() + ON) if self._known().date() == day else evening)
        self._ingest(day, day)
        settled = self._task(tasks.settle_sessions) or {}
        pages = self._task(tasks.write_month) or []
        watched = self._task(tasks.watch_champion) or {}
        decided = self._task(tasks.look_at_record) or {}
        if decided:
            self._task(tasks.report_look, decided["promotion_id"])
        session = self._task(tasks.open_session)
        if session is None:
            raise SandboxError(f"{day} could not be opened; the folder {self.home} holds what happened")
        asked = self._task(tasks.ask_session, session) or {}
        digest = self._task(tasks.seal_session, session, asked) or "-"
        rings = ", ".join(watched.get("rings", ())) or "-"
        return (
            f"{number:3}/{self.plan.sessions} {day}  answers {asked.get('answers', 0):5}  seal {digest[:12]}  "
            f"settled {settled.get('new', 0):5}  watch {rings}"
            + (f"  {decided['verdict']} {decided['model']}" if decided else "")
            + "".join(f"  page {page}" for page in pages)
        )

    def _ingest(self, first: date, last: date) -> None:
        from ljwx import tasks

        params = {"start_date": first.isoformat(), "end_date": last.isoformat()}
        chunks = self._task(tasks.plan_ingest, params=params) or []
        for chunk in chunks:
            self._task(tasks.ingest_bars, chunk, params=params)
        self._task(tasks.compute_features, chunks, params=params)

    def _task(self, function: Callable[..., Any], *arguments: Any, params: dict[str, Any] | None = None) -> Any:
        return self._call(function, *arguments, at=self._known(), params=params)

    def _set(self, peers: Peers, number: int, moment: datetime) -> None:
        peers.set_time(moment)
        peers.set_skills(self.plan.skills(number))
        (self.home / "moment").write_text(moment.isoformat())

    def _sessions(self) -> list[date]:
        from ljwx.resources import sse_calendar

        begin = self.plan.history[1] + timedelta(days=1)
        return list(sse_calendar().between(begin, begin + timedelta(days=3 * self.plan.sessions)))[: self.plan.sessions]

    def _known(self) -> datetime:
        """Return the moment that the clock was set to last."""
        path = self.home / "moment"
        if path.exists():
            return datetime.fromisoformat(path.read_text())
        return datetime.combine(self.plan.history[1], MORNING, SHANGHAI)

    def _moment(self, known: datetime) -> datetime:
        return known + ON if (self.home / "moment").exists() else known
