"""Several stocks beside each other, and the market's day: by the API, in a chat and on the command line."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient
from typer.testing import CliRunner

from ljwx.cli.app import app
from support_chain import Database
from support_serve import STOCK

API = "/ljwx/api/v1"


@pytest.fixture
def client(application: FastAPI, token: str) -> Iterator[TestClient]:
    with TestClient(application, headers={"Authorization": f"Bearer {token}"}) as opened:
        yield opened


@pytest.fixture
def other(crowned: Database) -> str:
    """Another stock than that of the tests."""
    return str(crowned.value("SELECT max(ts_code) FROM ljwx.current_bars WHERE session = '2026-03-20'"))


def test_the_markets_day_is_told_from_stored_bars(
    client: TestClient, crowned: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_OLLAMA_DEFAULT", "ollama://127.0.0.1:9/")
    monkeypatch.setenv("_AIRFLOW_PROCESS_CONTEXT", "server")
    query = "SELECT count(*) FROM ljwx.current_bars WHERE session = '2026-03-20'"
    up = crowned.value(f"{query} AND close > pre_close")
    found = client.get(f"{API}/market").json()
    assert (found["session"], found["stocks"], found["up"]) == ("2026-03-20", crowned.value(query), up)
    assert (found["ai_generated"], found["model"], found["calls"]) == (True, None, [])
    asked = {"model": "ljwx-stock", "messages": [{"role": "user", "content": "2026-03-20大盘怎么样"}]}
    chat = client.post("/v1/chat/completions", json=asked).json()["choices"][0]["message"]["content"]
    assert chat == found["text"]
    done = CliRunner().invoke(app, ["ask", "--market"])
    assert (done.exit_code, done.stdout.replace("\n", "")) == (0, found["text"].replace("\n", ""))
    assert json.loads(CliRunner().invoke(app, ["ask", "--market", "--json"]).stdout)["breadth"]["up"] == up
    assert client.get(f"{API}/market?day=1999-01-04").json()["error"]["kind"] == "too_early"
    for wrong in (["ask"], ["ask", "--market", STOCK]):
        assert CliRunner().invoke(app, wrong).exit_code == 2


def test_stocks_are_compared_by_the_same_questions_and_facts(client: TestClient, other: str) -> None:
    found = client.get(f"{API}/compare?code={STOCK}&code={other}").json()
    each = [client.get(f"{API}/analysis/{code}").json() for code in (STOCK, other)]
    assert found["analyses"] == each
    names = "、".join(f"{analysis['name']}({analysis['ts_code']})" for analysis in each)
    assert found["text"].startswith(f"{names} 截至 2026-03-20 收盘的对比\n【AI 生成】")
    facts = next(part for part in found["sections"] if part["title"] == "当日事实")["lines"]
    assert {line["mark"] for line in facts} == {"checked"}
    ret5 = [analysis["facts"]["features"]["ret_5"] for analysis in each]
    assert [line["text"] for line in facts if all(f"{abs(value)}" in line["text"] for value in ret5)]
    message = {"model": "ljwx-stock", "messages": [{"role": "user", "content": f"比较{STOCK}和{other}"}]}
    chat = client.post("/v1/chat/completions", json=message).json()["choices"][0]["message"]["content"]
    assert chat == "\n\n".join([found["text"], *(analysis["text"] for analysis in each)])


@pytest.mark.parametrize(
    ("query", "status", "kind"),
    [(f"code={STOCK}", 422, "invalid"), (f"code={STOCK}&code={STOCK}", 422, "invalid"),
     ("code=1&code=2", 422, "invalid"), (f"code={STOCK}&code=999999.SZ", 404, "unknown"), ("", 422, "invalid")],
)  # fmt: skip
def test_a_comparison_wants_stocks_that_are_known(client: TestClient, query: str, status: int, kind: str) -> None:
    response = client.get(f"{API}/compare?{query}")
    assert (response.status_code, response.json()["error"]["kind"]) == (status, kind)
