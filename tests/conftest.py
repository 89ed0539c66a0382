"""Fixtures that every part of the suite may ask for."""

from __future__ import annotations

import functools
import gc
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

import support_shared

# Each of the hundreds of processes of a run would compile what it imports anew, pytest's changed asserts with it.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
# Before anything imports airflow: it reads its home and its configuration once.
_HOME = tempfile.mkdtemp(prefix="ljwx-tests-")
os.environ.update(
    AIRFLOW_HOME=_HOME,
    AIRFLOW__CORE__LOAD_EXAMPLES="False",
    AIRFLOW__DATABASE__SQL_ALCHEMY_CONN=f"sqlite:///{_HOME}/airflow.db",
    XDG_RUNTIME_DIR=_HOME,  # a folder of our own: one that others can write to is warned about
    POLARS_MAX_THREADS="1",  # the tests' frames are small, and the cores have other processes to run
    OPENBLAS_NUM_THREADS="1",  # and so are their matrices: a second thread would wait in a loop
)


support_shared.begin()
gc.disable()  # while everything is imported nothing can be freed


def pytest_addoption(parser: pytest.Parser) -> None:
    """Take an option that the lane `make test-long` sets."""
    parser.addoption("--long", action="store_true", help="take the longer range where a test knows two")


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Load the fixtures, but for a process that only hands out the tests to others: what they import takes seconds."""
    hands_out = config.getoption("dist", "no") != "no" and not config.getoption("collectonly")
    if support_shared.IS_MAIN and hands_out:
        return
    capture = config.pluginmanager.getplugin("capturemanager")
    if capture is not None:
        capture.resume_global_capture()  # Airflow logs to the stream that it finds when it is loaded
    for name in SUPPORT:
        config.pluginmanager.import_plugin(name)
    if capture is not None:
        capture.suspend_global_capture(in_=True)


def pytest_collection_finish() -> None:
    """Look for garbage from here on, and never again through all that was imported."""
    gc.enable()
    gc.freeze()


def pytest_unconfigure(config: pytest.Config) -> None:
    """Leave no server and no folder behind."""
    from support_postgres import stop_postgres

    if support_shared.IS_MAIN:
        stop_postgres()
        if (capture := config.pluginmanager.getplugin("capturemanager")) is not None:
            capture.read_global_capture()  # what stopping the server printed would follow the results
    support_shared.end()
    shutil.rmtree(_HOME, ignore_errors=True)


SUPPORT = (
    "support_tushare", "support_ollama", "support_postgres", "support_tasks", "support_chain", "support_lines",
    "support_dags", "support_stack", "support_feature_group", "support_pgbouncer", "support_install", "support_serve",
    "support_recorded", "support_browser", "support_files", "support_programs", "support_night",
)  # fmt: skip
"""The modules with fixtures."""


ROOT = Path(__file__).resolve().parents[1]
LANES = {
    "stack": {"stack", "standalone", "machine", "airflow"},
    "model": {"ollama_model", "ollama_server"},
    "market": {"market_process", "start_market"},
    "install": {"everything_else", "wheels"},
    "browser": {"browser"},
    "programs": {"programs", "start_tushare", "start_ollama", "read_compose"},
    "simulation": {"looks", "watched_years", "trials"},
    "long": {"long_range"},
}
"""The markers, and for each the fixtures of which a test that bears it uses one."""
LONGEST = (
    "tests/end_to_end/test_pipeline.py",
    "shared_stack",
    "tests/sandbox/test_live.py",
    "tests/end_to_end/test_celery.py",
)
"""The groups that take minutes each: what a process begins with, so that none is left to one process at the end."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test by the fixtures it uses, keep those together that share something, and begin with the longest."""
    group_lanes: dict[str, set[str]] = {}
    for item in items:
        used = _fixtures(item)
        lanes = {lane for lane, fixtures in LANES.items() if used & fixtures}
        for lane in lanes:
            item.add_marker(lane)
        group_lanes.setdefault(_group(item.nodeid), set()).update(lanes)
    items.sort(key=lambda item: _turn(_group(item.nodeid), group_lanes))


def _turn(group: str, lanes: dict[str, set[str]]) -> tuple[int, list[bool]]:
    """The place of a group among all: the longest first, then lane by lane."""
    return LONGEST.index(group) if group in LONGEST else len(LONGEST), [lane not in lanes[group] for lane in LANES]


class _Groups(LoadScopeScheduling):
    """Gives each process one group after the other."""

    def _split_scope(self, nodeid: str) -> str:
        return _group(nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    """Take groups in the place of xdist's own: its `loadgroup` does not know how pytest 9.2 keeps a test's name."""
    return _Groups(config, log)


def _fixtures(item: pytest.Item) -> set[str]:
    """The fixtures that a test uses, also those that one of its parameters names."""
    named = item.callspec.params.values() if isinstance(item, pytest.Function) and hasattr(item, "callspec") else ()
    return {*getattr(item, "fixturenames", ()), *(value for value in named if isinstance(value, str))}


@functools.cache
def _group(nodeid: str) -> str:
    """What runs in one process, in order: a module, whose tests share fixtures, or the modules that share a stack."""
    path = nodeid.partition("::")[0]
    return "shared_stack" if "shared_stack" in (ROOT / path).read_text(encoding="utf-8") else path


@pytest.fixture(scope="session")
def long_range(pytestconfig: pytest.Config) -> bool:
    """Whether a test that knows two ranges shall take the longer one."""
    return bool(pytestconfig.getoption("--long"))


@pytest.fixture(scope="session")
def repository() -> Path:
    """The repository's root."""
    return ROOT


@pytest.fixture
def data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty data folder of this test's own."""
    monkeypatch.setenv("LJWX_DATA", str(tmp_path))
    return tmp_path
