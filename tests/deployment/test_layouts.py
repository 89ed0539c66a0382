"""The package where only its folders are: in an Astro project, and copied into an existing Airflow."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from support_docs import COPIED, DAG_IDS, ROOT, installation

PROGRAM = """
import json, sys
from airflow.plugins_manager import get_plugin_info
from airflow.dag_processing.dagbag import DagBag
bag = DagBag(sys.argv[1])
import ljwx
from ljwx.resources import packaged_folder, sse_calendar
print(json.dumps({
    "errors": bag.import_errors, "dags": sorted(bag.dags), "package": ljwx.__file__, "include": str(packaged_folder()),
    "sessions": len(sse_calendar().sessions), "plugins": [plugin["name"] for plugin in get_plugin_info()],
}))
"""


Look = Callable[..., dict[str, Any]]


@pytest.fixture
def look(everything_else: Path) -> Look:
    """What Airflow finds in its home, after a shell has run a script in the repository."""
    return partial(found_in, everything_else)


def found_in(everything_else: Path, folder: Path, airflow_home: Path, before: str = "") -> dict[str, Any]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW_", "PYTHONPATH"))}
    own = {
        "AIRFLOW_HOME": str(airflow_home), "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "PYTHONPATH": str(everything_else), "PROGRAM": PROGRAM,
    }  # fmt: skip
    last = f'cd {folder} && exec {sys.executable} -S -c "$PROGRAM" {airflow_home / "dags"}'
    done = subprocess.run(
        ["bash", "-ec", f"{before}\n{last}"], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False,
        env=inherited | own,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout.splitlines()[-1]))


def is_whole(found: dict[str, Any], airflow_home: Path, include: Path) -> None:
    assert found["errors"] == {}
    assert set(found["dags"]) == DAG_IDS
    assert Path(found["package"]).is_relative_to(airflow_home)
    assert Path(found["include"]) == include
    assert found["sessions"] > 5000
    assert found["plugins"].count("ljwx") == 1


def test_it_runs_from_the_folders_alone_where_astro_looks_for_them(look: Look, tmp_path: Path) -> None:
    for name in ("dags", "plugins", "include"):
        shutil.copytree(ROOT / name, tmp_path / name, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
    is_whole(look(tmp_path, tmp_path), tmp_path, tmp_path / "include")


def test_an_existing_airflow_takes_the_files_as_the_page_on_deployment_says(look: Look, tmp_path: Path) -> None:
    lines = "\n".join(installation(ROOT / "docs" / "deployment.md", COPIED))
    home = tmp_path / "airflow"
    is_whole(look(tmp_path, home, lines), home, home / "include")


def test_a_package_copied_without_its_files_takes_those_that_a_variable_names(look: Look, tmp_path: Path) -> None:
    """As the pages said before the package knew its own files."""
    home, include = tmp_path / "airflow", tmp_path / "srv" / "include"
    lines = (
        f"mkdir -p {home}/dags {home}/plugins {include.parent}", f"cp dags/*.py {home}/dags/",
        f"cp -r plugins/ljwx plugins/.airflowignore {home}/plugins/", f"cp -r include {include.parent}/",
        f"export LJWX_INCLUDE={include}",
    )  # fmt: skip
    is_whole(look(tmp_path, home, "\n".join(lines)), home, include)
