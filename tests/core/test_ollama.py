"""What is read from Ollama's answers without asking it."""

from __future__ import annotations

import pytest

from ljwx.core.ollama import keeps_weights, library_page


@pytest.mark.parametrize(
    ("version", "kept"),
    [("0.33.2", False), ("0.9.1", False), ("0.34.0", True), ("0.34.0-rc1", True), ("1.0", True), ("unknown", False)],
)
def test_servers_before_0_34_write_a_gguf_anew(version: str, kept: bool) -> None:
    assert keeps_weights(version) is kept


@pytest.mark.parametrize(
    ("model", "page"),
    [
        ("deepseek-llm:7b", "https://ollama.com/library/deepseek-llm:7b"),
        ("smollm2", "https://ollama.com/library/smollm2"),
        ("registry.ollama.ai/library/smollm2", "https://ollama.com/library/smollm2"),
        ("someone/finance:8b", "https://ollama.com/someone/finance:8b"),
        ("hf.co/someone/some-GGUF:Q4_K_M", "https://hf.co/someone/some-GGUF"),
    ],
)
def test_a_base_has_its_page_where_it_was_pulled_from(model: str, page: str) -> None:
    assert library_page(model) == page
