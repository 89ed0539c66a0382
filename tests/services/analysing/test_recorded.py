"""What the forward record adds to an analysis: the answers that it has, and what such calls were worth."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import date, datetime, timezone
from typing import Any

import polars as pl
import pytest

from ljwx.core.analysis.report import text
from ljwx.core.forward.outcomes import OUTCOMES
from ljwx.core.tasks import TASKS
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.services.analysing.analyst import Analyst
from ljwx.services.asking.stock import Market, current_champion
from ljwx.stages.forward.opening import deadline_of
from ljwx.warehouse.forward import NewAnswer, NewBatch
from ljwx.warehouse.runs import RunRef
from support_chain import Chain, Database
from support_forward import at, stop_clock
from support_serve import STOCK

SETTLED, NEWEST = date(2026, 3, 2), date(2026, 3, 20)
FUTURE = [task for task in TASKS if TASKS[task].needs_future]
SAID = {
    "investment_advice": {"buy": 0.6, "hold": 0.3, "sell": 0.1},
    "risk_assessment": {"low": 0.2, "medium": 0.3, "high": 0.5},
    "price_direction": {"up": 0.2, "flat": 0.2, "down": 0.6},
}


class Kept:
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
def kept(crowned: Database) -> Kept:
    return Kept(crowned)


@pytest.fixture
def without_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_OLLAMA_DEFAULT", "ollama://127.0.0.1:9/")


@pytest.mark.usefixtures("without_server")
def test_what_the_record_has_is_told_without_a_model_server(kept: Kept, chain: Chain) -> None:
    said = kept.db.value(
        "SELECT answer::text FROM ljwx.samples WHERE task = 'risk_assessment' ORDER BY session DESC LIMIT 1"
    )
    kept.open(NEWEST)
    for task in FUTURE:
        kept.answer(NEWEST, STOCK, task, answer=said if task == "risk_assessment" else None)
    (found,) = Analyst().analyse([STOCK], None)
    told = text(found, "zh")
    assert {each.task: (each.label, each.source.way) for each in found.judgements} == {
        "investment_advice": ("buy", "class"),
        "risk_assessment": (json.loads(said)["risk"], "record"),
        "price_direction": ("down", "class"),
        "technical_analysis": (found.judgements[-1].label, "facts"),
    }
    assert told.count("只问了类别与可能性,没有问理由") == 2
    assert "可能性(括号内是历史上出现的频率):买入 60%(" in told
    assert "模型的判断取自前瞻记录,写于 2026-03-20 21:05(北京时间),早于下一次开盘" in told
    assert "技术面由程序按当日指标得出,没有问模型" in told
    assert told.count("前瞻记录里还没有这个模型已结算的判断,准不准尚无从谈起") == 1
    assert "票) ✓" in told
    assert "2026-03-20 21:05 in Shanghai, before the next open" in text(found, "en")


def test_an_answer_about_facts_that_were_corrected_since_is_asked_for_anew(kept: Kept) -> None:
    kept.open(NEWEST)
    for task in FUTURE:
        other = {"snapshot_sha256": "f" * 64} if task == "price_direction" else {}
        kept.answer(NEWEST, STOCK, task, **other)
    (found,) = Analyst().analyse([STOCK], None)
    ways = {each.task: each.source.way for each in found.judgements}
    assert ways == {
        "investment_advice": "class", "risk_assessment": "class", "price_direction": "asked",
        "technical_analysis": "asked",
    }  # fmt: skip
    assert "其余判断由模型在被问到时给出,不在前瞻记录里" in text(found, "zh")


@pytest.mark.usefixtures("without_server")
def test_a_call_stands_beside_what_such_calls_were_worth(kept: Kept) -> None:
    kept.db.execute("UPDATE ljwx.datasets SET last_session = '2026-02-27'")  # a model answers about nothing before
    others = kept.db.column(
        "SELECT DISTINCT ts_code FROM ljwx.current_bars WHERE session = %s ORDER BY ts_code LIMIT 4", SETTLED
    )
    kept.open(SETTLED)
    for code in others:
        kept.answer(SETTLED, code, "investment_advice")
    kept.came(SETTLED, dict(zip(others, ("buy", "sell", "buy", "buy"), strict=True)), "investment_advice")
    kept.open(NEWEST)
    for task in FUTURE:
        kept.answer(NEWEST, STOCK, task)
    analyst = Analyst()
    (found,) = analyst.analyse([STOCK], None)
    fared = found.judgements[0].fared
    assert fared is not None
    assert (fared.first, fared.last, fared.sessions, fared.calls, fared.hits.mean) == (SETTLED, SETTLED, 1, 4, 0.75)
    assert fared.by_class == {"buy": (4, 3)}
    assert fared.gain is not None
    assert fared.gain.low < 0 < fared.gain.high  # one session proves nothing
    told = text(found, "zh")
    assert "2026-03-02 至 2026-03-02,1 个交易日):同类判断已结算 4 次,说中 75%(95% 区间 " in told
    assert "尚不能证实它的概率比历史频率说得更多" in told
    assert "其中判断「买入」4 次,应验 3 次。" in told
    assert 'Of its 4 calls of "buy" 3 came true.' in text(found, "en")
    assert told.count("还没有这个模型对该问题的已结算判断") == 2
