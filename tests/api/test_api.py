"""The API of `ljwx serve`: who may ask, what it answers, and what it says when it cannot."""

from __future__ import annotations

import json
import logging
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from ljwx.api.app import make_app
from ljwx.api.limits import MOST_BYTES
from ljwx.exceptions import ConfigurationError
from ljwx.hooks.ollama import OllamaHook
from ljwx.services.analysing.analyst import Analyst
from ljwx.services.config import ServeSettings, serve_settings
from ljwx.services.tokens import add_token, revoke_token
from support_chain import Chain, Database
from support_serve import STOCK, running

API = "/ljwx/api/v1"
ROUTES = (
    "stocks?q=pingan", f"stocks/{STOCK}", f"stocks/{STOCK}/bars", f"analysis/{STOCK}", "models", "decisions", "data",
    "lineage/champion", "market", "coverage", "scores", "trainings",
)  # fmt: skip


@pytest.fixture
def client(application: FastAPI, token: str) -> Iterator[TestClient]:
    with TestClient(application, headers={"Authorization": f"Bearer {token}"}) as opened:
        yield opened


def test_every_route_with_data_wants_a_token_that_is_valid(
    application: FastAPI, token: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    revoked = add_token("left").token
    revoke_token("left")
    client = TestClient(application)
    values = {"ts_code": STOCK, "name": "champion", "model": "ljwx-stock"}
    routes = {
        (method, path.format(**values))
        for path, item in application.openapi()["paths"].items()
        for method in item
        if path != f"{API}/health"
    }
    found = {
        route: [
            client.request(*route, headers=headers).status_code
            for headers in ({}, {"Authorization": "Bearer ljwx_no"}, {"Authorization": f"Bearer {revoked}"})
        ]
        for route in routes
    }
    assert len(found) == len(ROUTES) + 16  # both that compare, the watchlist, and what chat clients ask
    assert found == {route: [401, 403, 403] for route in routes}
    assert client.get(f"{API}/health").json() == {"status": "ok"}
    assert token not in caplog.text
    assert revoked not in caplog.text


def test_a_token_is_kept_as_a_hash_alone(crowned: Database, token: str) -> None:
    assert token not in str(crowned.rows("SELECT * FROM ljwx.api_tokens"))
    with pytest.raises(ConfigurationError, match="there was a token tests before"):
        add_token("tests")


def test_it_answers_what_there_is(client: TestClient, chain: Chain) -> None:
    found = {route: client.get(f"{API}/{route}") for route in ROUTES}
    assert {route: each.status_code for route, each in found.items()} == dict.fromkeys(ROUTES, 200)
    assert found["stocks?q=pingan"].json()[0] == {
        "ts_code": STOCK,
        "name": "平安银行",
        "former": found["stocks?q=pingan"].json()[0]["former"],
    }
    analysis = found[f"analysis/{STOCK}"].json()
    assert (analysis["ai_generated"], analysis["session"], analysis["model"]) == (
        True,
        "2026-03-20",
        chain.plan["model"],
    )
    assert "不构成投资建议" in analysis["text"]
    assert {line["mark"] for part in analysis["sections"] for line in part["lines"]} >= {"checked", "none"}
    assert found["models"].json()[0]["aliases"] == ["champion"]
    assert found["decisions"].json()[0]["verdict"] == "first_champion"
    assert found["data"].json()["last"] == found["coverage"].json()["last"] == "2026-03-20"
    assert found["lineage/champion"].json()["name"] == chain.plan["model"]
    assert found["models"].headers["x-ai-generated"] == "true"
    assert found["models"].headers["x-frame-options"] == "DENY"
    assert "access-control-allow-origin" not in client.get(f"{API}/models", headers={"Origin": "https://x.cn"}).headers


@pytest.mark.parametrize(
    ("route", "status", "kind", "says"),
    [
        ("analysis/999999.SZ", 404, "unknown", "no stock 999999.SZ is known"),
        ("analysis/1", 422, "invalid", "ts_code"),
        (f"analysis/{STOCK}?day=2999-01-01", 404, "future", "nothing is known of 2999-01-01"),
        (f"analysis/{STOCK}?day=soon", 422, "invalid", "day"),
        (f"analysis/{STOCK}?task=fortune", 422, "invalid", "is no task"),
        ("lineage/nothing", 404, "not_found", "no model, dataset or sample"),
        ("lineage/%00", 422, "invalid", "name"),
        ("lineage/2026-03-20/999999.SZ", 404, "not_found", "no bar of 999999.SZ"),
        ("models/compare?first=champion&second=nobody", 404, "not_found", "no model is called 'nobody'"),
        ("models/compare?first=champion", 422, "invalid", "second"),
        ("coverage?year=soon", 422, "invalid", "year"),
        ("stocks", 422, "invalid", "q"),
        ("elsewhere", 404, "no_route", "Not Found"),
    ],
)
def test_what_cannot_be_answered_is_said_in_one_line(
    client: TestClient, route: str, status: int, kind: str, says: str
) -> None:
    response = client.get(f"{API}/{route}")
    error = response.json()["error"]
    assert (response.status_code, error["kind"]) == (status, kind)
    assert says in error["message"]
    assert "\n" not in response.text


def test_bodies_that_are_too_much_are_refused(client: TestClient) -> None:
    route = f"{API}/health"
    deep = client.request("GET", route, content=b"[" * 40)
    assert (deep.status_code, deep.json()["error"]["kind"]) == (400, "too_deep")
    large = client.request("GET", route, content=b" " * (MOST_BYTES + 1))
    assert (large.status_code, large.json()["error"]["kind"]) == (413, "too_large")
    assert client.request("GET", route, content=json.dumps({"text": "[" * 90 + '\\"'}).encode()).status_code == 200


def test_a_client_that_sends_too_slowly_is_not_waited_for(crowned: Database) -> None:
    with running(make_app(ServeSettings(), body_seconds=0.3)) as url:
        host, port = url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=60) as slow:
            slow.sendall(f"GET {API}/health HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n".encode())
            assert b"408" in slow.recv(200)


