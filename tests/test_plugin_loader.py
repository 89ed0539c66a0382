"""Airflow's own plugin loader on the real plugins folder, in a process of its own as every Airflow process does it."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

LOADER = """
import calendar, json, sys
from importlib.machinery import SourceFileLoader

executed, execute = [], SourceFileLoader.exec_module

def recorded(loader, module):
    executed.append((module.__name__, loader.path))
    return execute(loader, module)

SourceFileLoader.exec_module = recorded
from airflow import plugins_manager

plugins_manager.ensure_plugins_loaded()
SourceFileLoader.exec_module = execute
after_loading = sorted(sys.modules)
from airflow.providers_manager import ProvidersManager
from airflow.sdk.providers_manager_runtime import ProvidersManagerTaskRuntime
from airflow.serialization.decoders import decode_timetable
from airflow.serialization.encoders import encode_timetable
from ljwx.schedule import ingest_schedule

import calendar as again
timetable = ingest_schedule()
hooks = ProvidersManagerTaskRuntime().hooks
print(json.dumps({
    "executed": executed,
    "errors": plugins_manager.get_import_errors(),
    "after_loading": after_loading,
    "files": {name: getattr(sys.modules[name], "__file__", None) for name in after_loading},
    "timetables": sorted(plugins_manager.get_timetables_plugins()),
    "round_trip": decode_timetable(encode_timetable(timetable)).serialize() == timetable.serialize(),
    "same_calendar": again is calendar and hasattr(again, "monthrange"),
    "hooks": {name: getattr(hooks.get(name), "hook_class_name", None) for name in ("tushare", "ollama")},
    "providers": sorted(ProvidersManager().providers),
}))
"""


@pytest.fixture(scope="module")
def loaded(repository: Path, tmp_path_factory: pytest.TempPathFactory, programs: ModuleType) -> dict[str, Any]:
    """What a fresh process knows after Airflow has loaded the plugins."""
    home = tmp_path_factory.mktemp("home")
    chosen = {"AIRFLOW_HOME": str(home), "AIRFLOW__CORE__PLUGINS_FOLDER": str(repository / "plugins")}
    done = programs.run(
        [sys.executable, "-c", LOADER], env=os.environ | chosen, cwd=home, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def test_the_loader_executes_exactly_one_file(loaded: dict[str, Any], repository: Path) -> None:
    plugins = repository / "plugins"
    ours = [(name, path) for name, path in loaded["executed"] if path.startswith(str(plugins))]
    under_bare_names = [(name, path) for name, path in ours if name.split(".")[0] != "ljwx"]
    assert under_bare_names == [("airflow_plugin", str(plugins / "ljwx" / "airflow_plugin.py"))]
    assert loaded["errors"] == {}


def test_without_the_ignore_file_the_loader_would_execute_every_module(repository: Path) -> None:
    """The ignore file is what keeps them out; the day Airflow stops reading below the top, it can go."""
    from airflow._shared.module_loading import find_path_from_directory

    plugins = repository / "plugins"
    everything = list(find_path_from_directory(str(plugins), ".no-such-file", "glob"))
    assert len([path for path in everything if path.endswith(".py")]) > 50


def test_no_module_of_the_standard_library_is_shadowed(loaded: dict[str, Any], repository: Path) -> None:
    ours = str(repository / "plugins")
    shadowed = {name for name, path in loaded["files"].items() if (path or "").startswith(ours)} & set(
        sys.stdlib_module_names
    )
    assert shadowed == set()
    assert loaded["same_calendar"]


def test_loading_the_plugin_imports_nothing_of_the_product_but_its_name(loaded: dict[str, Any]) -> None:
    """Every task process pays for what is imported here."""
    names = set(loaded["after_loading"])
    assert {name for name in names if name.split(".")[0] == "ljwx"} <= {"ljwx", "ljwx.provider"}
    assert names & {"pandas", "polars", "numpy", "torch", "psycopg", "fastapi"} == set()


def test_the_session_timetable_is_registered_and_survives_airflows_own_serialisation(loaded: dict[str, Any]) -> None:
    assert loaded["timetables"] == ["ljwx.schedule.SessionTimetable"]
    assert loaded["round_trip"]


def test_connection_types_come_from_the_provider(loaded: dict[str, Any]) -> None:
    assert "ljwx-stock" in loaded["providers"]
    assert loaded["hooks"] == {
        "tushare": "ljwx.hooks.tushare.TushareHook",
        "ollama": "ljwx.hooks.ollama.OllamaHook",
    }
