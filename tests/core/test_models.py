from __future__ import annotations

import datetime as dt
import hashlib
import os
import sys
from types import ModuleType

import pytest
from pydantic import ValidationError

from ljwx.core.models import BuildSpec, Message

FIELDS = {
    "base": "smollm2:135m",
    "base_digest": "a" * 64,
    "strategy": "fewshot",
    "system": "You are an analyst. 风险自负",
    "parameters": {"temperature": 0, "num_ctx": 2048, "stop": ["<|im_end|>"]},
    "messages": [{"role": "user", "content": "RSI14=80"}, {"role": "assistant", "content": '{"advice":"sell"}'}],
}
CANONICAL = (
    '{"base":"smollm2:135m","base_digest":"' + "a" * 64 + '","examples":[],"gguf_sha256":null,'
    '"messages":[{"content":"RSI14=80","role":"user"},{"content":"{\\"advice\\":\\"sell\\"}","role":"assistant"}],'
    '"parameters":{"num_ctx":2048,"stop":["<|im_end|>"],"temperature":0},"strategy":"fewshot",'
    '"system":"You are an analyst. 风险自负","template":null}'
)


def test_hash_is_of_the_canonical_json() -> None:
    assert BuildSpec.model_validate(FIELDS).sha256 == hashlib.sha256(CANONICAL.encode()).hexdigest()


def test_order_of_keys_and_whole_floats_do_not_change_the_hash() -> None:
    turned = {
        **dict(reversed(FIELDS.items())),
        "parameters": {"stop": ["<|im_end|>"], "num_ctx": 2048.0, "temperature": 0.0},
    }
    assert BuildSpec.model_validate(turned).sha256 == hashlib.sha256(CANONICAL.encode()).hexdigest()


@pytest.mark.parametrize("seed", ["0", "1"])
def test_hash_does_not_depend_on_the_hash_seed(seed: str, programs: ModuleType) -> None:
    read = "BuildSpec.model_validate_json(sys.argv[1])"
    program = f"import sys, ljwx.cli; from ljwx.core.models import BuildSpec; print({read}.sha256)"
    command = [sys.executable, "-c", program, CANONICAL]
    environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)}
    ended = programs.run(command, env=environment, capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == hashlib.sha256(CANONICAL.encode()).hexdigest()


@pytest.mark.parametrize(
    "change",
    [
        {"system": "Other."},
        {"parameters": {"temperature": 0.1}},
        {"base_digest": "b" * 64},
        {"template": "{{ .Prompt }}"},
        {"messages": list(reversed(FIELDS["messages"]))},
        {"examples": ["a sample_id"]},
    ],
)
def test_every_change_changes_the_hash(change: dict[str, object]) -> None:
    assert BuildSpec.model_validate({**FIELDS, **change}).sha256 != BuildSpec.model_validate(FIELDS).sha256


def test_name_carries_date_and_hash() -> None:
    spec = BuildSpec.model_validate(FIELDS)
    digits = hashlib.sha256(CANONICAL.encode()).hexdigest()[:12]
    assert spec.model_name(dt.date(2026, 11, 20)) == f"ljwx-stock:20261120-{digits}"
    assert spec.model_name(dt.date(2026, 1, 2), repository="x") == f"x:20260102-{digits}"


def test_survives_json() -> None:
    spec = BuildSpec.model_validate(FIELDS)
    assert BuildSpec.model_validate_json(spec.model_dump_json()) == spec
    assert spec.messages[0] == Message(role="user", content="RSI14=80")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"base_digest": "xyz"}, "64 lower-case hex digits"),
        ({"strategy": ""}, "strategy"),
        ({"gguf_sha256": "xyz"}, "64 lower-case hex digits"),
        ({"messages": [{"role": "alien", "content": "x"}]}, "role"),
        ({"weights": 1}, "weights"),
        ({"base": ""}, "base"),
        ({"examples": ["a", "b"]}, "a question and an answer"),
    ],
)
def test_contradiction_is_refused(change: dict[str, object], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        BuildSpec.model_validate({**FIELDS, **change})


def test_spec_cannot_be_changed() -> None:
    with pytest.raises(ValidationError):
        BuildSpec.model_validate(FIELDS).system = "Other."
