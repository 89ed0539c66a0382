"""Programs that tests start: each takes as long as dozens of tests, so that such tests are a lane of their own."""

from __future__ import annotations

import subprocess
from importlib import import_module
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def programs() -> ModuleType:
    """The module `subprocess`, for a test that starts a program and waits for its end."""
    return subprocess


@pytest.fixture(scope="session")
def looks() -> ModuleType:
    """The simulation of years of looks at lines, for a test that draws many."""
    return import_module("benchmarks.looks")


@pytest.fixture(scope="session")
def watched_years() -> ModuleType:
    """The simulation of years under the watch, for a test that draws some."""
    return import_module("benchmarks.watch")
