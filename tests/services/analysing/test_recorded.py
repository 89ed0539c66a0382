"""What the forward record adds to an analysis: the answers that it has, and what such calls were worth."""

from __future__ import annotations

import json

import pytest

from ljwx.core.analysis.report import text
from ljwx.services.analysing.analyst import Analyst
from support_chain import Chain
from support_recorded import FUTURE, NEWEST, SETTLED, Recorded
from support_serve import STOCK


@pytest.fixture
def without_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_OLLAMA_DEFAULT", "ollama://127.0.0.1:9/")


@pytest.mark.usefixtures("without_server")
def test_what_the_record_has_is_told_without_a_model_server(recorded: Recorded, chain: Chain) -> None:
    said = recorded.db.value(
        "SELECT answer::text FROM ljwx.samples WHERE task = 'risk_assessment' ORDER BY session DESC LIMIT 1"
    )
    recorded.open(NEWEST)
    for task in FUTURE:
        recorded.answer(NEWEST, STOCK, task, answer=said if task == "risk_assessment" else None)
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
    assert "项偏空) ✓" in told
    assert "2026-03-20 21:05 in Shanghai, before the next open" in text(found, "en")


def test_an_answer_about_facts_that_were_corrected_since_is_asked_for_anew(recorded: Recorded) -> None:
    recorded.open(NEWEST)
    for task in FUTURE:
        other = {"snapshot_sha256": "f" * 64} if task == "price_direction" else {}
        recorded.answer(NEWEST, STOCK, task, **other)
    (found,) = Analyst().analyse([STOCK], None)
    ways = {each.task: each.source.way for each in found.judgements}
    assert ways == {
        "investment_advice": "class", "risk_assessment": "class", "price_direction": "asked",
        "technical_analysis": "asked",
    }  # fmt: skip
    assert "其余判断由模型在被问到时给出,不在前瞻记录里" in text(found, "zh")


@pytest.mark.usefixtures("without_server")
def test_a_call_stands_beside_what_such_calls_were_worth(recorded: Recorded) -> None:
    recorded.db.execute("UPDATE ljwx.datasets SET last_session = '2026-02-27'")  # a model answers about nothing before
    others = recorded.db.column(
        "SELECT DISTINCT ts_code FROM ljwx.current_bars WHERE session = %s ORDER BY ts_code LIMIT 4", SETTLED
    )
    recorded.open(SETTLED)
    for code in others:
        recorded.answer(SETTLED, code, "investment_advice")
    recorded.came(SETTLED, dict(zip(others, ("buy", "sell", "buy", "buy"), strict=True)), "investment_advice")
    recorded.open(NEWEST)
    for task in FUTURE:
        recorded.answer(NEWEST, STOCK, task)
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
