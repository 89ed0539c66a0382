from __future__ import annotations

import contextlib
import hashlib
import json
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException

from ljwx.core.models import Message
from ljwx.exceptions import (
    BuildFailed,
    ConfigurationError,
    ModelMissing,
    OllamaTimeout,
    OllamaUnreachable,
    PromptTooLong,
    RefusedRequest,
)
from ljwx.hooks.ollama import OllamaHook
from ljwx.hooks.ollama_wire import OllamaSettings, OllamaWire
from support_ollama import BASE, OllamaServer

ASK = [Message(role="user", content="Say OK.")]
QUICK = {"temperature": 0, "num_predict": 4}
NAME = "hook-test:1"


def connect(monkeypatch: pytest.MonkeyPatch, connection: str) -> OllamaHook:
    monkeypatch.setenv("AIRFLOW_CONN_OLLAMA_DEFAULT", connection)
    return OllamaHook()


@pytest.fixture
def hook(ollama_faulty: OllamaServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[OllamaHook]:
    yield connect(monkeypatch, ollama_faulty.connection)
    ollama_faulty.delete(NAME)


def test_connection_test_names_the_version(hook: OllamaHook) -> None:
    assert hook.test_connection() == (True, f"Ollama {hook.version()} at {hook.settings.url}")


def test_connection_test_says_what_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    ok, message = connect(monkeypatch, f"ollama://127.0.0.1:{port}").test_connection()
    assert not ok
    assert f"127.0.0.1:{port}" in message


@pytest.mark.parametrize(
    ("connection", "url"),
    [
        ({"conn_type": "ollama", "host": "box"}, "http://box:11434"),
        ({"conn_type": "generic", "host": "https://box/ollama/", "port": 443}, "https://box:443/ollama"),
        ({"conn_type": "ollama", "host": "https://box"}, "https://box:443"),
        ({"conn_type": "ollama", "host": "box", "schema": "https"}, "https://box:443"),
        ({"conn_type": "ollama", "host": "::1", "schema": "http", "port": 1}, "http://[::1]:1"),
        ({"conn_type": "ollama", "host": "[::1]", "port": 1}, "http://[::1]:1"),
        ({"conn_type": "ollama", "host": "[::1]:11435"}, "http://[::1]:11435"),
    ],
)
def test_url_of_a_connection(monkeypatch: pytest.MonkeyPatch, connection: dict[str, Any], url: str) -> None:
    assert connect(monkeypatch, json.dumps(connection)).settings.url == url


BASIC = "Basic dXNlcjrlr4bnoIE="  # user:密码 in UTF-8


@pytest.mark.parametrize(
    ("connection", "authorization"),
    [
        ({"host": "box"}, None),
        ({"host": "box", "password": "a-token\n"}, "Bearer a-token"),
        ({"host": "box", "login": "user", "password": "密码"}, BASIC),
        ({"host": "https://user:%E5%AF%86%E7%A0%81@box"}, BASIC),
        ({"host": "http://:a-token@box"}, "Bearer a-token"),
        ({"host": "http://user@box"}, "Basic dXNlcjo="),
    ],
)
def test_user_and_password_are_basic_authentication_and_a_password_alone_is_a_token(
    monkeypatch: pytest.MonkeyPatch, connection: dict[str, Any], authorization: str | None
) -> None:
    hook = connect(monkeypatch, json.dumps({"conn_type": "ollama", **connection}))
    assert hook.get_conn().headers.get("Authorization") == authorization
    assert hook.settings.url.endswith("://box:443" if "https" in connection["host"] else "://box:11434")
    told = f"{hook.settings}"
    assert not any(secret in told for secret in ("a-token", "密码", "dXNlc"))


@pytest.mark.parametrize(
    "connection",
    [
        {"conn_type": "ollama"},
        {"conn_type": "ollama", "host": "box", "schema": "ftp"},
        {"conn_type": "ollama", "host": "box", "extra": {"chat_timeout": "soon"}},
        {"conn_type": "ollama", "host": "box", "extra": {"read_timeout": 0}},
        {"conn_type": "ollama", "host": "box:port"},
        {"conn_type": "ollama", "host": "ollama..lan"},
        {"conn_type": "ollama", "host": "ollama.example", "extra": {"proxy": "http://u:s3cret@pro..xy:1"}},
        {"conn_type": "ollama", "host": "user:s3cret@box", "password": "token"},
        {"conn_type": "ollama", "host": "box", "password": "s3crét"},
        {"conn_type": "ollama", "host": "user:s3cret/1@box"},
    ],
)
def test_wrong_connection_is_named(monkeypatch: pytest.MonkeyPatch, connection: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="ollama_default") as caught:
        connect(monkeypatch, json.dumps(connection)).version()
    assert "s3cr" not in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_a_host_that_only_the_library_below_requests_refuses_is_unreachable() -> None:
    with pytest.raises(OllamaUnreachable, match=r"no complete answer from http://ollama\.\.lan:1: "):
        OllamaWire(OllamaSettings("http://ollama..lan:1", None)).request("GET", "/api/version")


def test_token_is_sent_and_never_told(ollama_faulty: OllamaServer, monkeypatch: pytest.MonkeyPatch) -> None:
    fields = {**json.loads(ollama_faulty.connection), "password": "a-secret-token"}
    hook = connect(monkeypatch, json.dumps(fields))
    assert hook.get_conn().headers["Authorization"] == "Bearer a-secret-token"
    ollama_faulty.fail_next("version", "status", status=401, message="unauthorized")
    with pytest.raises(RefusedRequest) as caught:
        hook.version()
    assert "a-secret-token" not in f"{caught.value!r} {hook.settings}"


def test_create_show_copy_digest_delete(hook: OllamaHook) -> None:
    messages = [Message(role="user", content="RSI14=80"), Message(role="assistant", content="sell")]
    parameters = {"temperature": 0.5, "num_ctx": 1024, "stop": ["<|im_end|>", "END"]}
    lines = list(hook.create(NAME, base=BASE, system="Be brief.", parameters=parameters, messages=messages))
    assert lines[-1].status == "success"
    shown = hook.show(NAME)
    assert (shown.system, shown.parent) == ("Be brief.", BASE)
    assert shown.parameters == parameters
    assert shown.messages == (("user", "RSI14=80"), ("assistant", "sell"))
    assert shown.weights == hook.show(BASE).weights
    hook.copy(NAME, "hook-copy")
    assert hook.digest("hook-copy") == hook.digest(NAME)
    hook.delete("hook-copy")
    with pytest.raises(ModelMissing, match="hook-copy:latest"):
        hook.digest("hook-copy")


@pytest.mark.parametrize("spelled", [BASE.upper(), f"library/{BASE}", f"registry.ollama.ai/library/{BASE}"])
def test_a_model_is_found_by_any_spelling_of_its_name(hook: OllamaHook, spelled: str) -> None:
    assert hook.digest(spelled) == hook.digest(BASE)


def test_the_port_of_a_registry_is_no_tag(hook: OllamaHook) -> None:
    with pytest.raises(ModelMissing, match="'reg:5000/ns/base:latest' is not on"):
        hook.digest("reg:5000/ns/base")


def test_list_and_ps_are_typed(hook: OllamaHook) -> None:
    base = next(model for model in hook.list() if model.name == BASE)
    assert (base.parameter_size, base.quantization) == ("134.52M", "Q4_1")
    hook.chat(BASE, ASK, options={**QUICK, "num_ctx": 2048})
    assert {model.name: model.context_length for model in hook.ps()}[BASE] == 2048


def test_blob_is_uploaded_once(hook: OllamaHook, tmp_path: Path) -> None:
    path = tmp_path / "blob"
    path.write_bytes(b"some bytes of this test")
    digest = hashlib.sha256(b"some bytes of this test").hexdigest()
    assert not hook.blob_exists(digest)
    assert hook.upload_blob(path) == digest
    assert hook.blob_exists(digest)
    assert hook.upload_blob(path, expected=digest) == digest
    with pytest.raises(RefusedRequest, match=digest):
        hook.upload_blob(path, expected="0" * 64)


def test_chat_and_its_stream_tell_the_same(hook: OllamaHook) -> None:
    whole = hook.chat(BASE, ASK, options=QUICK, top_logprobs=2)
    pieces = list(hook.chat_stream(BASE, ASK, options=QUICK, top_logprobs=2))
    last = pieces[-1].answer
    assert last is not None
    assert last.content == "".join(piece.content for piece in pieces) == whole.content
    assert (whole.done_reason, whole.eval_count, len(whole.logprobs)) == ("length", 4, 4)
    assert [token.token for token in last.logprobs] == [token.token for token in whole.logprobs]
    assert all(len(token.alternatives) == 2 for token in whole.logprobs)
    assert 0 < whole.eval_seconds < whole.total_seconds


def test_schema_answer_parses(hook: OllamaHook) -> None:
    schema = {"type": "object", "properties": {"up": {"type": "boolean"}}, "required": ["up"]}
    answer = hook.chat(BASE, ASK, format=schema, options={"temperature": 0, "num_predict": 30})
    assert isinstance(json.loads(answer.content)["up"], bool)


def test_overlong_prompt_is_refused_unless_truncation_is_asked(hook: OllamaHook) -> None:
    long = [{"role": "user", "content": "word " * 600}]
    with pytest.raises(PromptTooLong, match="256 tokens"):
        hook.chat(BASE, long, options={"num_ctx": 256})
    with pytest.raises(PromptTooLong):
        list(hook.chat_stream(BASE, long, options={"num_ctx": 256}))
    assert hook.chat(BASE, long, options={**QUICK, "num_ctx": 256}, truncate=True).prompt_eval_count < 256


@pytest.mark.parametrize(
    ("parameters", "told"),
    [
        ({"no_such_param": 1}, "no_such_param"),
        ({"temperature": "hot"}, "'hot'"),
        ({"num_ctx": 2048.5}, "num_ctx"),
        ({"seed": True}, "seed"),
        ({"stop": [1]}, "stop"),
        ({"top_p": float("nan")}, "top_p"),
        ({"num_predict": 0}, "num_predict"),
    ],
)
def test_parameters_the_server_would_accept_silently_are_refused(
    hook: OllamaHook, parameters: dict[str, Any], told: str
) -> None:
    with pytest.raises(RefusedRequest, match=told):
        hook.create(NAME, base=BASE, parameters=parameters)
    with pytest.raises(RefusedRequest, match=told):
        hook.chat(BASE, ASK, options=parameters)
    assert NAME not in [model.name for model in hook.list()]


def test_a_base_with_a_parameter_of_the_wrong_type_is_refused_and_not_tried_again(
    hook: OllamaHook, ollama_faulty: OllamaServer
) -> None:
    """The server takes it in silence when the base is made, and fails with 500 at each answer."""
    ollama_faulty.post("create", {"model": NAME, "from": BASE, "parameters": {"temperature": "hot"}}).raise_for_status()
    for ask in (hook.chat, lambda *asked: list(hook.chat_stream(*asked))):
        with pytest.raises(RefusedRequest, match='option "temperature" must be of type float32'):
            ask(NAME, ASK)


def test_the_shell_of_a_failed_create_is_no_model(hook: OllamaHook, ollama_faulty: OllamaServer) -> None:
    with pytest.raises(BuildFailed):
        list(hook.create(NAME, base="nope:1"))
    assert NAME in [model["name"] for model in ollama_faulty.get("tags")["models"]]
    assert NAME not in [model.name for model in hook.list()]
    assert NAME in [model.name for model in hook.shells()]
    with pytest.raises(ModelMissing):
        hook.digest(NAME)
    hook.delete(NAME)
    assert NAME not in [model.name for model in hook.shells()]


ELSEWHERE = {"remote_model": "a", "remote_host": "https://ollama.com:443"}


@pytest.mark.parametrize(
    ("size", "family", "more", "is_shell"),
    [
        (384, "gptoss", ELSEWHERE, False),
        (344, "", ELSEWHERE, False),
        (127, "", {}, True),
        (4_000_000, "", {}, False),
    ],
    ids=["a service elsewhere", "one that tells nothing of the model", "a shell", "weights of an unknown kind"],
)
def test_only_a_tag_without_weights_and_of_no_service_elsewhere_is_a_shell(
    hook: OllamaHook, ollama_faulty: OllamaServer, size: int, family: str, more: dict[str, str], is_shell: bool
) -> None:
    details = {"parent_model": "", "format": "", "family": family, "parameter_size": "", "quantization_level": ""}
    answer = {"models": [TAG | more | {"size": size, "details": details}]}
    ollama_faulty.fail_next("tags", "lines", lines=[answer], times=2)
    assert [model.name for model in hook.list()] == ([] if is_shell else ["a:1"])
    assert [model.name for model in hook.shells()] == (["a:1"] if is_shell else [])


def test_unknown_role_is_refused(hook: OllamaHook) -> None:
    with pytest.raises(RefusedRequest, match="alien"):
        hook.chat(BASE, [{"role": "alien", "content": "x"}])


def test_unknown_format_is_refused(hook: OllamaHook) -> None:
    with pytest.raises(RefusedRequest, match="yaml"):
        hook.chat(BASE, ASK, format="yaml")  # type: ignore[arg-type]
    with pytest.raises(RefusedRequest, match="nonsense"):
        hook.chat(BASE, ASK, format={"type": "nonsense"})


def test_missing_model_fails_without_retry(hook: OllamaHook) -> None:
    for ask in (lambda: hook.chat("nope:1", ASK), lambda: hook.show("nope:1"), lambda: hook.delete("nope:1")):
        with pytest.raises(ModelMissing, match="nope:1") as caught:
            ask()
        assert isinstance(caught.value, AirflowFailException)


def test_error_line_in_a_build_or_pull_is_a_failed_build(hook: OllamaHook, ollama_faulty: OllamaServer) -> None:
    with pytest.raises(BuildFailed, match="no such host"):
        list(hook.create(NAME, base="no-such-model:1b"))
    with pytest.raises(BuildFailed, match="no such host"):
        list(hook.pull("no-such-model:1b"))
    ollama_faulty.fail_next("create", "error_line", message="disk full", lines=[{"status": "parsing GGUF"}])
    with pytest.raises(BuildFailed, match="disk full"):
        list(hook.create(NAME, base=BASE))


def test_pull_tells_percents(hook: OllamaHook) -> None:
    assert {line.percent for line in hook.pull(BASE) if line.digest} == {100}


@pytest.mark.parametrize("route", ["create", "chat"])
@pytest.mark.parametrize("after", [0, 1])
def test_broken_connection_is_unreachable(
    hook: OllamaHook, ollama_faulty: OllamaServer, route: str, after: int
) -> None:
    ollama_faulty.fail_next(route, "hang_up", after=after)
    stream: Iterator[Any] = (
        hook.create(NAME, base=BASE) if route == "create" else hook.chat_stream(BASE, ASK, options=QUICK)
    )
    with pytest.raises(OllamaUnreachable):
        list(stream)


def test_stream_that_ends_in_good_order_too_early_is_unreachable(hook: OllamaHook, ollama_faulty: OllamaServer) -> None:
    ollama_faulty.fail_next("create", "lines", lines=[{"status": "parsing GGUF"}])
    with pytest.raises(OllamaUnreachable, match="before its last line"):
        list(hook.create(NAME, base=BASE))
    half = {"model": BASE, "message": {"role": "assistant", "content": "a"}, "done": False}
    ollama_faulty.fail_next("chat", "lines", lines=[half])
    with pytest.raises(OllamaUnreachable, match="before its last line"):
        list(hook.chat_stream(BASE, ASK))


def test_error_line_in_a_chat_is_the_servers_trouble(hook: OllamaHook, ollama_faulty: OllamaServer) -> None:
    ollama_faulty.fail_next("chat", "error_line", message="llama runner process has terminated")
    with pytest.raises(OllamaUnreachable, match="runner"):
        list(hook.chat_stream(BASE, ASK))


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (500, OllamaUnreachable),
        (501, RefusedRequest),
        (503, OllamaUnreachable),
        (504, OllamaTimeout),
        (400, RefusedRequest),
        (302, RefusedRequest),
    ],
)
def test_status_chooses_the_exception(
    hook: OllamaHook, ollama_faulty: OllamaServer, status: int, error: type[Exception]
) -> None:
    ollama_faulty.fail_next("version", "status", status=status, message="so it is")
    with pytest.raises(error, match="so it is"):
        hook.version()


