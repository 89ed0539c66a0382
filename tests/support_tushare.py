"""A sandbox TuShare server in a process of its own, for tests that speak to it over HTTP."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

REPOSITORY = Path(__file__).parents[1]
UNLIMITED = "sandbox-unlimited"
StartMarket = Callable[..., AbstractContextManager["TushareServer"]]


class TushareServer:
    """A running server: where it is, and what its control route can do."""

    def __init__(self, url: str, baostock_port: int = 0) -> None:
        self.url = url
        self.port = int(url.rsplit(":", 1)[1])
        self.baostock_port = baostock_port

    def post(self, api_name: str, token: str = UNLIMITED, fields: str = "", path: str = "/", **params: Any) -> Any:
        """Send one request as TuShare documents it and return the envelope."""
        body = {"api_name": api_name, "token": token, "params": params, "fields": fields}
        answer = requests.post(self.url + path, json=body, timeout=30)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def rows(self, api_name: str, **params: Any) -> list[dict[str, Any]]:
        """Return one answer's rows as dicts."""
        envelope = self.post(api_name, **params)
        assert envelope["code"] == 0, envelope
        return [dict(zip(envelope["data"]["fields"], row, strict=True)) for row in envelope["data"]["items"]]

    def faults(self, **faults: Any) -> None:
        """Put these faults in the place of all others: ``faults(daily={"kind": "http_504", "count": 1})``."""
        answer = requests.put(f"{self.url}/_sandbox/faults", json=faults, timeout=60)
        assert answer.status_code == 204, answer.text

    def stats(self) -> Any:
        """Return calls per interface and how many were refused for their rate; those of BaoStock's by themselves."""
        return requests.get(f"{self.url}/_sandbox/stats", timeout=60).json()

    def connection(self, token: str = UNLIMITED, conn_type: str = "tushare", **extra: Any) -> str:
        """Return an Airflow connection to the server, as JSON for an AIRFLOW_CONN_… variable."""
        return json.dumps(
            {
                "conn_type": conn_type,
                "host": "127.0.0.1",
                "port": self.port,
                "schema": "http",
                "password": token,
                "extra": extra,
            }
        )

    def baostock(self, **extra: Any) -> str:
        """Return an Airflow connection to the server's BaoStock side."""
        given = {"calls_per_minute": 100_000, "read_timeout": 60, **extra}
        return json.dumps({"conn_type": "baostock", "host": "127.0.0.1", "port": self.baostock_port, "extra": given})


@contextmanager
def running_tushare(*options: str) -> Iterator[TushareServer]:
    """Run a server on free ports, BaoStock's protocol on one of its own, until the block ends."""
    process = subprocess.Popen(
        command(["--port", "0", "--baostock-port", "0", *options]), stdout=subprocess.PIPE, text=True, env=environment()
    )
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        assert line.startswith("sandbox TuShare on "), line
        other = process.stdout.readline()
        assert other.startswith("sandbox BaoStock on "), other
        yield TushareServer(line.split()[-1], int(other.rsplit(":", 1)[1]))
    finally:
        process.terminate()
        process.wait(60)
        process.stdout.close()


@pytest.fixture(scope="session")
def start_market() -> StartMarket:
    """Starts the server of a market that only one module's stages ingest."""
    return running_tushare


@pytest.fixture(scope="session")
def start_tushare() -> StartMarket:
    """Starts a server of one test's own, with options of its own."""
    return running_tushare


def command(options: Sequence[str]) -> list[str]:
    """Return the command that starts a server."""
    return [sys.executable, "-m", "ljwx_sandbox.tushare", *options]


def environment() -> dict[str, str]:
    """Return the environment a server starts in."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(REPOSITORY / "plugins"), str(REPOSITORY / "sandbox")])}


@pytest.fixture(scope="session")
def tushare_process() -> Iterator[TushareServer]:
    """One small market for the whole session: 300 stocks from 2024 to 2026-11-20, many events."""
    with running_tushare("--stocks", "300", "--origin", "2024-01-01", "--to", "2026-11-20") as server:
        yield server


@pytest.fixture
def tushare_server(tushare_process: TushareServer) -> Iterator[TushareServer]:
    """The session's server, without faults before and after."""
    tushare_process.faults()
    yield tushare_process
    tushare_process.faults()
