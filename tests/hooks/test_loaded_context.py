"""The context in force: real servers list a runner once, under the model that loaded it first."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ljwx.hooks import loaded_context
from ljwx.hooks.loaded_context import context_in_force
from ljwx.hooks.ollama import OllamaHook
from ljwx_sandbox.ollama.__main__ import base_gguf
from support_ollama import BASE, OllamaServer

BIG, SMALL, OTHER = "loaded-context:big", "loaded-context:small", "loaded-context:other"
ASK = [{"role": "user", "content": "x"}]


@pytest.fixture
def hook(ollama_faulty: OllamaServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[OllamaHook]:
    """A hook on a sandbox that has nothing of the base's weights loaded; what a test makes is removed."""
    monkeypatch.setenv("AIRFLOW_CONN_OLLAMA_DEFAULT", ollama_faulty.connection)
    before = {model["name"] for model in ollama_faulty.get("tags")["models"]}
    hook = OllamaHook()
    hook.unload(BASE)
    list(hook.create(BIG, base=BASE, system="Big.", parameters={"num_ctx": 100_000}))
    list(hook.create(SMALL, base=BASE, system="Small.", parameters={"num_ctx": 2048}))
    yield hook
    ollama_faulty.clear_faults()
    for name in {model["name"] for model in ollama_faulty.get("tags")["models"]} - before:
        ollama_faulty.delete(name)
    hook.unload(BASE)


def listed(hook: OllamaHook) -> list[tuple[str, int | None]]:
    """What is loaded, without what another test left of other weights."""
    return [(each.name, each.context_length) for each in hook.ps() if each.name != OTHER or each.context_length != 1024]


def test_what_is_asked_for_is_not_believed(hook: OllamaHook) -> None:
    hook.chat(BIG, ASK)
    assert context_in_force(hook, BIG) == 8192
    assert context_in_force(hook, SMALL) == 2048
    assert context_in_force(hook, BASE, {"num_ctx": 3000}) == 3000


@pytest.mark.parametrize("num_ctx", [100_000, 8192])
def test_a_model_is_found_under_the_name_of_another_one_of_its_weights(hook: OllamaHook, num_ctx: int) -> None:
    hook.chat(BASE, ASK, options={"num_ctx": num_ctx})
    assert listed(hook) == [(BASE, 8192)]
    assert context_in_force(hook, BIG) == 8192
    assert listed(hook) == [(BASE, 8192)], "nothing is loaded anew for the question"


def test_a_model_is_found_behind_one_that_is_gone_by_now(hook: OllamaHook) -> None:
    """The model that counted tokens with another template is one; what is loaded keeps its name."""
    list(hook.create("loaded-context:gone", base=BASE, parameters={"num_ctx": 8192}))
    hook.chat("loaded-context:gone", ASK)
    hook.delete("loaded-context:gone")
    assert listed(hook) == [("loaded-context:gone", 8192)]
    assert context_in_force(hook, BIG) == 8192
    assert listed(hook) == [(BIG, 8192)], "it was loaded alone"


def test_a_name_that_stands_for_other_weights_by_now_tells_nothing_and_is_not_waited_for(
    hook: OllamaHook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[float] = []
    monkeypatch.setattr(loaded_context, "time", SimpleNamespace(sleep=slept.append))
    other = tmp_path / "other.gguf"
    other.write_bytes(base_gguf().read_bytes() + b"\0" * 32)
    files = {"other.gguf": f"sha256:{hook.upload_blob(other)}"}
    list(hook.create(OTHER, files=files, parameters={"num_ctx": 1024}))
    hook.chat(OTHER, ASK)
    list(hook.create(OTHER, base=BASE, system="Of the base's weights by now."))
    hook.chat(BASE, ASK, options={"num_ctx": 8192})
    assert {each.context_length for each in hook.ps()} == {1024, 8192}
    assert context_in_force(hook, BIG) == 8192
    hook.unload(BASE)
    list(hook.create("loaded-context:gone", base=BASE, parameters={"num_ctx": 8192}))
    hook.chat("loaded-context:gone", ASK)
    hook.delete("loaded-context:gone")
    assert context_in_force(hook, BIG) == 8192, "of two that nothing tells one is of its weights"
    assert sum(slept) <= 2


@pytest.mark.parametrize("line", [{"models": []}, {"models": [{"context_length": None}]}])
def test_a_server_that_does_not_say_is_not_guessed_at(
    hook: OllamaHook, ollama_faulty: OllamaServer, line: dict[str, Any]
) -> None:
    told = [{"name": BIG, "digest": hook.digest(BIG), "size": 1, "expires_at": "", **each} for each in line["models"]]
    ollama_faulty.fail_next("ps", "lines", lines=[{"models": told}], times=100)
    assert context_in_force(hook, BIG) is None


def test_unloading_ends_it_for_all_that_share_the_weights(hook: OllamaHook) -> None:
    hook.load(BIG)
    hook.unload(SMALL)
    assert listed(hook) == []
