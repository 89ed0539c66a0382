"""Asking classes alone: several questions at a time, and several servers, on servers that take a fixed time to answer.

What is measured is what the product adds, not how fast two cores compute: a slot sleeps, then answers by its script.
Everything else is as in a run: the API, the prompts, the reading of probabilities, and PostgreSQL, in which each answer
is saved before its slot is asked again.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import requests

from benchmarks.workbench import BASE, Workbench, connection_of, model_server, workbench

SLOTS = 4
SECONDS = 0.25
EACH = 20
"""Questions of each task."""
RUNS = 3
SCRIPTED = ("--engine", "scripted", "--answer-seconds", str(SECONDS))


def eval_wall_vs_bare_slots() -> dict[str, Any]:
    """Seconds of an evaluation on a server with several slots / of a bare client with as many requests at a time."""
    taken: dict[str, list[float]] = {"ours": [], "peer": []}
    with workbench(*SCRIPTED, "--parallel", str(SLOTS), each=EACH) as bench:
        os.environ["AIRFLOW_CONN_OLLAMA_DEFAULT"] = connection_of(bench.server, parallel=SLOTS)
        opened = bench.questions("classes")
        with sent_bodies() as bodies:
            asked(bench, opened, seed=0, servers=["ollama_default"])
        for run in range(RUNS):
            taken["ours"].append(asked(bench, opened, seed=run + 1, servers=["ollama_default"]))
            taken["peer"].append(posted(bench.server, bodies[-4 * EACH :]))
    ours, peer = (statistics.median(taken[name]) for name in ("ours", "peer"))
    note = (
        f"s for {4 * EACH} classes, {SLOTS} at a time, {SECONDS} s each; peer: the same requests, nothing read or saved"
    )
    return {"value": ours / peer, "unit": "x", "ours": ours, "peer": peer, "runs": RUNS, "note": note}


def eval_two_servers_speedup() -> dict[str, Any]:
    """Seconds for the same questions on one server / on two, each of one slot."""
    from ljwx.operators.ollama import OllamaOperator

    taken: dict[str, list[float]] = {"ours": [], "peer": []}
    with (
        workbench(*SCRIPTED, each=EACH // 2) as bench,
        model_server(bench.folder / "second", *SCRIPTED) as second,
    ):
        opened = bench.questions("classes")
        os.environ["AIRFLOW_CONN_OLLAMA_SECOND"] = connection_of(second)
        path = str(bench.folder / f"{bench.spec.sha256}.json")
        OllamaOperator(task_id="build", model=opened[1], spec_path=path, ollama_conn_id="ollama_second").execute({})
        for run in range(RUNS):
            taken["peer"].append(asked(bench, opened, seed=2 * run, servers=["ollama_default"]))
            both = ["ollama_default", "ollama_second"]
            taken["ours"].append(asked(bench, opened, seed=2 * run + 1, servers=both))
    ours, peer = (statistics.median(taken[name]) for name in ("ours", "peer"))
    note = f"s for {2 * EACH} classes, {SECONDS} s each; ours: two servers, peer: one of them"
    return {"value": peer / ours, "unit": "x", "ours": ours, "peer": peer, "runs": RUNS, "note": note}


def asked(bench: Workbench, opened: tuple[int, str, str], *, seed: int, servers: list[str]) -> float:
    """Ask all classes as a mapped task does; return the seconds. Another seed is another evaluation."""
    from ljwx.services.asking.full import class_request_config
    from ljwx.services.asking.servers import servers_of
    from ljwx.settings import load_settings
    from ljwx.stages.evaluate.asking import ask_all

    run_key, model, digest = opened
    settings = load_settings({"model": {"base": BASE}, "evaluation": {"seed": seed, "servers": servers}})
    config = class_request_config(settings)
    evaluation_id = bench.warehouse.open_evaluation(run_key, model, digest, "bench", config)
    begin = time.perf_counter()
    if ask_all(bench.warehouse, servers_of(settings), settings, evaluation_id) != 4 * bench.each:
        raise RuntimeError("not all questions were asked")
    return time.perf_counter() - begin


@contextmanager
def sent_bodies() -> Iterator[list[Any]]:
    """Collect what is sent to /api/chat meanwhile."""
    from ljwx.hooks.ollama_wire import OllamaWire

    bodies, send = list[Any](), OllamaWire.json

    def listen(self: Any, method: str, path: str, read: Any, body: Any = None, timeout: float | None = None) -> Any:
        if path == "/api/chat":
            bodies.append(body)
        return send(self, method, path, read, body, timeout)

    with patch.object(OllamaWire, "json", listen):
        yield bodies


def posted(server: str, bodies: list[Any]) -> float:
    """Send requests as a bare client does, so many at a time; return the seconds."""
    session = requests.Session()

    def post(body: Any) -> None:
        session.post(f"{server}/api/chat", json=body, timeout=60).raise_for_status()

    begin = time.perf_counter()
    with ThreadPoolExecutor(SLOTS) as pool:
        list(pool.map(post, bodies))
    return time.perf_counter() - begin
