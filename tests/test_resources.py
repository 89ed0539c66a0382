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
from ljwx_sandbox.stack import DEFERRED_POOLS, POOLS

FILES = ("training_config.json", "sessions/sse.txt", "prompts/v1/system.txt", "reports/report.md.j2")


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of files that stand in for the packaged ones."""
    monkeypatch.setenv("LJWX_INCLUDE", str(tmp_path))
    return tmp_path


def write(folder: Path, name: str, text: str = "mine") -> Path:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


@pytest.mark.parametrize("name", [*FILES, "sql/bars/current.sql"])
def test_files_come_from_the_repository_where_nothing_else_is_named(
    repository: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.delenv("LJWX_INCLUDE", raising=False)
    assert resources.included(name) == repository / "include" / name
    assert resources.own_file(name) == repository / "include" / name
    assert resources.overridden() == {}


@pytest.mark.parametrize("name", FILES)
def test_one_file_stands_in_for_the_packaged_one_and_all_others_stay(mine: Path, repository: Path, name: str) -> None:
    path = write(mine, name)
    found = {each: resources.included(each) for each in FILES}
    assert found == {each: repository / "include" / each for each in FILES} | {name: path}
    assert resources.overridden() == {name: True}


def test_sql_comes_with_the_code_whatever_lies_in_the_folder(mine: Path, repository: Path) -> None:
    write(mine, "sql/bars/current.sql")
    assert resources.included("sql/bars/current.sql") == repository / "include" / "sql" / "bars" / "current.sql"
    assert resources.packaged_folder() == repository / "include"
    assert resources.overridden() == {}


def test_a_version_of_the_prompts_can_be_added_and_a_file_of_one_changed(mine: Path, repository: Path) -> None:
    system, more = write(mine, "prompts/v1/system.txt"), write(mine, "prompts/v2/system.txt")
    write(mine, "prompts/.v3/system.txt")
    ours = repository / "include" / "prompts"
    packaged = {path.relative_to(ours).as_posix(): path for path in ours.rglob("*.*")}
    assert len(packaged) > 5
    assert resources.included_below("prompts") == packaged | {"v1/system.txt": system, "v2/system.txt": more}


def test_a_copy_of_a_packaged_file_stands_in_for_it_and_changes_nothing(mine: Path, repository: Path) -> None:
    shutil.copy(repository / "include" / "training_config.json", mine)
    write(mine, "reports/report.md.j2")
    assert resources.overridden() == {"reports/report.md.j2": True, "training_config.json": False}


def test_what_a_command_writes_goes_to_the_folder_that_is_named(mine: Path) -> None:
    assert resources.own_file("sessions/sse.txt") == mine / "sessions" / "sse.txt"


def test_a_package_that_was_copied_without_its_files_takes_the_folder_that_is_named(
    mine: Path, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resources, "PACKAGED", mine / "plugins" / "include")
    with pytest.raises(FileNotFoundError, match="install the wheel, or copy include/ beside plugins/"):
        resources.included("training_config.json")
    shutil.copytree(repository / "include", mine, dirs_exist_ok=True)
    assert resources.packaged_folder() == mine
    assert set(resources.included_below("sql/bars")) >= {"current.sql", "known.sql"}


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
    assert DEFERRED_POOLS == resources.DEFERRED_POOLS


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
        shutil.copytree(repository / part, tmp_path / part, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
    ours = version(tmp_path)
    assert re.fullmatch(rf"{re.escape(__version__)}\+[0-9a-f]{{12}}", ours)
    assert ours == version(repository)
    (tmp_path / "plugins/ljwx/ui/static").mkdir(parents=True, exist_ok=True)
    (tmp_path / "plugins/ljwx/ui/static/more.txt").write_text("not code")
    assert ours == version(tmp_path)
    seen = {ours}
    for name, remark in (("plugins/ljwx/core/sessions.py", "# more\n"), ("include/sql/bars/current.sql", "-- more\n")):
        with (tmp_path / name).open("a") as file:
            file.write(remark)
        seen.add(version(tmp_path))
    assert len(seen) == 3
