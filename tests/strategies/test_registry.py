"""The registry of strategies, and who reads it."""

from __future__ import annotations

import pytest

from ljwx.core.models import BuildSpec
from ljwx.exceptions import ConfigurationError
from ljwx.settings import load_settings, schema
from ljwx.strategies import STRATEGIES, Description, describe, strategy_named

FIELDS = {"base": "smollm2:135m", "base_digest": "a" * 64, "system": "You are an analyst."}
EXAMPLE = [{"role": "user", "content": "RSI14=80"}, {"role": "assistant", "content": "{}"}]


def spec(**fields: object) -> BuildSpec:
    return BuildSpec.model_validate({**FIELDS, **fields})


def test_a_strategy_that_there_is_not_is_refused_with_those_that_there_are() -> None:
    assert strategy_named("prompt") is STRATEGIES["prompt"]
    with pytest.raises(ConfigurationError, match=r"^there is no strategy 'rlhf'; there is prompt, fewshot, lora$"):
        strategy_named("rlhf")


def test_a_strategy_that_is_registered_is_a_setting_and_in_its_schema(monkeypatch: pytest.MonkeyPatch) -> None:
    def offered() -> object:
        return schema()["$defs"]["ModelSettings"]["properties"]["strategy"]["enum"]

    assert offered() == ["prompt", "fewshot", "lora"]
    wrong = "model.strategy: Input should be 'prompt' or 'fewshot' or 'lora'"
    with pytest.raises(ConfigurationError, match=wrong):
        load_settings({"model": {"strategy": "third"}})
    monkeypatch.setitem(STRATEGIES, "third", STRATEGIES["prompt"])
    assert load_settings({"model": {"strategy": "third"}}).model.strategy == "third"
    assert offered() == ["prompt", "fewshot", "lora", "third"]


@pytest.mark.parametrize("name", ["prompt", "fewshot"])
def test_a_strategy_that_changes_no_weights_says_so_in_every_text(name: str) -> None:
    strategy = STRATEGIES[name]
    assert not strategy.changes_weights
    texts = strategy.describes
    assert ("no weights were changed" in texts.line, "No weight was changed" in texts.english) == (True, True)
    assert "没有改变任何权重" in texts.chinese


def test_a_model_of_a_strategy_of_another_version_is_described_by_its_name() -> None:
    assert describe("some_later_strategy") == Description(*["some_later_strategy"] * 3)


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"strategy": "prompt"}, None),
        ({"strategy": "prompt", "messages": EXAMPLE}, "strategy 'prompt' has no messages"),
        ({"strategy": "fewshot", "messages": EXAMPLE}, None),
        ({"strategy": "fewshot"}, "strategy 'fewshot' needs messages"),
        ({"strategy": "lora"}, "strategy 'lora' changes weights; see gguf_sha256"),
        ({"strategy": "prompt", "gguf_sha256": "c" * 64}, "strategy 'prompt' changes no weights; see gguf_sha256"),
    ],
)
def test_a_spec_that_its_strategy_cannot_have_made_is_recognised(
    fields: dict[str, object], problem: str | None
) -> None:
    found = spec(**fields)
    assert STRATEGIES[found.strategy].problem(found) == problem
