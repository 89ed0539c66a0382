"""The peers of a stepped run: a database with a clock of its own, a market whose today moves, and a model server."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import requests

from ljwx_sandbox.clock import DatabaseClock
from ljwx_sandbox.postgres import EmbeddedPostgres
from ljwx_sandbox.processes import free_port
from ljwx_sandbox.settings import SandboxError

UNLIMITED = "sandbox-unlimited"
NEAR = timedelta(minutes=5)


@dataclass(frozen=True)
class Peers:
    """Running servers.

    :param url: of the warehouse; ``market``, ``models``: addresses of the other two.
    """

    url: str
    market: str
    models: str
    clock: DatabaseClock

    @property
    def environment(self) -> dict[str, str]:
        """The product's connections to them."""
        return {
            "AIRFLOW_CONN_LJWX_POSTGRES": self.url.replace("postgresql://", "postgres://"),
            "AIRFLOW_CONN_TUSHARE_DEFAULT": _connection("tushare", self.market, password=UNLIMITED),
            "AIRFLOW_CONN_OLLAMA_DEFAULT": _connection("ollama", self.models),
        }

    def set_time(self, moment: datetime) -> None:
        """Let it be this moment for the database, and this day for the market.

        :raises SandboxError: the database does not go by the clock.
        """
        self.clock.set(moment)
        with psycopg.connect(self.url) as connection:
            (now,) = connection.execute("SELECT clock_timestamp()").fetchone() or (None,)
        if now is None or not moment - NEAR < now < moment + NEAR:
            raise SandboxError(f"the database says that it is {now}: libfaketime does not work on this machine")
        self._put(f"{self.market}/_sandbox/today", moment.date().isoformat())

    def set_skills(self, skills: Mapping[int, float]) -> None:
        """Let models of these seeds have these skills."""
        self._put(f"{self.models}/_sandbox/skills", {str(seed): skill for seed, skill in skills.items()})

    @staticmethod
    def _put(url: str, body: Any) -> None:
        requests.put(url, json=body, timeout=30).raise_for_status()


@contextmanager
def running(home: Path, password: str, market: Sequence[str], moment: datetime) -> Iterator[Peers]:
    """Start all three, and stop them.

    :param moment: what time the database's clock starts with.
    """
    clock = DatabaseClock(home / "clock")
    clock.set(moment)
    postgres = EmbeddedPostgres(home / "postgres", free_port(), password, durable=False, clock=clock)
    with ExitStack() as stack:
        stack.callback(postgres.stop)
        postgres.start()
        source = stack.enter_context(_server("tushare", *market))
        model_options = ("--models", str(home / "ollama"), "--engine", "forecasting")
        models = stack.enter_context(_server("ollama", *model_options))
        yield Peers(postgres.url("warehouse"), source, models, clock)


@contextmanager
def _server(name: str, *options: str) -> Iterator[str]:
    command = [sys.executable, "-m", f"ljwx_sandbox.{name}", "--host", "127.0.0.1", "--port", "0", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            line = process.stdout.readline() if process.stdout else ""
            address = next((word.rstrip(",") for word in line.split() if word.startswith("http://")), None)
            if address is None:
                raise SandboxError(f"the {name} stand-in did not start: {line!r}")
            yield address
        finally:
            process.terminate()


def _connection(kind: str, address: str, **more: str) -> str:
    host, port = address.removeprefix("http://").split(":")
    return json.dumps({"conn_type": kind, "host": host, "port": int(port), "schema": "http", **more})
