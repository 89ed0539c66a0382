"""Watchlists: each its owner's alone, changed as a whole or not at all, and analysed as a stream of JSON lines."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from fastapi import Depends, FastAPI, Request
from starlette.testclient import TestClient

from ljwx.api.app import mounted_app
from ljwx.api.own.owner import Owner, note_owner
from ljwx.services.tokens import add_token, revoke_token
from support_chain import Database
from support_serve import STOCK

LIST = "/ljwx/api/v1/watchlist"


@pytest.fixture
def client(application: FastAPI, token: str) -> Iterator[TestClient]:
    with TestClient(application, headers={"Authorization": f"Bearer {token}"}) as opened:
        yield opened


@pytest.fixture
def other(crowned: Database) -> str:
    """Another stock than that of the tests."""
    return str(crowned.value("SELECT max(ts_code) FROM ljwx.current_bars WHERE session = '2026-03-20'"))


def codes(client: TestClient, path: str = LIST) -> list[str]:
    return [stock["ts_code"] for stock in client.get(path).json()["stocks"]]


def test_a_list_is_its_owners_alone_and_goes_with_the_token(
    client: TestClient, application: FastAPI, other: str, crowned: Database
) -> None:
    assert codes(client) == []
    assert client.put(LIST, json={"stocks": [other, STOCK, other]}).status_code == 200
    bob = TestClient(application, headers={"Authorization": f"Bearer {add_token('bob', 1000).token}"})
    assert bob.put(f"{LIST}/{STOCK}").json()["stocks"][0]["ts_code"] == STOCK
    assert (codes(client), codes(bob)) == ([other, STOCK], [STOCK])
    assert client.delete(f"{LIST}/{other}").status_code == 200
    assert codes(client) == [STOCK]
    assert client.put(f"{LIST}/{STOCK}").status_code == 200
    assert codes(client) == [STOCK]
    revoke_token("bob")
    assert crowned.column("SELECT owner FROM ljwx.watchlists") == ["tests"]


def test_what_cannot_be_on_a_list_changes_nothing(client: TestClient, other: str) -> None:
    client.put(LIST, json={"stocks": [STOCK]})
    refused = [
        (client.put(LIST, json={"stocks": [other, "999999.SZ"]}), 404, "unknown"),
        (client.put(f"{LIST}/999999.SZ"), 404, "unknown"),
        (client.delete(f"{LIST}/{other}"), 404, "unknown"),
        (client.put(LIST, json={"stocks": ["1"]}), 422, "invalid"),
        (client.put(LIST, json={"stocks": [STOCK], "owner": "bob"}), 422, "invalid"),
        (client.put(LIST, json={"stocks": [f"{n:06}.SZ" for n in range(101)]}), 422, "invalid"),
    ]
    assert [(reply.status_code, reply.json()["error"]["kind"]) for reply, *_ in refused] == [
        (status, kind) for _, status, kind in refused
    ]
    assert codes(client) == [STOCK]


def test_a_list_is_analysed_line_by_line_and_one_stock_ends_no_other(
    client: TestClient, other: str, crowned: Database
) -> None:
    client.put(LIST, json={"stocks": [STOCK, other]})
    with client.stream("GET", f"{LIST}/analyses?day=2026-03-20") as reply:
        assert reply.headers["content-type"] == "application/x-ndjson"
        lines = [json.loads(line) for line in reply.iter_lines()]
    whole = client.get(f"/ljwx/api/v1/analysis/{STOCK}?day=2026-03-20").json()
    assert lines[0] == whole
    assert [line["ts_code"] for line in lines] == [STOCK, other]
    assert all(line["ai_generated"] for line in lines)
    crowned.execute("UPDATE ljwx.instruments SET delist_date = '2026-01-05' WHERE ts_code = %s", STOCK)
    crowned.execute("DELETE FROM ljwx.bars WHERE ts_code = %s", STOCK)
    second = client.get(f"{LIST}/analyses?day=2026-03-19&language=en").text.splitlines()
    assert json.loads(second[0]) == {
        "ts_code": STOCK,
        "error": {
            "kind": "delisted", "message": f"{STOCK} was delisted on 2026-01-05; ask about an earlier day",
            "chinese": f"{STOCK} 已于 2026-01-05 退市;可以问更早的日子",
        },
    }  # fmt: skip
    assert json.loads(second[1])["text"].startswith(json.loads(second[1])["name"])


def test_a_user_of_airflow_has_a_list_of_their_own(crowned: Database) -> None:
    def logged_in(request: Request) -> None:
        name = request.headers.get("authorization", "").removeprefix("Bearer ")
        if name:
            note_owner(request, Owner("user", name))

    client = TestClient(mounted_app(Depends(logged_in)))
    ann, bob = ({"Authorization": f"Bearer {name}"} for name in ("ann", "bob"))
    assert client.put(f"/api/v1/watchlist/{STOCK}", headers=ann).status_code == 200
    assert [len(client.get("/api/v1/watchlist", headers=who).json()["stocks"]) for who in (ann, bob)] == [1, 0]
    nobody = client.get("/api/v1/watchlist")
    assert (nobody.status_code, nobody.json()["error"]["kind"]) == (403, "nobody")
