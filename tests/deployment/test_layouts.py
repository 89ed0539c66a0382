"""The package in the layout of an Astro project: dags, plugins and include beside each other, and nothing installed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
import json, sys
from airflow.plugins_manager import get_plugin_info
from airflow.dag_processing.dagbag import DagBag
bag = DagBag(sys.argv[1])
import ljwx
from ljwx.resources import include_folder, sse_calendar
print(json.dumps({
    "errors": bag.import_errors, "dags": sorted(bag.dags), "package": ljwx.__file__, "include": str(include_folder()),
    "sessions": len(sse_calendar().sessions), "plugins": [plugin["name"] for plugin in get_plugin_info()],
}))
"""


def test_it_runs_from_the_folders_alone_where_astro_looks_for_them(tmp_path: Path) -> None:
    for name in ("dags", "plugins", "include"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    installed = tmp_path / "site-packages"
    installed.mkdir()
    for entry in Path(sysconfig.get_path("purelib")).iterdir():
        if "ljwx" not in entry.name and entry.suffix != ".pth":  # all that is installed, but for the package itself
            (installed / entry.name).symlink_to(entry)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW_", "PYTHONPATH"))}
    done = subprocess.run(
        [sys.executable, "-S", "-c", PROGRAM, str(tmp_path / "dags")], cwd=tmp_path, capture_output=True, text=True,
        timeout=120, check=False,
        env=environment
        | {
            "AIRFLOW_HOME": str(tmp_path), "AIRFLOW__CORE__LOAD_EXAMPLES": "False", "PYTHONPATH": str(installed),
        },
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["errors"] == {}
    assert len(found["dags"]) == 4
    assert Path(found["package"]).is_relative_to(tmp_path)
    assert Path(found["include"]) == tmp_path / "include"
    assert found["sessions"] > 5000
    assert "ljwx" in found["plugins"]
