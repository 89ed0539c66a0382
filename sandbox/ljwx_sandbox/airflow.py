"""Airflow for the sandbox: its environment, its processes, and the few REST calls that the commands need."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import requests

from ljwx_sandbox.settings import REPOSITORY, SandboxError, SandboxSettings

COMPONENTS = {
    "api-server": ("api-server",),
    "scheduler": ("scheduler", "--skip-serve-logs"),
    "dag-processor": ("dag-processor",),
    "triggerer": ("triggerer", "--skip-serve-logs"),
}
LOGIN = "admin"


def executable(name: str) -> str:
    """Return a command of this interpreter's own environment."""
    return str(Path(sys.executable).with_name(name))


def environment(settings: SandboxSettings, database_url: str) -> dict[str, str]:
    """Return the environment of every Airflow process, on top of this process's own."""
    port = settings.ports["airflow"]
    folder = settings.home / "airflow"
    folder.mkdir(parents=True, exist_ok=True)
    passwords = folder / "passwords.json"
    passwords.write_text(json.dumps({LOGIN: settings.secret("airflow-login")}))
    passwords.chmod(0o600)
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW_")}
    return inherited | {
        "AIRFLOW_HOME": str(folder),
        "LJWX_DATA": str(settings.home / "data"),
        "OLLAMA_MODELS": str(settings.home / "ollama"),
        "AIRFLOW__CORE__DAGS_FOLDER": str(REPOSITORY / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(REPOSITORY / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__PARALLELISM": "4",
        "AIRFLOW__CORE__TEST_CONNECTION": "Enabled",
        "AIRFLOW__CORE__FERNET_KEY": _fernet_key(settings),
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": f"{LOGIN}:admin",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(passwords),
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{port}/execution/",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": database_url,
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__API__BASE_URL": f"http://127.0.0.1:{port}",
        "AIRFLOW__API__SECRET_KEY": settings.secret("airflow-api"),
        "AIRFLOW__API_AUTH__JWT_SECRET": settings.secret("airflow-jwt"),
        "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "60",
        # DAG files that nobody edits are read again every two minutes, not every half: a model needs the cores.
        "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "120",
        # A task that died with its machine is noticed within a minute, not five.
        "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "60",
        "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_SEC": "5",
        "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "10",
        "AIRFLOW__CORE__DEFAULT_TASK_RETRY_DELAY": "60",
    }


def _fernet_key(settings: SandboxSettings) -> str:
    from base64 import urlsafe_b64encode
    from hashlib import sha256

    return urlsafe_b64encode(sha256(settings.secret("airflow-fernet").encode()).digest()).decode()


class AirflowApi:
    """Airflow's public REST API with one bearer token.

    :param base_url: of the API server, as its setting of that name says it.
    """

    def __init__(self, base_url: str, password: str) -> None:
        self.base_url = base_url
        self._password = password
        self._session = requests.Session()

    def is_ready(self) -> bool:
        """Tell whether the API server answers and its scheduler, triggerer and dag-processor send heartbeats."""
        try:
            health = self._session.get(f"{self.base_url}/api/v2/monitor/health", timeout=5).json()
        except (requests.RequestException, ValueError):
            return False
        return all((part or {}).get("status") == "healthy" for part in health.values())

    def get(self, path: str, **params: Any) -> Any:
        """GET below /api/v2."""
        return self._call("GET", path, params=params)

    def send(self, method: str, path: str, body: dict[str, Any]) -> Any:
        """POST, PATCH or DELETE below /api/v2 with a JSON body."""
        return self._call(method, path, json=body)

    def put_connection(self, connection: dict[str, Any]) -> None:
        """Create a connection, or set an existing one to these values."""
        self._put("connections", connection["connection_id"], connection, connection)

    def renew_connection(self, connection: dict[str, Any]) -> None:
        """Put a connection in the place of one that may have more fields."""
        self._call("DELETE", f"connections/{connection['connection_id']}", accept={404})
        self.put_connection(connection)

    def put_pool(self, name: str, slots: int, description: str, include_deferred: bool = False) -> None:
        """Create a pool, or set an existing one to these slots."""
        values = {"slots": slots, "description": description, "include_deferred": include_deferred}
        self._put("pools", name, {"name": name, **values}, {"pool": name, **values})

    def put_variable(self, key: str, value: str, description: str) -> None:
        """Create a Variable, or leave an existing one as its owner set it."""
        body = {"key": key, "value": value, "description": description}
        self._call("POST", "variables", json=body, accept={409})

    def _put(self, collection: str, name: str, body: dict[str, Any], patch: dict[str, Any]) -> None:
        if self._call("POST", collection, json=body, accept={409}) is None:
            self._call("PATCH", f"{collection}/{name}", json=patch)

    def _call(self, method: str, path: str, accept: frozenset[int] | set[int] = frozenset(), **how: Any) -> Any:
        if "Authorization" not in self._session.headers:
            self._login()
        answer = self._session.request(method, f"{self.base_url}/api/v2/{path}", timeout=60, **how)
        if answer.status_code in accept:
            return None
        if not answer.ok:
            raise SandboxError(f"Airflow answered {answer.status_code} to {method} {path}: {answer.text[:500]}")
        return answer.json() if answer.content else {}

    def _login(self) -> None:
        body = {"username": LOGIN, "password": self._password}
        answer = self._session.post(f"{self.base_url}/auth/token", json=body, timeout=60)
        if not answer.ok:
            raise SandboxError(f"Airflow refused the sandbox's login with {answer.status_code}")
        self._session.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
