from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk.exceptions import TaskDeferred

from ljwx.exceptions import BuildFailed, ModelMissing, OllamaUnreachable
from ljwx.hooks.ollama import OllamaHook
from ljwx.operators.ollama import OllamaOperator, OllamaPullOperator
from ljwx.triggers.ollama import OllamaTrigger
from support_ollama import BASE, OllamaServer

NAME = "ljwx-stock:trigger-test"
DRAFT = "ljwx-stock-draft:trigger-test"


@pytest.fixture
def hook(ollama_faulty: OllamaServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[OllamaHook]:
    monkeypatch.setenv("AIRFLOW_CONN_OLLAMA_DEFAULT", ollama_faulty.connection)
    yield OllamaHook()
    ollama_faulty.clear_faults()
    for name in (NAME, DRAFT):
        ollama_faulty.delete(name)


@pytest.fixture
def build(hook: OllamaHook, tmp_path: Path) -> OllamaOperator:
    path = tmp_path / "spec.json"
    fields = {"base": BASE, "base_digest": hook.digest(BASE), "strategy": "prompt", "system": "Be brief."}
    path.write_text(json.dumps(fields))
    return OllamaOperator(task_id="build", spec_path=str(path), model=NAME, deferrable=True)


def deferred(operator: Any) -> OllamaTrigger:
    """Execute up to the deferral; return the trigger as another process would make it from the database's text."""
    with pytest.raises(TaskDeferred) as caught:
        operator.execute({})
    assert caught.value.method_name == "finish"
    path, fields = caught.value.trigger.serialize()
    assert path == "ljwx.triggers.ollama.OllamaTrigger"
    return OllamaTrigger(**json.loads(json.dumps(fields)))


def event_of(trigger: OllamaTrigger) -> dict[str, Any]:
    async def first() -> Any:
        return [event.payload async for event in trigger.run()]

    events: list[dict[str, Any]] = asyncio.run(first())
    assert len(events) == 1
    return events[0]


def test_build_goes_on_in_the_triggerer_and_is_read_back_by_the_task(
    hook: OllamaHook, build: OllamaOperator, capsys: pytest.CaptureFixture[str]
) -> None:
    trigger = deferred(build)
    assert NAME not in [model.name for model in hook.list()]
    event = event_of(trigger)
    assert "writing manifest" in capsys.readouterr().out
    assert build.finish({}, event) == {"model": NAME, "digest": hook.digest(NAME), "built": True}
    assert DRAFT not in [model.name for model in hook.list()]


def test_trigger_that_is_started_again_makes_the_same_model(hook: OllamaHook, build: OllamaOperator) -> None:
    trigger = deferred(build)
    assert event_of(trigger) == {"error": None}
    digest = hook.digest(DRAFT)
    assert event_of(trigger) == {"error": None}
    assert build.finish({}, {"error": None})["digest"] == digest


def test_task_that_was_killed_after_the_build_makes_the_same_model(hook: OllamaHook, build: OllamaOperator) -> None:
    event_of(deferred(build))
    digest = hook.digest(DRAFT)
    event = event_of(deferred(build))
    assert build.finish({}, event) == {"model": NAME, "digest": digest, "built": True}
    assert build.execute({}) == {"model": NAME, "digest": digest, "built": False}


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"kind": "error_line", "message": "no space left on device"}, BuildFailed),
        ({"kind": "hang_up", "after": 1}, OllamaUnreachable),
        ({"kind": "status", "status": 404, "message": "model 'x' not found"}, ModelMissing),
    ],
)
def test_failure_in_the_triggerer_fails_the_task_with_its_own_class(
    build: OllamaOperator, ollama_faulty: OllamaServer, fault: dict[str, Any], error: type[Exception]
) -> None:
    trigger = deferred(build)
    ollama_faulty.fail_next("create", **fault)
    event = event_of(trigger)
    with pytest.raises(error, match=str(fault.get("message", "trouble|complete|ended"))):
        build.finish({}, event)


