"""Whether a model thinks first: what is sent, and what is read."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from ljwx.core.thinking import Think
from ljwx.exceptions import RefusedRequest
from ljwx.hooks.ollama import OllamaHook
from ljwx_sandbox.ollama.thinking import THINKING
from support_ollama import BASE, OllamaServer

ASK = [{"role": "user", "content": "up or down?"}]
QUICK = {"temperature": 0, "num_predict": 40}
END = {"model": "m", "done": True, "done_reason": "stop"}


class Recorder(ThreadingHTTPServer):
    """A server that says what its models can do, keeps what it was asked, and answers as it is told."""

    def __init__(self, shown: dict[str, Any], lines: list[dict[str, Any]]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.shown, self.lines = shown, lines


class Handler(BaseHTTPRequestHandler):
    server: Recorder

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.asked.append((self.path, body))
        lines = [self.server.shown] if self.path == "/api/show" else self.server.lines
        content = "".join(f"{json.dumps(line)}\n" for line in lines).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def recorder(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Recorder]:
    server = Recorder(*request.param)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    monkeypatch.setenv("AIRFLOW_CONN_OLLAMA_DEFAULT", f"ollama://127.0.0.1:{server.server_port}")
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


SAID = [{**END, "message": {"content": "up"}}]
THINKS = ({"capabilities": ["completion", "thinking"]}, SAID)


@pytest.mark.parametrize(
    ("recorder", "think", "sent"),
    [
        (THINKS, False, {"think": False}),
        (THINKS, True, {"think": True}),
        (THINKS, "low", {"think": "low"}),
        (({"capabilities": ["completion"]}, SAID), True, {}),
        (({}, SAID), False, {}),
    ],
    indirect=["recorder"],
)
def test_think_is_sent_where_the_server_says_that_the_model_can_and_only_there(
    recorder: Recorder, think: Think, sent: dict[str, Any]
) -> None:
    hook = OllamaHook()
    hook.chat("m", ASK, think=think)
    list(hook.chat_stream("m", ASK, think=think))
    bodies = [body for path, body in recorder.asked if path == "/api/chat"]
    assert [{key: body[key] for key in body if key == "think"} for body in bodies] == [sent, sent]
    assert [path for path, _ in recorder.asked].count("/api/show") == 1, "asked once for a model"


@pytest.mark.parametrize(
    "recorder",
    [
        ({}, [{"done": False, "message": {"content": "", "thinking": "it "}},
              {"done": False, "message": {"content": "", "thinking": "rose"}},
              {"done": False, "message": {"content": "u"}}, {**END, "message": {"content": "p"}}]),
    ],
    indirect=True,
)  # fmt: skip
def test_a_streamed_thought_is_kept_apart(recorder: Recorder) -> None:
    pieces = list(OllamaHook().chat_stream("m", ASK))
    assert [piece.content for piece in pieces] == ["", "", "u", "p"]
    last = pieces[-1].answer
    assert last is not None
    assert (last.thinking, last.content, last.raw) == ("it rose", "up", "<think>it rose</think>up")


@pytest.fixture
def thinker(ollama_sandbox: OllamaServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A thinking model on the sandbox."""
    monkeypatch.setenv("AIRFLOW_CONN_OLLAMA_DEFAULT", ollama_sandbox.connection)
    name = "thinker:hook"
    assert ollama_sandbox.post("create", {"model": name, "from": BASE, "template": THINKING, "stream": False}).ok
    yield name
    ollama_sandbox.delete(name)


def test_a_model_thinks_only_where_it_is_let(thinker: str) -> None:
    hook = OllamaHook()
    quiet, let = hook.chat(thinker, ASK, options=QUICK), hook.chat(thinker, ASK, options=QUICK, think=True)
    assert (quiet.thinking, bool(quiet.content)) == ("", True)
    assert let.thinking
    assert let.content
    assert let.raw == f"<think>{let.thinking}</think>{let.content}"
    pieces = list(hook.chat_stream(thinker, ASK, options=QUICK, think=True))
    assert pieces[-1].answer is not None
    assert (pieces[-1].answer.thinking, pieces[-1].answer.content) == (let.thinking, let.content)


def test_a_model_that_cannot_think_is_asked_nothing_of_it(thinker: str, ollama_sandbox: OllamaServer) -> None:
    assert OllamaHook().chat(BASE, ASK, options=QUICK, think=True).thinking == ""
    refused = ollama_sandbox.post("chat", {"model": BASE, "messages": ASK, "think": True})
    assert (refused.status_code, refused.json()) == (400, {"error": f'"{BASE}" does not support thinking'})


def test_an_answer_cut_in_its_thought_says_nothing(thinker: str) -> None:
    reply = OllamaHook().chat(thinker, ASK, options={**QUICK, "num_predict": 3}, think=True)
    assert (reply.content, reply.done_reason, bool(reply.thinking)) == ("", "length", True)


def test_a_schema_holds_for_the_answer_and_not_for_the_thought(thinker: str) -> None:
    schema = {"type": "object", "properties": {"up": {"type": "boolean"}}, "required": ["up"]}
    reply = OllamaHook().chat(thinker, ASK, format=schema, options=QUICK, think=True, top_logprobs=2)
    assert set(json.loads(reply.content)) == {"up"}
    assert "".join(token.token for token in reply.logprobs) == reply.content
    assert reply.thinking not in reply.content


def test_the_server_refuses_a_think_that_is_none(thinker: str, ollama_sandbox: OllamaServer) -> None:
    with pytest.raises(RefusedRequest, match='invalid think value: "a lot"'):
        OllamaHook().chat(thinker, ASK, think="a lot")  # type: ignore[arg-type]
