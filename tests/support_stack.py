"""Stacks: one that modules share, or one of a module's own; and what one does with it: wait, trigger, read."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

import psycopg
import pytest

from ljwx_sandbox.demo import CLEANUP
from ljwx_sandbox.settings import PORTS, SandboxSettings, port_variable
from ljwx_sandbox.stack import SMALL, Stack
from support_ports import free_port
from support_postgres import open_folder
from support_trainer import fake_python
from support_tushare import REPOSITORY

T = TypeVar("T")
ENDED = {"success", "failed", "skipped"}


@contextmanager
def sandbox_settings(**environment: str) -> Iterator[SandboxSettings]:
    """A folder and ports of its own, and more environment if given, for every process that is started in the block."""
    with open_folder() as home, pytest.MonkeyPatch.context() as patch:
        ports = {port_variable(name): str(free_port()) for name in PORTS}
        for name, value in {**ports, "LJWX_HOME": str(home), **environment}.items():
            patch.setenv(name, value)
        yield SandboxSettings.from_environment()


@contextmanager
def running_stack(environment: Mapping[str, str] = MappingProxyType({}), **options: Any) -> Iterator[Stack]:
    """A stack that is up, on which nothing runs by the clock.

    :param environment: of this process meanwhile, and so of all that it starts.
    :param options: of `Stack`.
    """
    with sandbox_settings(**environment) as settings:
        stack = Stack(settings, schedules=False, **options)
        try:
            stack.up()
            yield stack
        finally:
            stack.down()


@pytest.fixture(scope="session")
def shared_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """One stack for the modules that need nothing of their own; a script answers in the place of a model, and trains.

    It has the package's DAGs and those of tests/end_to_end/dags, all paused, and a cleanup is late after four seconds.
    A module unpauses what it needs, counts only what is its own, and puts back what it changes.
    """
    dags = tmp_path_factory.mktemp("dags")
    for folder in ("dags", "tests/end_to_end/dags"):
        for path in (REPOSITORY / folder).glob("*.py"):
            (dags / path.name).symlink_to(path)
    python = fake_python(tmp_path_factory.mktemp("trainer"))
    with running_stack(
        {"LJWX_DEADLINE_HOURS": f"{CLEANUP}={4 / 3600}"},
        market=("--stocks", "10", "--seed", "7", "--effect", "0.3"),
        model_server=("--engine", "scripted"),
        airflow_config={"AIRFLOW__CORE__DAGS_FOLDER": str(dags)},
        config=SMALL | {"samples": SMALL["samples"] | {"min_new_samples": 1}, "training": {"python": python}},
    ) as stack:
        yield stack


def is_idle(stack: Stack) -> bool:
    """Whether every run has ended."""
    running = [stack.api.get("dags/~/dagRuns", state=state)["total_entries"] for state in ("queued", "running")]
    return running == [0, 0]


def poll(done: Callable[[], T], seconds: float, otherwise: str | Path, pause: float = 0.5) -> T:
    """Wait until something that runs by itself is done, and return what it made.

    :param otherwise: what to say when it is not, or the file whose end tells why.
    """
    deadline = time.monotonic() + seconds
    while not (found := done()):
        if time.monotonic() > deadline:
            pytest.fail(otherwise if isinstance(otherwise, str) else otherwise.read_text(errors="replace")[-3000:])
        time.sleep(pause)
    return found


def unpause(stack: Stack, *dags: str) -> None:
    """Wait until the DAGs are known, and let them run."""
    poll(lambda: {*dags} <= {dag["dag_id"] for dag in stack.api.get("dags")["dags"]}, 120, f"no DAGs {dags}")
    for dag in dags:
        stack.api.send("PATCH", f"dags/{dag}", {"is_paused": False})


def trigger(stack: Stack, dag: str, **body: Any) -> str:
    """Start a run, and return its id."""
    return str(stack.api.send("POST", f"dags/{dag}/dagRuns", {"logical_date": None, **body})["dag_run_id"])


def query(stack: Stack, text: str) -> list[tuple[Any, ...]]:
    """Rows of the warehouse."""
    with psycopg.connect(stack.postgres.url("warehouse")) as connection:
        return connection.execute(text).fetchall()