def test_a_token_asks_as_often_as_it_may(application: FastAPI, crowned: Database) -> None:
    seldom = add_token("seldom", 2).token
    client = TestClient(application, headers={"Authorization": f"Bearer {seldom}"})
    statuses = [client.get(f"{API}/models") for _ in range(3)]
    assert [each.status_code for each in statuses] == [200, 200, 429]
    assert 0 < int(statuses[-1].headers["retry-after"]) <= 61


def test_asking_is_limited_and_what_was_said_is_not_asked_again(
    crowned: Database, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = TestClient(
        make_app(ServeSettings(asking=1, queue_seconds=0)), headers={"Authorization": f"Bearer {token}"}
    )
    first = client.get(f"{API}/analysis/{STOCK}")
    begun, go_on, chat = threading.Event(), threading.Event(), OllamaHook.chat

    def slowly(self: OllamaHook, *arguments: Any, **settings: Any) -> Any:
        begun.set()
        assert go_on.wait(60)
        return chat(self, *arguments, **settings)

    monkeypatch.setattr(OllamaHook, "chat", slowly)
    slow: list[Any] = []
    other = crowned.value("SELECT max(ts_code) FROM ljwx.current_bars WHERE session = '2026-03-20'")
    thread = threading.Thread(target=lambda: slow.append(client.get(f"{API}/analysis/{other}")))
    thread.start()
    assert begun.wait(60)
    busy = client.get(f"{API}/analysis/{STOCK}?day=2026-03-18")
    again = client.get(f"{API}/analysis/{STOCK}")
    go_on.set()
    thread.join()
    assert (busy.status_code, busy.json()["error"]["kind"], slow[0].status_code) == (429, "busy", 200)
    assert again.json() == first.json()


def test_without_a_model_server_the_error_says_so(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_OLLAMA_DEFAULT", "ollama://127.0.0.1:9/")
    with TestClient(make_app(ServeSettings()), headers=client.headers) as without:
        response = without.get(f"{API}/analysis/{STOCK}")
    assert (response.status_code, response.json()["error"]["kind"]) == (503, "model_server")


def test_beyond_this_machine_somebody_answers_for_it(crowned: Database) -> None:
    with pytest.raises(ConfigurationError, match=r"serve\.operator: name who answers"):
        serve_settings(host="0.0.0.0")
    with pytest.raises(ConfigurationError, match=r"serve\.chat_without_token"):
        serve_settings(host="0.0.0.0", operator="某公司", chat_without_token=True)
    assert serve_settings(host="0.0.0.0", operator="某公司").operator == "某公司"


def test_an_analyst_that_is_kept_reads_the_market_once(crowned: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    analyst = Analyst(asking=1)
    (first,) = analyst.analyse([STOCK], None)
    monkeypatch.setattr(analyst.warehouse, "bars", None)
    assert analyst.analyse([STOCK], None) == [first]
