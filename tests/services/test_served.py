"""What the model server has, looked up by any spelling of a name."""

from __future__ import annotations

import pytest

from ljwx.hooks.ollama import OllamaHook
from ljwx.services.served import ServedModels
from support_ollama import BASE, OllamaServer


def test_a_tag_is_found_by_any_spelling_of_its_name(
    ollama_sandbox: OllamaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_OLLAMA_DEFAULT", ollama_sandbox.connection)
    served, digest = ServedModels.on(OllamaHook()), OllamaHook().digest(BASE)
    for spelled in (BASE, BASE.upper(), f"library/{BASE}", f"registry.ollama.ai/library/{BASE}"):
        assert served.digest(spelled) == digest
        assert spelled in served
    assert f"someone/{BASE}" not in served
    assert served.digest(f"someone/{BASE}") is None
