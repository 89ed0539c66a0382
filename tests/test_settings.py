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


@pytest.mark.parametrize("stocks", ["all", {"index": "000300.SH"}, 0, 10_000])
def test_the_record_is_about_a_number_of_stocks_all_or_an_index(tasks: TaskRunner, stocks: Any) -> None:
    tasks.variables["ljwx_training_config"] = {"forward": {"stocks": stocks, "watchlist": ["000001.SZ"]}}
    assert current_settings().model_dump(mode="json")["forward"]["stocks"] == stocks


@pytest.mark.parametrize("stocks", ["some", 1.5, True, ["000001.SZ"], {"index": "x"}, -1])
def test_stocks_of_the_record_that_are_none_of_these_are_refused_by_their_path(tasks: TaskRunner, stocks: Any) -> None:
    tasks.variables["ljwx_training_config"] = {"forward": {"stocks": stocks}}
    with pytest.raises(ConfigurationError, match=r"forward\.stocks"):
        current_settings()


def test_a_runs_param_is_laid_over_the_variable_for_that_run_alone(tasks: TaskRunner) -> None:
    tasks.variables["ljwx_training_config"] = {"model": {"base": "a:1", "examples_per_task": 3}}
    chosen = {"base": "b:1", "parameters": {"num_ctx": 8192}, "examples_per_task": None}
    model = tasks.run(current_settings, params={"model": chosen}).model
    assert (model.base, model.num_ctx, model.examples_per_task) == ("b:1", 8192, None)
    assert model.parameters["temperature"] == 0
    assert tasks.run(current_settings, params={"model": None}).model.base == "a:1"
    assert current_settings().model.base == "a:1"


def test_a_run_cannot_choose_the_repository_that_all_runs_serve(tasks: TaskRunner) -> None:
    with pytest.raises(ConfigurationError, match="the param model: repository names what all runs serve"):
        tasks.run(current_settings, params={"model": {"repository": "mine"}})


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
        ({"samples": {"horizon": 11}}, ": gate.block: 10 is less than samples.horizon = 11"),
        (
            {"evaluation": {"questions": 99}, "gate": {"min_questions": 100}},
            ": evaluation.questions: 99 are fewer than gate.min_questions = 100",
        ),
        (
            {"evaluation": {"num_predict": 512}, "model": {"parameters": {"num_ctx": 512}}},
            ": evaluation.num_predict: 512 leaves no room for a question in model.parameters.num_ctx = 512",
        ),
        ({"training": {"shard": True}}, "training: Value error, shard: one process has nobody to share the base with"),
        (
            {"training": {"shard": True, "nproc": 2}, "model": {"lora": {"quantize": "nf4"}}},
            ": training.shard: processes that share the base cannot train with model.lora.quantize",
        ),
        ({"model": {"base": "ljwx-stock:latest"}}, ": model.base: ljwx-stock:latest is one of model.repository"),
        ({"model": {"base": "ljwx-stock"}}, ": model.base: ljwx-stock is one of model.repository"),
        ({"model": {"base": "registry.ollama.ai/library/LJWX-Stock"}}, "LJWX-Stock is one of model.repository"),
        ({"model": {"base": "Team/M:1", "repository": "team/m"}}, ": model.base: Team/M:1 is one of model.repository"),
        ({"model": {"base": "reg:5000/m", "repository": "reg:5000/m"}}, "model.repository: Value error, 'reg:5000/m'"),
        ({"model": {"base": ""}}, "model.base: Value error, '' is no name of a model"),
        ({"model": {"base": "a:b:c"}}, "model.base: Value error, 'a:b:c' is no name of a model"),
        ({"model": {"repository": ""}}, "model.repository: Value error, '' is no name of a model"),
        ({"model": {"repository": "my stock"}}, "model.repository: Value error, 'my stock' is no name of a model"),
        ({"model": {"repository": "stock:v1"}}, "model.repository: Value error, 'stock:v1' is no name of a model"),
        ({"model": {"repository": "../stock"}}, "model.repository: Value error, '../stock' is no name of a model"),
        ({"samples": {"universe": ["000001.SZ", "600000"]}}, "samples.universe.1: String should match pattern"),
        ({"samples": {"universe": ["000001.sz"]}}, "samples.universe.0: String should match pattern"),
        ({"samples": {"universe": []}}, "samples.universe: Tuple should have at least 1 item"),
        ({"samples": {"universe": "000300.SH"}}, "samples.universe: give null for all stocks, a list like"),
        ({"samples": {"universe": {}}}, "samples.universe.index: Field required"),
        ({"samples": {"universe": {"index": "000300"}}}, "samples.universe.index: String should match pattern"),
        ({"samples": {"universe": {"index": "000300.sh"}}}, "samples.universe.index: String should match pattern"),
        ({"samples": {"universe": {"index": ["000300.SH"]}}}, "samples.universe.index: Input should be a valid string"),
        (
            {"samples": {"universe": {"index": "000300.SH", "stocks": ["000001.SZ"]}}},
            "samples.universe.stocks: Extra inputs are not permitted",
        ),
        (
            {"samples": {"universe": ["000001.SZ", {"index": "000300.SH"}]}},
            "samples.universe.1: Input should be a valid string",
        ),
        ({"schedules": {"ingest": "24:00"}}, "schedules.ingest: String should match pattern"),
        ({"deadlines": {"ljwx_cleanup": 1}}, "deadlines.ljwx_cleanup: Input should be less than 1"),
        ({"deadlines": {"no_such_dag": 1}}, "deadlines.no_such_dag: Extra inputs are not permitted"),
        ({"alerts": {"connection": ""}}, "alerts.connection: String should match pattern"),
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


@pytest.mark.parametrize(
    "base", ["smollm2", "deepseek-llm:7b", "hf.co/user/repo:Q4_K_M", "localhost:5000/library/m:1", "other/ljwx-stock:1"]
)
def test_a_base_of_any_registry_is_taken(base: str) -> None:
    assert load_settings({"model": {"base": base}}).model.base == base


def test_every_contradiction_is_named() -> None:
    with pytest.raises(ConfigurationError, match=r"gate\.block: 10 .*; model\.base: "):
        load_settings({"samples": {"horizon": 20}, "model": {"base": "ljwx-stock:1"}})


@pytest.mark.parametrize("section", ["schedules", "deadlines", "alerts"])
def test_what_airflow_reads_off_the_file_is_refused_in_the_variable(tasks: TaskRunner, section: str) -> None:
    tasks.variables["ljwx_training_config"] = {section: {}}
    with pytest.raises(ConfigurationError, match=f"the Variable ljwx_training_config: {section} is read off"):
        current_settings()


@pytest.mark.parametrize("value", [["model"], "prompt", 7])
def test_a_variable_that_is_no_object_is_refused_by_name(tasks: TaskRunner, value: Any) -> None:
    tasks.variables["ljwx_training_config"] = value
    with pytest.raises(ConfigurationError, match="the Variable ljwx_training_config must be a JSON object of sections"):
        current_settings()


def test_a_variable_that_is_no_json_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_VAR_LJWX_TRAINING_CONFIG", '{"model": ')
    with pytest.raises(ConfigurationError, match="the Variable ljwx_training_config is not JSON"):
        current_settings()


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "training_config.json").write_text("{")
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
