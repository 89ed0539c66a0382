"""What a demo asks for: settings of a strategy that were not lowered, and nothing left running afterwards."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

from ljwx.core.promotions import GatePolicy
from ljwx.settings import load_settings
from ljwx_sandbox import stack as module
from ljwx_sandbox.demo import Demo
from ljwx_sandbox.processes import stop_families
from ljwx_sandbox.settings import SandboxError, SandboxSettings
from ljwx_sandbox.stack import CONFIGS, SMALL, TRAINED, VARIABLE, Stack, check_strategy


class Api:
    """Holds the one Variable."""

    def __init__(self, value: dict[str, Any]) -> None:
        self.value = value

    def get(self, path: str) -> dict[str, str]:
        assert path == f"variables/{VARIABLE}"
        return {"value": json.dumps(self.value)}

    def send(self, method: str, path: str, body: dict[str, Any]) -> None:
        assert (method, path) == ("PATCH", f"variables/{VARIABLE}")
        self.value = json.loads(body["value"])


@pytest.fixture
def stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stack:
    python = tmp_path / "python"
    python.touch()
    monkeypatch.setattr(module, "TRAINING_PYTHON", python)
    return Stack(SandboxSettings(tmp_path, dict.fromkeys(("airflow", "postgres", "tushare", "ollama"), 1)))


def chosen(stack: Stack, before: dict[str, Any], strategy: str) -> dict[str, Any]:
    api = Api(before)
    vars(stack)["api"] = api
    stack.choose(strategy)
    return api.value


def test_a_demo_that_trains_is_held_to_the_shipped_floors() -> None:
    shipped, trained = load_settings().gate, load_settings(TRAINED)
    floors = (
        "min_valid_share",
        "min_faithful_share",
        "max_unchecked_share",
        "max_modal_share",
        "max_copying_loss",
        "margin",
        "confidence",
    )
    assert {name: getattr(trained.gate, name) for name in floors} == {name: getattr(shipped, name) for name in floors}
    assert trained.gate.min_faithful_share == GatePolicy().min_faithful_share == 0.9
    assert (trained.model.lora.max_samples, trained.model.lora.proof) == (240, 20)
    assert trained.evaluation.class_questions >= 20 * 3, "20 of each task that asks what comes"


@pytest.mark.parametrize(("before", "strategy"), [(SMALL, "lora"), (TRAINED, "fewshot"), (TRAINED, "lora")])
def test_the_strategy_that_is_asked_for_is_put_in_force(stack: Stack, before: dict[str, Any], strategy: str) -> None:
    assert chosen(stack, before, strategy) == CONFIGS[strategy]


def test_settings_that_their_owner_has_changed_stay(stack: Stack) -> None:
    own = {**SMALL, "gate": {"min_questions": 100}}
    assert chosen(stack, own, "lora") == own


def test_without_a_python_that_can_train_it_says_how_to_get_one(stack: Stack, tmp_path: Path) -> None:
    (tmp_path / "python").unlink()
    with pytest.raises(SandboxError, match="make demo STRATEGY=lora"):
        Demo(stack, "2026-01-01", "2026-01-31", "lora").run()
    assert not (tmp_path / "postgres").exists(), "nothing was started for it"
    check_strategy("fewshot")


def test_a_trainer_that_outlived_its_task_is_ended_with_the_stack(stack: Stack, tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True) as child:
        process = psutil.Process(child.pid)
        for name, mark in (("one", repr(process.create_time())), ("older", "1.0")):
            folder = tmp_path / "data" / "training" / name
            folder.mkdir(parents=True)
            (folder / "started.json").write_text(json.dumps({"name": str(child.pid), "mark": mark}))
        assert stack._trainers() == [process], "a number that another process got is not mistaken"
        stop_families([process])
    assert stack._trainers() == []


class Renewed:
    """Takes the place of Airflow's API, and keeps the connections that it is given."""

    def __init__(self) -> None:
        self.renewed: list[dict[str, Any]] = []

    def renew_connection(self, connection: dict[str, Any]) -> None:
        self.renewed.append(connection)


def test_a_demo_of_another_source_changes_the_connection_as_a_whole(tmp_path: Path) -> None:
    ports = dict.fromkeys(("airflow", "postgres", "tushare", "ollama"), 1) | {"baostock": 2}
    stack, api = Stack(SandboxSettings(tmp_path, ports)), Renewed()
    vars(stack)["api"] = api
    for source in ("baostock", "tushare"):
        stack.choose_source(source)
    baostock, tushare = api.renewed
    assert baostock == {
        "connection_id": "tushare_default", "conn_type": "baostock", "host": "127.0.0.1", "port": 2,
    }  # fmt: skip
    assert (tushare["conn_type"], tushare["port"], bool(tushare["password"])) == ("tushare", 1, True)
