"""A download, a build and a training that take long: where they wait, what they tell, and a triggerer killed meanwhile.

Real are Airflow's scheduler, triggerer and API server, PostgreSQL, the operators with their trigger, and HTTP to the
sandbox model server, which makes the model. Played are how long that takes, the percents it tells, and the registry:
what is pulled is on the server by the time that it is told to be. The DAGs are of this test.
"""

from __future__ import annotations

import json
import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import psutil
import pytest
import requests

from ljwx.resources import OLLAMA_POOL, TRAINING_POOL
from ljwx_sandbox.stack import Stack
from support_ollama import BASE as THERE
from support_ollama import OllamaServer
from support_stack import ENDED, is_idle, poll, trigger, unpause
from support_trainer import kill_leftovers, make_job, process_of, starts, steps_of

pytestmark = pytest.mark.timeout(600)

LONG, SHORT, TRAINING = "long_work", "short_work", "long_training"
BASE, MODEL, ALIKE = "smollm2:135m-instruct", "ljwx-stock:long", "ljwx-stock:alike"
SPEC: dict[str, Any] = {"base": BASE, "strategy": "prompt", "system": "Be brief.", "parameters": {"temperature": 0.25}}
PERCENTS = [{"status": "pulling abc", "total": 100, "completed": done} for done in (0, 25, 50, 75, 100)]
TOLD = ["pulling abc 0 %", "pulling abc 25 %", "pulling abc 50 %", "pulling abc 75 %", "pulling abc 100 %"]


@pytest.fixture(scope="module")
def stack(shared_stack: Stack) -> Stack:
    poll(lambda: is_idle(shared_stack), 120, "another module's run goes on")
    unpause(shared_stack, LONG, SHORT, TRAINING)
    return shared_stack


@pytest.fixture(scope="module")
def server(stack: Stack) -> OllamaServer:
    return OllamaServer(f"http://127.0.0.1:{stack.settings.ports['ollama']}", stack.settings.home / "ollama")


@pytest.fixture(scope="module")
def run(stack: Stack, server: OllamaServer) -> str:
    """A run whose download takes some seconds, and whose build takes minutes when it is asked for first."""
    spec = stack.settings.home / "spec.json"
    spec.write_text(json.dumps(SPEC | {"base_digest": digests(server)[THERE]}))
    server.play(
        {"route": "pull", "kind": "slow", "lines": PERCENTS, "seconds": 0.5},
        {"route": "create", "kind": "slow", "lines": PERCENTS, "seconds": 30},
    )
    return trigger(stack, LONG, conf={"base": BASE, "spec": str(spec), "model": MODEL})


@pytest.fixture(scope="module")
def job(stack: Stack) -> Iterator[Path]:
    """The job of a training that does not end by itself."""
    folder = stack.settings.home / "data" / "training" / "long"
    yield make_job(folder, steps=100_000)
    kill_leftovers(folder.parent)


@pytest.fixture(scope="module")
def training(stack: Stack, job: Path) -> str:
    """A run that trains it, followed in the triggerer."""
    run = trigger(stack, TRAINING, conf={"job": str(job)})
    poll(lambda: state_of(stack, run) == "deferred", 90, "the training is not deferred")
    return run


def state_of(stack: Stack, run: str) -> str:
    return str(stack.api.get(f"dags/{TRAINING}/dagRuns/{run}/taskInstances/train_model")["state"])


def steps_told(stack: Stack, run: str) -> list[int]:
    """The steps that the task's log, as the UI asks for it, tells of."""
    answer = stack.api.get(f"dags/{TRAINING}/dagRuns/{run}/taskInstances/train_model/logs/1")
    return [int(line["event"].split()[1]) for line in answer["content"] if line["event"].startswith("step ")]


def digests(server: OllamaServer) -> dict[str, str]:
    """The models on the server."""
    return {model["name"]: model["digest"] for model in server.get("tags")["models"]}


def instance(stack: Stack, run: str, task: str) -> dict[str, Any]:
    return dict(stack.api.get(f"dags/{LONG}/dagRuns/{run}/taskInstances/{task}"))


def until(stack: Stack, run: str, task: str, state: str, seconds: float = 90) -> None:
    """Wait until a task of the run is in this state, in its first attempt."""
    poll(lambda: instance(stack, run, task)["state"] == state, seconds, f"{task} is not {state}")
    assert instance(stack, run, task)["try_number"] == 1


def told(stack: Stack, run: str, task: str) -> list[str]:
    """The lines of a task's log, as the UI asks for them, that tell of the server's work."""
    answer = stack.api.get(f"dags/{LONG}/dagRuns/{run}/taskInstances/{task}/logs/1")
    return [line["event"] for line in answer["content"] if re.match("pulling|writing|success", line["event"])]


