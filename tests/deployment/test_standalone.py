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
import requests
from playwright.sync_api import Browser, ConsoleMessage, expect

from ljwx_sandbox.airflow import AirflowApi, executable
from support_browser import PATIENCE_MS
from support_docs import DAG_IDS, ROOT
from support_ports import free_port
from support_stack import poll

pytestmark = pytest.mark.timeout(400)
PASSWORDS = "simple_auth_manager_passwords.json.generated"


@pytest.fixture
def standalone(tmp_path: Path, warehouse_url: str) -> Iterator[AirflowApi]:
    """A standalone Airflow with what the page says to set, on SQLite as it comes, and ports of its own.

    It stands below a path, as behind a proxy, and has a warehouse with no rows.
    """
    port = free_port()
    url = f"http://127.0.0.1:{port}/some/path"
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW_", "LJWX_"))}
    told = {
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
        "AIRFLOW_CONN_LJWX_POSTGRES": os.environ["AIRFLOW_CONN_LJWX_POSTGRES"],
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
        poll((tmp_path / PASSWORDS).exists, 120, printed(tmp_path))
        api = AirflowApi(url, password(tmp_path))
        poll(api.is_ready, 180, printed(tmp_path))
        yield api
    finally:
        for number in (signal.SIGINT, signal.SIGKILL):
            with suppress(ProcessLookupError):
                os.killpg(process.pid, number)
            with suppress(subprocess.TimeoutExpired):
                process.wait(5)  # an interrupted scheduler waits long for task processes that were interrupted too


def password(home: Path) -> str:
    """The password that Airflow has made."""
    return str(json.loads((home / PASSWORDS).read_text())["admin"])


def printed(home: Path) -> Path:
    """What the command printed: it says why something is not ready."""
    return home / "standalone.out"


def test_it_takes_all_dags_and_the_plugin_from_the_repository_and_shows_the_page_below_a_path(
    standalone: AirflowApi, tmp_path: Path, browser: Browser
) -> None:
    poll(lambda: {dag["dag_id"] for dag in standalone.get("dags")["dags"]} == DAG_IDS, 120, printed(tmp_path))
    assert standalone.get("importErrors")["total_entries"] == 0
    assert standalone.get("plugins/importErrors")["total_entries"] == 0
    assert "ljwx" in {plugin["name"] for plugin in standalone.get("plugins")["plugins"]}
    the_page_stands_behind_the_login(standalone, password(tmp_path))
    the_page_opens_from_the_menu(standalone, password(tmp_path), browser)


def the_page_stands_behind_the_login(standalone: AirflowApi, secret: str) -> None:
    (plugin,) = (each for each in standalone.get("plugins")["plugins"] if each["name"] == "ljwx")
    assert [(each["name"], each["href"]) for each in plugin["external_views"]] == [("ljwx-stock", "ljwx/")]
    url, login = f"{standalone.base_url}/ljwx/", {"username": "admin", "password": secret}
    known = requests.post(f"{standalone.base_url}/auth/token", json=login, timeout=60).json()["access_token"]
    for path in ("", "static/app.js", "api/v1/stocks?q=0", "api/v1/data", "api/v1/models", "api/v1/decisions"):
        said = [
            requests.get(url + path, headers={"Authorization": f"Bearer {token}"} if token else {}, timeout=60)
            for token in (None, "wrong", known)
        ]
        assert [each.status_code for each in said] == [401, 403, 200], path


def the_page_opens_from_the_menu(standalone: AirflowApi, secret: str, browser: Browser) -> None:
    said: list[str] = []

    def listen(message: ConsoleMessage) -> None:
        if message.type == "error" and "/ljwx/" in message.location["url"]:
            said.append(message.text)

    with browser.new_context(locale="en-GB") as context:
        context.set_default_timeout(PATIENCE_MS)
        page = context.new_page()
        page.on("console", listen)
        page.goto(f"{standalone.base_url}/")
        page.fill("input[name=username]", "admin")
        page.fill("input[name=password]", secret)
        page.click("button[type=submit]")
        page.get_by_role("link", name="ljwx-stock").click()
        frame = page.frame_locator("iframe[title='ljwx-stock']")
        expect(frame.locator("main h1")).to_have_text("Analysis", timeout=PATIENCE_MS)
        assert said == []
        frame.get_by_role("link", name="Record").click()
        expect(frame.locator("main h1")).to_have_text("Record", timeout=PATIENCE_MS)
        expect(frame.locator("main .notice.bad")).to_have_count(0)
        assert page.url.startswith(f"{standalone.base_url}/plugin/ljwx")
