"""Stored analyses: sent as they were written, until anything that they rest on has changed, and then written anew."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from ljwx.api.app import make_app
from ljwx.services.analysing.analyst import Analyst
from ljwx.services.config import ServeSettings
from support_chain import Database
from support_recorded import FUTURE, NEWEST, SETTLED, Recorded
from support_rows import add_decision, add_model
from support_serve import STOCK

PATH = f"/ljwx/api/v1/analysis/{STOCK}"
CORRECTED = """
    WITH was AS (
        UPDATE ljwx.bars SET superseded_at = now()
        WHERE ts_code = %s AND session = %s AND superseded_at IS NULL RETURNING *)
    INSERT INTO ljwx.bars SELECT (jsonb_populate_record(NULL::ljwx.bars, to_jsonb(was) || jsonb_build_object(
        'revision', revision + 1, 'close', close + 0.01, 'superseded_at', NULL, 'first_seen', now()))).* FROM was
"""


def answered(recorded: Recorded) -> None:
    recorded.open(NEWEST)
    for task in FUTURE:
        recorded.answer(NEWEST, STOCK, task)


def settled(recorded: Recorded) -> None:
    recorded.db.execute("UPDATE ljwx.datasets SET last_session = '2026-02-27'")
    recorded.open(SETTLED)
    recorded.answer(SETTLED, STOCK, "investment_advice")
    recorded.came(SETTLED, {STOCK: "buy"}, "investment_advice")


def renamed(recorded: Recorded) -> None:
    recorded.db.execute("UPDATE ljwx.names SET name = '另一家' WHERE ts_code = %s", STOCK)


def decided(recorded: Recorded) -> None:
    add_decision(recorded.db, recorded.champion.alias.model, proven=True)
    recorded.db.execute("UPDATE ljwx.lines SET proven = true")


def failing(recorded: Recorded) -> None:
    recorded.db.execute(
        "INSERT INTO ljwx.watch_alarms (line_id, check_name, model, what, text, rang, done, because, run_key) "
        "SELECT line_id, 'skill', model, 'x', 'its calls are worse', '2026-03-20', 'marked', 'so', run_key "
        "FROM ljwx.models WHERE model = %s", recorded.champion.alias.model,
    )  # fmt: skip


def promoted(recorded: Recorded) -> None:
    other = add_model(recorded.db, "another:v1")
    recorded.db.execute("UPDATE ljwx.aliases SET model = %s WHERE alias = 'champion'", other)


def computed(recorded: Recorded) -> None:
    where = "WHERE ts_code = %s AND session = %s AND superseded_at IS NULL"
    recorded.db.execute(f"UPDATE ljwx.features SET rsi_14 = 43.2 {where}", STOCK, NEWEST)


def corrected(recorded: Recorded) -> None:
    recorded.db.execute(CORRECTED, STOCK, NEWEST)


CHANGES: tuple[tuple[Callable[[Recorded], None], str], ...] = (
    (settled, "同类判断已结算 1 次"), (renamed, "另一家"), (decided, "模型可信度:已获证实"),
    (failing, "模型可信度:表现失常"),
    (computed, "RSI14为43.2"), (corrected, "截至 2026-03-19"), (promoted, "another:v1"),
)  # fmt: skip
"""Changes of an analysis, and words that only stand in it afterwards."""


@pytest.fixture
def client(application: FastAPI, token: str) -> TestClient:
    return TestClient(application, headers={"Authorization": f"Bearer {token}"})


def with_nothing_kept(application: FastAPI, token: str) -> TestClient:
    """An application that has read nothing yet; what models said when they were asked, it remembers."""
    fresh = make_app(ServeSettings())
    fresh.state.ljwx.analyst._said = application.state.ljwx.analyst._said
    return TestClient(fresh, headers={"Authorization": f"Bearer {token}"})


def test_each_change_is_seen_by_the_next_who_asks(
    recorded: Recorded, client: TestClient, application: FastAPI, token: str
) -> None:
    answered_before = client.get(PATH).json()
    assert {each["way"] for each in answered_before["judgements"]} == {"asked"}
    answered(recorded)
    before = client.get(PATH).json()
    assert {each["way"] for each in before["judgements"]} == {"class", "facts"}
    for change, words in CHANGES:
        assert words not in before["text"]
        change(recorded)
        before = client.get(PATH).json()
        assert words in before["text"], words
        assert with_nothing_kept(application, token).get(PATH).json() == before


def test_what_is_stored_is_not_worked_out_again_until_something_changes(
    crowned: Database, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, worked, plain = client.get(PATH), list[Any](), Analyst.analyse

    def counting(self: Analyst, *arguments: Any) -> Any:
        worked.append(arguments)
        return plain(self, *arguments)

    monkeypatch.setattr(Analyst, "analyse", counting)
    assert [client.get(PATH).content for _ in range(3)] == [first.content] * 3
    assert worked == []
    assert client.get(f"{PATH}?language=en").json()["text"] != first.json()["text"]
    crowned.execute("UPDATE ljwx.ingest_days SET checked_at = checked_at WHERE false")  # nothing, as far as one sees
    assert client.get(PATH).content == first.content
    assert len(worked) == 2
