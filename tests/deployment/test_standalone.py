"""`airflow standalone` on the repository's own folders, as docs/deployment.md tells it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from ljwx_sandbox.airflow import AirflowApi, executable
from support_docs import DAG_IDS, ROOT
from support_postgres import free_port
from support_stack import poll

pytestmark = pytest.mark.timeout(400)


@pytest.fixture
def standalone(tmp_path: Path) -> Iterator[AirflowApi]:
    """A standalone Airflow with what the page says to set, on SQLite as it comes, and ports of its own."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW_", "LJWX_"))}
    told = {
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
    }
    ports = {
        "AIRFLOW__API__HOST": "127.0.0.1", "AIRFLOW__API__PORT": str(port), "AIRFLOW__API__BASE_URL": url,
        "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(free_port()),
        "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": str(free_port()),
    }  # fmt: skip
    own = {
        "AIRFLOW_HOME": str(tmp_path), "AIRFLOW__CORE__LOAD_EXAMPLES": "False", "AIRFLOW__API__WORKERS": "1",
        "PATH": f"{Path(executable('airflow')).parent}{os.pathsep}{os.environ['PATH']}",
    }  # fmt: skip
    with printed(tmp_path).open("wb") as output:
        process = subprocess.Popen(
            [executable("airflow"), "standalone"], cwd=tmp_path, env=inherited | told | ports | own, stdout=output,
            stderr=output, stdin=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
    try:
        passwords = tmp_path / "simple_auth_manager_passwords.json.generated"
        poll(passwords.exists, 120, printed(tmp_path))
        api = AirflowApi(url, json.loads(passwords.read_text())["admin"])
        poll(api.is_ready, 180, printed(tmp_path))
        yield api
    finally:
        for number in (signal.SIGINT, signal.SIGKILL):
            with suppress(ProcessLookupError):
                os.killpg(process.pid, number)
            with suppress(subprocess.TimeoutExpired):
                process.wait(5)  # an interrupted scheduler waits long for task processes that were interrupted too


def printed(home: Path) -> Path:
    """What the command printed: it says why something is not ready."""
    return home / "standalone.out"


def test_it_takes_all_dags_and_the_plugin_from_the_repository(standalone: AirflowApi, tmp_path: Path) -> None:
    poll(lambda: {dag["dag_id"] for dag in standalone.get("dags")["dags"]} == DAG_IDS, 120, printed(tmp_path))
    assert standalone.get("importErrors")["total_entries"] == 0
    assert standalone.get("plugins/importErrors")["total_entries"] == 0
    assert "ljwx" in {plugin["name"] for plugin in standalone.get("plugins")["plugins"]}
