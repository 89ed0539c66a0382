"""Ollama servers for tests: the sandbox as a process of its own, with a script or with a language model behind its
API, or the real server that OLLAMA_HOST names."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

ROOT = Path(__file__).resolve().parents[1]
BASE = "smollm2:135m"


@dataclass(frozen=True)
class OllamaServer:
    """A running server; `models` is its folder when it is a sandbox."""

    url: str
    models: Path | None = None

    def post(self, route: str, body: Any, **kwargs: Any) -> requests.Response:
        return requests.post(f"{self.url}/api/{route}", json=body, timeout=120, **kwargs)

    def get(self, route: str) -> Any:
        return requests.get(f"{self.url}/api/{route}", timeout=60).json()

    def delete(self, model: str) -> int:
        return requests.delete(f"{self.url}/api/delete", json={"model": model}, timeout=60).status_code

    def play(self, *faults: dict[str, Any]) -> None:
        """Play these faults of a sandbox, and no others."""
        requests.put(f"{self.url}/_sandbox/faults", json=faults, timeout=60).raise_for_status()

    def fail_next(self, route: str, kind: str, **fields: Any) -> None:
        self.play({"route": route, "kind": kind, **fields})

    def clear_faults(self) -> None:
        self.play()

    def stats(self) -> dict[str, int]:
        return dict(requests.get(f"{self.url}/_sandbox/stats", timeout=60).json())

    def blob_bytes(self) -> int:
        """Bytes of all blobs of a sandbox."""
        assert self.models is not None
        return sum(path.stat().st_size for path in (self.models / "blobs").iterdir())

    @property
    def connection(self) -> str:
        """The server as the text of an AIRFLOW_CONN_ variable."""
        host, port = self.url.removeprefix("http://").split(":")
        return json.dumps({"conn_type": "ollama", "host": host, "port": int(port)})


ONE_THREAD = ("--threads", "1")
"""Two of llama.cpp's would wait for one another at each step, while the cores have other tests to run."""


def sandbox_command(models: Path, *more: str) -> list[str]:
    command = [sys.executable, "-m", "ljwx_sandbox.ollama", "--port", "0", "--models", str(models)]
    return [*command, *ONE_THREAD, *more]


def sandbox_environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "plugins"), str(ROOT / "sandbox")])}


@contextmanager
def running_sandbox(models: Path, *more: str) -> Iterator[OllamaServer]:
    """Run the sandbox on a free port until the block ends."""
    process = subprocess.Popen(
        sandbox_command(models, *more), env=sandbox_environment(), stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()  # printed once the port is open; a process that fails closes the pipe
        assert line.startswith("Ollama sandbox on "), f"the sandbox did not start: {line!r}"
        yield OllamaServer(line.split()[3].rstrip(","), models)
    finally:
        process.terminate()
        try:
            process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()


StartOllama = Callable[..., AbstractContextManager[OllamaServer]]


@pytest.fixture(scope="session")
def start_ollama() -> StartOllama:
    """Starts a sandbox of one test's own, with options of its own."""
    return running_sandbox


@pytest.fixture(scope="session")
def ollama_sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OllamaServer]:
    """One sandbox whose answers come from a script, shared by every test that is not about what a model says."""
    with running_sandbox(tmp_path_factory.mktemp("ollama"), "--engine", "scripted") as server:
        yield server


@pytest.fixture(scope="session")
def ollama_model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OllamaServer]:
    """One sandbox on which the language model answers."""
    with running_sandbox(tmp_path_factory.mktemp("ollama-model")) as server:
        yield server


@pytest.fixture(scope="session")
def ollama_server(request: pytest.FixtureRequest) -> OllamaServer:
    """The real server that OLLAMA_HOST names, else the sandbox with the language model."""
    host = os.environ.get("OLLAMA_HOST")
    if not host:
        return request.getfixturevalue("ollama_model")
    return OllamaServer((host if "://" in host else f"http://{host}").rstrip("/"))


@pytest.fixture
def ollama_faulty(ollama_sandbox: OllamaServer) -> Iterator[OllamaServer]:
    """The sandbox, with every fault switched off afterwards."""
    yield ollama_sandbox
    ollama_sandbox.clear_faults()
