"""Folders, connection names and pools."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ljwx import __version__, resources
from ljwx_sandbox.stack import POOLS


def test_the_include_folder_is_the_repositorys(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LJWX_INCLUDE", raising=False)
    assert resources.include_folder() == repository / "include"


def test_the_include_folder_can_be_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LJWX_INCLUDE", str(tmp_path))
    assert resources.include_folder() == tmp_path


def test_data_lies_below_the_airflow_home_unless_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LJWX_DATA", raising=False)
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path))
    assert resources.data_folder() == str(tmp_path / "ljwx-data")
    monkeypatch.setenv("LJWX_DATA", str(tmp_path / "elsewhere"))
    assert resources.data_folder() == str(tmp_path / "elsewhere")


def test_without_an_airflow_home_data_lies_in_the_persons_own_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LJWX_DATA", raising=False)
    monkeypatch.delenv("AIRFLOW_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert resources.data_folder() == str(tmp_path / "airflow" / "ljwx-data")


def test_the_calendar_is_the_shipped_list(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LJWX_INCLUDE", raising=False)
    resources.sse_calendar.cache_clear()
    lines = (repository / "include" / "sessions" / "sse.txt").read_text().splitlines()
    listed = [line for line in lines if not line.startswith("#")]
    assert [day.isoformat() for day in resources.sse_calendar().sessions] == listed


def test_the_sandbox_makes_every_pool_that_the_dags_use() -> None:
    assert {name: slots for name, (slots, _) in POOLS.items()} == resources.POOL_SLOTS


def test_connection_names_are_the_hooks_own_defaults() -> None:
    from ljwx.hooks.ollama import OllamaHook
    from ljwx.hooks.tushare import TushareHook
    from ljwx.hooks.warehouse import WarehouseHook

    names = (WarehouseHook.default_conn_name, TushareHook.default_conn_name, OllamaHook.default_conn_name)
    assert names == (resources.POSTGRES_CONN_ID, resources.TUSHARE_CONN_ID, resources.OLLAMA_CONN_ID)


def test_the_code_version_follows_every_source_and_nothing_else(tmp_path: Path, repository: Path) -> None:
    """Copies of the package in other places have one version; a changed comment in Python or SQL makes another."""

    def version(place: Path) -> str:
        script = "from ljwx.resources import code_version; print(code_version())"
        environment = {**os.environ, "PYTHONPATH": str(place / "plugins")}
        environment.pop("LJWX_INCLUDE", None)
        done = subprocess.run(
            [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    for part in ("plugins/ljwx", "include"):
        shutil.copytree(repository / part, tmp_path / part, ignore=shutil.ignore_patterns("__pycache__"))
    ours = version(tmp_path)
    assert re.fullmatch(rf"{re.escape(__version__)}\+[0-9a-f]{{12}}", ours)
    assert ours == version(repository)
    (tmp_path / "plugins/ljwx/ui/static").mkdir(parents=True, exist_ok=True)
    (tmp_path / "plugins/ljwx/ui/static/more.txt").write_text("not code")
    assert ours == version(tmp_path)
    seen = {ours}
    for name, remark in (("plugins/ljwx/core/sessions.py", "# more\n"), ("include/sql/bars/known.sql", "-- more\n")):
        with (tmp_path / name).open("a") as file:
            file.write(remark)
        seen.add(version(tmp_path))
    assert len(seen) == 3