def test_slow_answer_is_a_timeout(ollama_faulty: OllamaServer, monkeypatch: pytest.MonkeyPatch) -> None:
    fields = {**json.loads(ollama_faulty.connection), "extra": {"read_timeout": 0.2, "chat_timeout": "0.2"}}
    hook = connect(monkeypatch, json.dumps(fields))
    ollama_faulty.fail_next("version", "delay", seconds=1)
    with pytest.raises(OllamaTimeout):
        hook.version()
    ollama_faulty.fail_next("chat", "delay", seconds=1)
    with pytest.raises(OllamaTimeout):
        hook.chat(BASE, ASK)


def test_something_else_than_ollama_is_unreachable(hook: OllamaHook, ollama_faulty: OllamaServer) -> None:
    ollama_faulty.fail_next("version", "lines", lines=[{"a": 1}, {"b": 2}])
    with pytest.raises(OllamaUnreachable, match="Ollama server"):
        hook.version()


ENDED = {"model": BASE, "done": True}
TAG = {"name": "a:1", "digest": "0" * 64, "size": 1, "modified_at": ""}


@pytest.mark.parametrize(
    ("verb", "line", "told"),
    [
        ("version", {}, "KeyError: 'version'"),
        ("version", {"version": None}, "None where a text belongs"),
        ("tags", {"models": None}, "TypeError"),
        ("tags", {"models": [TAG | {"details": None}]}, "'NoneType'"),
        ("ps", {}, "KeyError: 'models'"),
        ("ps", {"models": [{"name": "a:1"}]}, "KeyError"),
        ("show", {"messages": [{}]}, "KeyError: 'role'"),
        ("chat", ENDED, "KeyError: 'message'"),
        ("chat", ENDED | {"message": {"content": None}}, "None where a text belongs"),
        ("chat", {"done": True, "message": {"content": "a"}}, "KeyError: 'model'"),
        ("chat", ENDED | {"message": {"content": "a"}, "eval_duration": "soon"}, "TypeError"),
    ],
)
def test_answer_of_another_form_is_unreachable_and_says_what_is_wrong(
    hook: OllamaHook, ollama_faulty: OllamaServer, verb: str, line: dict[str, Any], told: str
) -> None:
    ask: dict[str, Callable[[], Any]] = {
        "version": hook.version, "tags": hook.list, "ps": hook.ps, "show": lambda: hook.show(BASE),
        "chat": lambda: hook.chat(BASE, ASK),
    }  # fmt: skip
    ollama_faulty.fail_next(verb, "lines", lines=[line])
    with pytest.raises(OllamaUnreachable, match=f"answered otherwise than Ollama .*{told}"):
        ask[verb]()


