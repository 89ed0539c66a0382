"""Where the sandbox keeps its state and which ports it uses; every port can be moved by an environment variable."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast, get_args

Executor = Literal["local", "celery"]

REPOSITORY = Path(__file__).resolve().parents[2]
PORTS = {"airflow": 8080, "postgres": 15432, "tushare": 18100, "baostock": 18101, "ollama": 11435, "redis": 16379}


class SandboxError(Exception):
    """Something a person has to put right; the message says what."""


@dataclass(frozen=True)
class SandboxSettings:
    """Folder and ports of one sandbox.

    :param home: folder of all state: database, models, logs, passwords. `LJWX_HOME`, default `var/` of the repository.
    :param ports: port of each server on 127.0.0.1. `LJWX_PORT_AIRFLOW`, `_POSTGRES`, `_TUSHARE`,
        `_BAOSTOCK`, `_OLLAMA`, `_REDIS`.
    :param executor: Airflow's; with celery a Redis and two workers belong to the stack. `LJWX_EXECUTOR`.
    """

    home: Path
    ports: dict[str, int]
    executor: Executor = "local"

    @classmethod
    def from_environment(cls) -> SandboxSettings:
        """Read the settings; a port that is not a number is refused by name.

        :raises SandboxError: also where the sandbox lies apart from the DAGs that it runs.
        """
        if not (REPOSITORY / "dags").is_dir():
            raise SandboxError("the stack runs the DAGs of its repository: install it from there: make setup")
        home = Path(os.environ.get("LJWX_HOME", str(REPOSITORY / "var"))).resolve()
        executor = os.environ.get("LJWX_EXECUTOR", "local")
        if executor not in get_args(Executor):
            raise SandboxError(f"LJWX_EXECUTOR={executor!r} is not one of {', '.join(get_args(Executor))}")
        ports = {name: _port(name, default) for name, default in PORTS.items()}
        return cls(home, ports, cast("Executor", executor))

    @property
    def logs(self) -> Path:
        """Folder of the servers' own logs."""
        return self.home / "logs"

    def secret(self, name: str) -> str:
        """Return a random secret that is made once and kept in a file only its owner can read."""
        path = self.home / "secrets" / name
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(secrets.token_urlsafe(32))
        return path.read_text()


def port_variable(name: str) -> str:
    """Return the environment variable that moves the port of server `name`."""
    return f"LJWX_PORT_{name.upper()}"


def _port(name: str, default: int) -> int:
    text = os.environ.get(port_variable(name), str(default))
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise SandboxError(f"{port_variable(name)}={text!r} is not a port; use a number from 1 to 65535")
    return int(text)
