"""The settings: a file, a Variable laid over it, and errors that name the path."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from ljwx.exceptions import ConfigurationError
from ljwx.settings import Settings, current_settings, load_settings, schema
from support_tasks import TaskRunner


@pytest.fixture
def shipped(repository: Path) -> dict[str, Any]:
    return dict(json.loads((repository / "include" / "training_config.json").read_text(encoding="utf-8")))


def test_without_overrides_the_shipped_file_is_in_force(shipped: dict[str, Any]) -> None:
    settings = load_settings().model_dump(mode="json")
    assert shipped
    for section, values in ((name, values) for name, values in shipped.items() if name != "$schema"):
        assert {name: settings[section][name] for name in values} == values


def test_the_variable_is_laid_over_the_file_key_by_key(tasks: TaskRunner, shipped: dict[str, Any]) -> None:
    tasks.variables["ljwx_training_config"] = {"model": {"parameters": {"num_ctx": 8192}}, "gate": {"margin": 0.02}}
    settings = current_settings()
    assert settings.model.parameters == shipped["model"]["parameters"] | {"num_ctx": 8192}
    assert settings.model.base == shipped["model"]["base"]
    assert settings.gate.margin == 0.02
    assert settings.gate.confidence == shipped["gate"]["confidence"]


def test_without_a_variable_the_file_is_in_force(tasks: TaskRunner) -> None:
    assert current_settings() == load_settings()


def test_a_runs_param_is_laid_over_the_variable_for_that_run_alone(tasks: TaskRunner) -> None:
    tasks.variables["ljwx_training_config"] = {"model": {"base": "a:1", "examples_per_task": 3}}
    chosen = {"base": "b:1", "parameters": {"num_ctx": 8192}, "examples_per_task": None}
    model = tasks.run(current_settings, params={"model": chosen}).model
    assert (model.base, model.num_ctx, model.examples_per_task) == ("b:1", 8192, None)
    assert model.parameters["temperature"] == 0
    assert tasks.run(current_settings, params={"model": None}).model.base == "a:1"
    assert current_settings().model.base == "a:1"


@pytest.mark.parametrize(
    ("chosen", "path"),
    [
        ({"strategy": "rlhf"}, "model.strategy: "),
        ({"strategi": "prompt"}, "model.strategi: Extra inputs"),
        ({"parameters": {"temperature": "hot"}}, "model.parameters: .*'hot'"),
        ({"base_digest": "latest"}, "model.base_digest: "),
        (["prompt"], "model: "),
    ],
)
def test_a_wrong_param_is_named_by_its_path(tasks: TaskRunner, chosen: Any, path: str) -> None:
    with pytest.raises(ConfigurationError, match=f"or the param model: {path}"):
        tasks.run(current_settings, params={"model": chosen})


@pytest.mark.parametrize(
    ("overrides", "path"),
    [
        ({"modell": {}}, "modell: Extra inputs are not permitted"),
        ({"model": {"strategi": "prompt"}}, "model.strategi: Extra inputs are not permitted"),
        ({"model": {"strategy": "rlhf"}}, "model.strategy: Input should be 'prompt' or 'fewshot'"),
        ({"evaluation": {"questions": "many"}}, "evaluation.questions: Input should be a valid integer"),
        ({"evaluation": {"questions": 3}}, "evaluation.questions: Input should be greater than or equal to 4"),
        ({"ingest": {"tolerance": 0.5}}, "ingest.tolerance: Input should be less than 0.1"),
        ({"samples": {"costs": {"commission": -1}}}, "samples.costs.commission: Input should be greater than"),
        ({"retention": 7}, "retention: Input should be a valid dictionary"),
        ({"gate": {"min_sessions": 4, "block": 10}}, "gate: Value error, min_sessions 4 is less than"),
    ],
)
def test_a_wrong_value_is_named_by_its_path_in_one_line(overrides: dict[str, Any], path: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        load_settings(overrides)
    assert path in str(refused.value)
    assert str(refused.value).startswith("training_config.json or the Variable ljwx_training_config: ")
    assert len(str(refused.value).splitlines()) == 1


def test_every_wrong_value_is_named() -> None:
    with pytest.raises(ConfigurationError, match=r"model\.base: .*; evaluation\.seed: "):
        load_settings({"model": {"base": 7}, "evaluation": {"seed": -1}})


@pytest.mark.parametrize("value", [["model"], "prompt", 7])
def test_a_variable_that_is_no_object_is_refused_by_name(tasks: TaskRunner, value: Any) -> None:
    tasks.variables["ljwx_training_config"] = value
    with pytest.raises(ConfigurationError, match="the Variable ljwx_training_config must be a JSON object of sections"):
        current_settings()


def test_a_variable_that_is_no_json_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_VAR_LJWX_TRAINING_CONFIG", '{"model": ')
    with pytest.raises(ConfigurationError, match="the Variable ljwx_training_config is not JSON"):
        current_settings()


@pytest.mark.parametrize("content", ["{", None])
def test_a_file_that_cannot_be_read_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str | None
) -> None:
    if content is not None:
        (tmp_path / "training_config.json").write_text(content)
    monkeypatch.setenv("LJWX_INCLUDE", str(tmp_path))
    with pytest.raises(ConfigurationError, match=f"{tmp_path}/training_config.json cannot be read as JSON"):
        load_settings()


def test_settings_cannot_be_changed_after_they_were_made() -> None:
    from pydantic import ValidationError

    with pytest.raises(ValidationError, match="frozen"):
        Settings().model.base = "another"  # type: ignore[misc]


def test_the_schema_beside_the_file_is_that_of_the_settings(repository: Path) -> None:
    """`ljwx config --schema > include/training_config.schema.json` writes it anew."""
    written = json.loads((repository / "include" / "training_config.schema.json").read_text(encoding="utf-8"))
    assert written == schema()
    named = json.loads((repository / "include" / "training_config.json").read_text(encoding="utf-8"))["$schema"]
    assert (repository / "include" / named).is_file()


def paths(model: type[BaseModel], before: str = "") -> Iterator[str]:
    for name, field in model.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from paths(inner, f"{before}{name}.")
        else:
            yield f"{before}{name}"


def test_every_setting_is_explained_with_its_default(repository: Path) -> None:
    page = (repository / "docs" / "configuration.md").read_text(encoding="utf-8")
    explained = set(re.findall(r"^\| `([a-z0-9_.]+)` \|", page, re.MULTILINE))
    assert explained == set(paths(Settings))
