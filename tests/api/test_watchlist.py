"""Watchlists: each its owner's alone, changed as a whole or not at all, and analysed as a stream of JSON lines."""

from __future__ import annotations

import asyncio
import itertools
import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests
from fastapi import Depends, FastAPI, Request
from starlette.testclient import TestClient

from ljwx.api import limits
from ljwx.api.app import make_app, mounted_app
from ljwx.api.limits import Limits
from ljwx.api.own.owner import Owner, note_owner
from ljwx.api.stored import Documents
from ljwx.services.config import ServeSettings
from ljwx.services.tokens import add_token, revoke_token
from support_chain import Database
from support_serve import STOCK, running

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


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Let analyses last until this is set."""
    go_on = threading.Event()

    def analysis(self: Documents, *_: Any) -> bytes:
        assert go_on.wait(60)
        return b"{}"

    monkeypatch.setattr(Documents, "analysis", analysis)
    yield go_on
    go_on.set()


def test_streams_leave_room_for_others_and_each_owner_has_one(crowned: Database, slow: threading.Event) -> None:
    names = ("ann", "bob", "carol")
    heads = {name: {"Authorization": f"Bearer {add_token(name, 1000).token}"} for name in names}
    for name in names:
        crowned.execute("INSERT INTO ljwx.watchlists VALUES ('token', %s, %s, 0)", name, STOCK)
    with running(make_app(ServeSettings(requests=8))) as url, ThreadPoolExecutor(2) as pool:

        def stream(name: str) -> requests.Response:
            return requests.get(f"{url}{LIST}/analyses", headers=heads[name], timeout=60, stream=True)

        first = {name: pool.submit(stream, name).result() for name in ("ann", "bob")}
        refused = {name: stream(name) for name in ("ann", "carol")}
        assert [(each.status_code, each.json()["error"]["kind"]) for each in refused.values()] == [(429, "busy")] * 2
        assert "your watchlist" in refused["ann"].json()["error"]["message"]
        assert "2 watchlists" in refused["carol"].json()["error"]["message"]
        assert refused["carol"].headers["Retry-After"] == "30"
        assert requests.get(f"{url}{LIST}", headers=heads["carol"], timeout=60).status_code == 200
        first["bob"].close()  # goes away in the middle
        slow.set()
        assert first["ann"].content == b"{}\n"
        later = next(reply for reply in iter(lambda: stream("carol"), None) if reply.status_code == 200)
        assert later.content == b"{}\n"


def test_who_takes_nothing_of_a_stream_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "SEND_SECONDS", 0.01)
    ended = list[int]()

    async def endless(_: Any, __: Any, send: Any) -> None:
        try:
            for number in itertools.count():
                await send({"type": "http.response.body", "body": b"x", "more_body": True})
                ended.append(number)
        finally:
            ended.append(-1)

    async def never(message: Any) -> None:
        if len(ended) == 3:
            await asyncio.Event().wait()

    async def empty() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    asyncio.run(Limits(endless, 1)({"type": "http"}, empty, never))
    assert ended == [0, 1, 2, -1]
