"""Which names are one model on an Ollama server."""

from __future__ import annotations

import pytest

from ljwx.core.model_names import is_of_repository, normalised_name

SAME = [
    ("Qwen2.5:7B", "qwen2.5:7b"),
    ("library/x", "x:latest"),
    ("registry.ollama.ai/library/x", "x"),
    ("Registry.Ollama.ai/Library/X:1", "x:1"),
    ("https://registry.ollama.ai/library/x:1", "x:1"),
    ("registry.ollama.ai/someone/x", "someone/x:latest"),
    ("HF.co/Someone/Some-GGUF:Q4_K_M", "hf.co/someone/some-gguf:q4_k_m"),
]
OTHERS = [
    ("x:1", "x:2"),
    ("someone/x", "x"),
    ("hf.co/library/x", "x"),
    ("reg:5000/x", "x"),
    ("registry.ollama.ai/x", "x"),  # two parts are owner and model
    ("library/library/x", "x"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_names_that_an_ollama_server_takes_for_one_model_are_equal(one: str, other: str) -> None:
    assert normalised_name(one) == normalised_name(other)


@pytest.mark.parametrize(("one", "other"), OTHERS)
def test_names_of_two_models_differ(one: str, other: str) -> None:
    assert normalised_name(one) != normalised_name(other)


@pytest.mark.parametrize(
    ("model", "repository", "ours"),
    [
        ("ljwx-stock", "ljwx-stock", True),
        ("LJWX-Stock:20260101-abc", "ljwx-stock", True),
        ("registry.ollama.ai/library/ljwx-stock:latest", "ljwx-stock", True),
        ("team/models", "Team/Models", True),
        ("ljwx-stock-2:latest", "ljwx-stock", False),
        ("ljwx:stock", "ljwx-stock", False),
        ("other/ljwx-stock:latest", "ljwx-stock", False),
        ("reg:5000/ljwx-stock", "ljwx-stock", False),
    ],
)
def test_tags_of_a_repository_are_known_by_any_spelling(model: str, repository: str, ours: bool) -> None:
    assert is_of_repository(model, repository) is ours
