"""Which lines challenge: three at most, and what makes room for a fourth."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from ljwx.core.lines import line_of
from ljwx.core.models import BuildSpec
from ljwx.exceptions import ConfigurationError
from ljwx.services.lines import settings_of_line, to_close
from ljwx.settings import load_settings
from ljwx.warehouse.lines import KnownLine

NOW = datetime(2026, 11, 20, tzinfo=timezone.utc)
SPEC = BuildSpec(base="b", base_digest="a" * 64, strategy="prompt", system="x")
FIRST, SECOND, THIRD = (
    KnownLine(name, "prompt", line_of(SPEC), NOW + timedelta(at), None)
    for at, name in enumerate(("one", "two", "three"))
)


def closed(open_lines: list[KnownLine], evidence: dict[str, float], serves: str | None = None) -> list[str]:
    return [each.line_id for each in to_close(open_lines, evidence, serves)]


def test_a_third_line_closes_none() -> None:
    assert closed([], {}) == closed([FIRST, SECOND], {"one": -1.0}) == []


def test_a_fourth_line_closes_the_one_with_the_least_evidence() -> None:
    assert closed([FIRST, SECOND, THIRD], {"one": 1.0, "two": -0.5, "three": 0.2}) == ["two"]


def test_a_line_that_nobody_has_looked_at_has_little_evidence_and_of_equal_ones_the_oldest_goes() -> None:
    assert closed([FIRST, SECOND, THIRD], {"one": 1.0}) == ["two"]


def test_a_line_that_lost_a_little_outlasts_one_that_nobody_has_looked_at_and_one_that_lost_much_does_not() -> None:
    assert closed([FIRST, SECOND, THIRD], {"one": 1.0, "two": -0.1}) == ["three"]
    assert closed([FIRST, SECOND, THIRD], {"one": 1.0, "two": -1.1}) == ["two"]


def test_the_champions_line_is_never_closed() -> None:
    assert closed([FIRST, SECOND, THIRD], {"one": -3.0, "two": 1.0, "three": 2.0}, serves="one") == ["two"]


def opened_with(**model: Any) -> Any:
    """A line as it is opened with settings of a model, and these settings."""
    settings = load_settings({"model": {"base": "b:1b", "parameters": {"num_ctx": 4096, "seed": 3}, **model}}).model
    spec = SPEC.model_copy(
        update={"base": settings.base, "strategy": settings.strategy, "parameters": settings.parameters}
    )
    return line_of(spec, settings.of_strategy), settings


@pytest.mark.parametrize(
    "model",
    [
        {"strategy": "prompt"},
        {"strategy": "fewshot", "examples_per_task": 2},
        {"strategy": "lora", "lora": {"rank": 8, "class_weight": 9, "base_gguf": "/then.gguf"}},
    ],
)
def test_a_line_is_made_again_by_the_settings_it_was_opened_with(model: dict[str, Any]) -> None:
    line, then = opened_with(**model)
    now = load_settings({"model": {"strategy": "lora", "base": "c", "lora": {"rank": 64, "proof": 7}}})
    found = settings_of_line(now, line).model
    assert (found.base, found.base_digest, found.parameters) == ("b:1b", "a" * 64, then.parameters)
    assert (found.strategy, found.of_strategy) == (then.strategy, then.of_strategy)


def test_where_the_file_of_a_base_lies_is_read_of_the_settings_in_force_alone() -> None:
    line, _ = opened_with(strategy="lora", lora={"rank": 8, "base_gguf": "/then.gguf"})
    now = {"lora": {"rank": 64, "proof": 7, "base_gguf": "/now.gguf"}}
    same, other = (
        settings_of_line(load_settings({"model": now | {"base": base}}), line).model.lora for base in ("b:1b", "c")
    )
    assert (same.rank, same.proof, same.base_gguf) == (8, 7, "/now.gguf")
    assert (other.rank, other.proof, other.base_gguf) == (8, 7, None), "that is the file of another base"


def test_a_line_of_settings_that_are_none_any_more_is_told_apart() -> None:
    line, _ = opened_with(strategy="lora", lora={"rank": 8})
    gone = line.model_copy(update={"settings": line.settings | {"spin": 3}})
    with pytest.raises(ConfigurationError, match="1 of its settings are none of this version"):
        settings_of_line(load_settings(None), gone)