@contextmanager
def stalling() -> Iterator[tuple[str, threading.Event, threading.Event]]:
    """A server that tells one line of progress and then nothing; told are its connection, `begun` and `hung_up`."""
    begun, hung_up = threading.Event(), threading.Event()
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\n\r\n"

    def serve(listener: socket.socket) -> None:
        peer, _ = listener.accept()
        with peer:
            peer.recv(1 << 16)
            peer.sendall(head + b'{"status": "parsing GGUF"}\n')
            begun.set()
            while peer.recv(1 << 16):
                pass  # the rest of the request
            hung_up.set()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,), daemon=True)
        thread.start()
        yield f"ollama://127.0.0.1:{listener.getsockname()[1]}", begun, hung_up
        thread.join(timeout=60)


def test_cancelled_trigger_hangs_up_ends_its_thread_and_another_one_starts_clean(
    hook: OllamaHook, build: OllamaOperator, ollama_faulty: OllamaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    trigger = deferred(build)

    async def cancel(begun: threading.Event) -> None:
        following = asyncio.ensure_future(anext(trigger.run()))
        while not begun.is_set():
            await asyncio.sleep(0.02)
        following.cancel()
        following.cancel()
        with pytest.raises(asyncio.CancelledError):
            await following
        await asyncio.wait_for(asyncio.get_running_loop().shutdown_default_executor(), 20)

    with stalling() as (connection, begun, hung_up):
        monkeypatch.setenv("AIRFLOW_CONN_OLLAMA_DEFAULT", connection)
        asyncio.run(cancel(begun))
        assert hung_up.wait(60)
    monkeypatch.setenv("AIRFLOW_CONN_OLLAMA_DEFAULT", ollama_faulty.connection)
    assert NAME not in [model.name for model in hook.list()]
    assert event_of(trigger) == {"error": None}
    assert build.finish({}, {"error": None})["digest"] == hook.digest(NAME)


def test_model_that_is_there_is_not_pulled(hook: OllamaHook, ollama_faulty: OllamaServer) -> None:
    ollama_faulty.fail_next("pull", "status", message="must not be asked")
    assert OllamaPullOperator(task_id="pull", model=BASE, deferrable=True).execute({}) == hook.digest(BASE)


def test_shell_that_a_failed_create_left_is_pulled_as_if_it_were_not_there(
    hook: OllamaHook, ollama_faulty: OllamaServer, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(BuildFailed):
        list(hook.create(NAME, base="nope:1"))
    ollama_faulty.fail_next("pull", "lines", lines=[{"status": "success"}])
    with pytest.raises(ModelMissing, match=NAME):
        OllamaPullOperator(task_id="pull", model=NAME).execute({})
    assert "is not on the server: pulling it" in capsys.readouterr().out


def test_model_that_is_not_there_is_pulled_in_the_triggerer(
    hook: OllamaHook, ollama_faulty: OllamaServer, capsys: pytest.CaptureFixture[str]
) -> None:
    operator = OllamaPullOperator(task_id="pull", model=NAME, deferrable=True)
    trigger = deferred(operator)
    lines = [{"status": "pulling abc", "total": 4, "completed": 2}, {"status": "success"}]
    ollama_faulty.fail_next("pull", "lines", lines=lines)
    event = event_of(trigger)
    assert "pulling abc 50 %" in capsys.readouterr().out
    with pytest.raises(ModelMissing, match=NAME):
        operator.finish({}, event)  # the server said success, and has nothing
    hook.copy(BASE, NAME)
    assert operator.finish({}, event) == hook.digest(BASE)


def test_model_that_no_registry_has_fails_by_its_name(hook: OllamaHook) -> None:
    operator = OllamaPullOperator(task_id="pull", model="no-such-model:1")
    with pytest.raises((BuildFailed, ModelMissing), match="no-such-model"):
        operator.execute({})