def slots(stack: Stack) -> dict[str, int]:
    pool = stack.api.get(f"pools/{OLLAMA_POOL}")
    return {kind: pool[f"{kind}_slots"] for kind in ("occupied", "running", "queued", "open", "deferred")}


def test_a_download_waits_outside_of_the_pool_and_tells_its_percents(
    stack: Stack, server: OllamaServer, run: str
) -> None:
    until(stack, run, "pull_base", "deferred")
    assert BASE not in digests(server)
    server.post("copy", {"source": THERE, "destination": BASE}).raise_for_status()
    until(stack, run, "pull_base", "success")
    lines = told(stack, run, "pull_base")
    assert lines[: len(TOLD)] == TOLD
    assert lines[-1] == "success"


def test_while_a_build_takes_long_nobody_waits_for_its_slot(stack: Stack, server: OllamaServer, run: str) -> None:
    until(stack, run, "build_model", "deferred")
    assert not stack.api.get(f"pools/{OLLAMA_POOL}")["include_deferred"]
    assert slots(stack) == {"occupied": 0, "running": 0, "queued": 0, "open": 1, "deferred": 1}
    assert stack.api.get("dags/~/dagRuns/~/taskInstances", state="running")["total_entries"] == 0
    other = trigger(stack, SHORT)
    poll(lambda: stack.api.get(f"dags/{SHORT}/dagRuns/{other}")["state"] in ENDED, 90, "the other task waits")
    assert stack.api.get(f"dags/{SHORT}/dagRuns/{other}")["state"] == "success"
    assert instance(stack, run, "build_model")["state"] == "deferred"
    assert MODEL not in digests(server)


def test_a_training_keeps_its_slot_while_it_is_followed_elsewhere(stack: Stack, job: Path, training: str) -> None:
    pool = stack.api.get(f"pools/{TRAINING_POOL}")
    assert (pool["include_deferred"], pool["open_slots"], pool["deferred_slots"]) == (True, 0, 1)
    poll(lambda: steps_told(stack, training), 60, "the log tells no step")


def test_a_build_whose_triggerer_is_killed_goes_on_in_the_next_one(
    stack: Stack, server: OllamaServer, run: str
) -> None:
    until(stack, run, "build_model", "deferred")
    poll(lambda: TOLD[0] in told(stack, run, "build_model"), 60, "the triggerer does not follow the build")
    triggerer = stack._file("triggerer").find()
    assert triggerer is not None
    os.killpg(triggerer.pid, signal.SIGKILL)
    poll(lambda: stack._file("triggerer").find() is None, 30, "the triggerer survived SIGKILL")
    stack.start_component("triggerer")  # as Compose's restart policy does
    poll(lambda: stack.api.get(f"dags/{LONG}/dagRuns/{run}")["state"] in ENDED, 180, "the build was not taken up")
    assert stack.api.get(f"dags/{LONG}/dagRuns/{run}")["state"] == "success"
    assert instance(stack, run, "build_model")["try_number"] == 1
    assert told(stack, run, "build_model")[-1] == "success"

    server.post("create", {"model": ALIKE, "from": BASE, **{key: SPEC[key] for key in ("system", "parameters")}})
    assert digests(server).keys() == {THERE, BASE, MODEL, ALIKE}
    assert digests(server)[MODEL] == digests(server)[ALIKE] != digests(server)[BASE]
    made = stack.api.get(f"dags/{LONG}/dagRuns/{run}/taskInstances/build_model/xcomEntries/return_value")["value"]
    assert made == {"model": MODEL, "digest": digests(server)[MODEL], "built": True}
    assert list((stack.settings.home / "ollama" / "blobs").glob("partial-*")) == []


def test_a_training_whose_triggerer_was_killed_is_followed_by_the_next_and_ends_with_its_task(
    stack: Stack, job: Path, training: str
) -> None:
    before = steps_of(job)
    poll(lambda: steps_told(stack, training)[-1] > before, 120, "the new triggerer does not follow it")
    assert (state_of(stack, training), starts(job)) == ("deferred", 1)
    process = process_of(job)
    path = f"dags/{TRAINING}/dagRuns/{training}/taskInstances/train_model"
    stack.api.send("PATCH", path, {"new_state": "failed"})
    poll(lambda: not process.is_running() or process.status() == psutil.STATUS_ZOMBIE, 60, "the trainer goes on")


def test_the_links_of_a_build_lead_somewhere(stack: Stack, run: str) -> None:
    links = stack.api.get(f"dags/{LONG}/dagRuns/{run}/taskInstances/build_model/links")["extra_links"]
    assert links["Base model"] == f"https://ollama.com/library/{BASE}"
    page = requests.get(links["Report"], timeout=60)
    assert (page.status_code, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    _, dag, _, of, _, task = unquote(links["Report"].removeprefix(stack.api.base_url)).strip("/").split("/")
    assert (dag, of) == (LONG, run)
    assert instance(stack, run, task)["state"] == "success"
