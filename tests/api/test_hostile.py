"""What no client should send: each gets one clear error, and nothing of it is held or repeated."""

from __future__ import annotations

import logging
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from ljwx.api.app import make_app
from ljwx.api.limits import MOST_BYTES
from ljwx.services.config import ServeSettings
from support_chain import Database
from support_serve import STOCK, running

API = "/ljwx/api/v1"
POSTED = ("/v1/chat/completions", "/api/chat", "/api/generate", "/api/show", "/mcp")
WRONG = {
    "no JSON": b"{",
    "a list": b"[1, 2]",
    "a text": '"分析000001.SZ"'.encode(),
    "null": b"null",
    "another type": b'{"messages": {"role": 1}, "prompt": [], "model": {}, "jsonrpc": 2}',
    "no UTF-8": b'{"messages": [{"role": "user", "content": "\xff\xfe"}]}',
    "half a pair": b'{"messages": [{"role": "user", "content": "\\ud800"}], "prompt": "\\ud800", "model": "\\ud800"}',
    "a large number": b'{"messages": 1e999, "prompt": 1e999, "model": ' + b"9" * 5000 + b"}",
}
TEXTS = (
    "\x00000001.SZ\x00", "‮ZS.100000", "分析" + "​" * 300, "0̴̧̛0̷0̸0̵0̶1̷.SZ", "𝟘𝟘𝟘𝟘𝟘𝟙.𝕊ℤ", "\U0001f4c8" * 50,
    "000001。SZ", "﷽" * 100, "\r\n\r\nHTTP/1.1 200 OK", "%s%n{}{0}${x}",
)  # fmt: skip


@pytest.fixture
def client(application: FastAPI, token: str) -> Iterator[TestClient]:
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/json, text/event-stream"}
    with TestClient(application, headers=headers, raise_server_exceptions=False) as opened:
        yield opened


def test_a_body_of_the_wrong_type_is_refused_in_one_line(client: TestClient) -> None:
    headers = {"Content-Type": "application/json"}
    replies = {
        (name, path): client.post(path, content=body, headers=headers)
        for name, body in WRONG.items()
        for path in POSTED
    }
    replies |= {(name, "list"): client.put(f"{API}/watchlist", content=body) for name, body in WRONG.items()}
    assert {asked: reply.status_code for asked, reply in replies.items() if not 400 <= reply.status_code < 500} == {}
    assert [asked for asked, reply in replies.items() if not reply.json()["error"]["message"]] == []
    assert [asked for asked, reply in replies.items() if len(reply.text) > 700 or "\n" in reply.text] == []


def test_odd_signs_in_a_message_are_read_or_refused_and_never_break_an_answer(client: TestClient) -> None:
    for text in TEXTS:
        asked = {"model": "ljwx-stock", "messages": [{"role": "user", "content": text}]}
        reply = client.post("/v1/chat/completions", json=asked)
        assert reply.status_code == 200, text
        said: str = reply.json()["choices"][0]["message"]["content"]
        assert "【AI 生成】" in said or "[AI-generated]" in said
        assert "\x00" not in said


def test_ten_megabytes_are_refused_before_they_are_read(crowned: Database, token: str) -> None:
    head = f"Host: x\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json"
    with running(make_app(ServeSettings())) as url:
        host, port = url.removeprefix("http://").split(":")
        for path in POSTED:
            with socket.create_connection((host, int(port)), timeout=60) as large:
                large.sendall(f"POST {path} HTTP/1.1\r\n{head}\r\nContent-Length: {10 * 1024**2}\r\n\r\n".encode())
                large.sendall(b"[" + b" " * (MOST_BYTES + 1))
                assert b" 413 " in large.recv(100), path


def test_no_answer_repeats_a_token_and_no_log_holds_one(
    client: TestClient, token: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for reply in (
        client.get(f"{API}/stocks/{token}"), client.get(f"{API}/analysis/{STOCK}?day={token}"),
        client.post("/v1/chat/completions", json={"model": token, "messages": token}),
        client.put(f"{API}/watchlist", json={token: token}), client.post("/mcp", json={"jsonrpc": token}),
    ):  # fmt: skip
        assert 400 <= reply.status_code < 500
        assert token not in reply.text
    assert [each.name for each in caplog.records if token in each.getMessage() and each.name != "httpx2"] == []


def test_no_other_origin_is_let_in_and_no_page_frames_an_answer(client: TestClient) -> None:
    for path in (*POSTED, f"{API}/watchlist"):
        asked: dict[str, Any] = {"Origin": "https://x.cn", "Access-Control-Request-Method": "PUT"}
        reply = client.options(path, headers=asked)
        assert reply.status_code == 405, path
        assert not [name for name in reply.headers if name.startswith("access-control")]
        assert reply.headers["x-frame-options"] == "DENY"
        assert "frame-ancestors 'none'" in reply.headers["content-security-policy"]