def test_streamed_line_of_another_form_is_unreachable(hook: OllamaHook, ollama_faulty: OllamaServer) -> None:
    ollama_faulty.fail_next("chat", "lines", lines=[{"message": {"content": "a"}}])
    with pytest.raises(OllamaUnreachable, match="KeyError: 'done'"):
        list(hook.chat_stream(BASE, ASK))
    ollama_faulty.fail_next("create", "lines", lines=[{"status": "pulling", "total": "much"}])
    with pytest.raises(OllamaUnreachable, match="'much'"):
        list(hook.create(NAME, base=BASE))


def test_error_in_a_whole_answer_counts_although_the_status_is_200(
    hook: OllamaHook, ollama_faulty: OllamaServer
) -> None:
    ollama_faulty.fail_next("chat", "error_line", message="llama runner process has terminated")
    with pytest.raises(OllamaUnreachable, match="runner"):
        hook.chat(BASE, ASK)
    ollama_faulty.fail_next("chat", "error_line", message="model 'x:1' not found")
    with pytest.raises(ModelMissing, match="x:1"):
        hook.chat(BASE, ASK)


def test_connection_test_tells_of_an_answer_without_a_version(hook: OllamaHook, ollama_faulty: OllamaServer) -> None:
    ollama_faulty.fail_next("version", "lines", lines=[{}])
    ok, message = hook.test_connection()
    assert (ok, "version" in message) == (False, True)


def test_ps_of_a_server_that_tells_no_context(hook: OllamaHook, ollama_faulty: OllamaServer) -> None:
    entry = {"name": "a:1", "digest": "0" * 64, "size": 1, "expires_at": "2026-01-01T00:00:00Z"}
    ollama_faulty.fail_next("ps", "lines", lines=[{"models": [entry]}])
    assert [(model.name, model.context_length) for model in hook.ps()] == [("a:1", None)]


def test_body_that_does_not_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that goes on sending must not fill the worker's memory."""
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n"

    def pour(server: socket.socket) -> None:
        peer, _ = server.accept()
        with peer, contextlib.suppress(OSError):
            peer.recv(1 << 16)
            peer.sendall(head + b'{"version": "')
            while True:
                peer.sendall(b"9" * (1 << 20))

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=pour, args=(server,))
        thread.start()
        hook = connect(monkeypatch, f"ollama://127.0.0.1:{server.getsockname()[1]}")
        with pytest.raises(OllamaUnreachable, match="64 MB and did not end"):
            hook.version()
        thread.join(timeout=60)
    assert not thread.is_alive()
