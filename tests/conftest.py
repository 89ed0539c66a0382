"""Fixtures that every part of the suite may ask for."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import pytest

# Before anything imports airflow: it reads its home and its configuration once.
_HOME = tempfile.mkdtemp(prefix="ljwx-tests-")
os.environ.update(
    AIRFLOW_HOME=_HOME,
    AIRFLOW__CORE__LOAD_EXAMPLES="False",
    AIRFLOW__DATABASE__SQL_ALCHEMY_CONN=f"sqlite:///{_HOME}/airflow.db",
    XDG_RUNTIME_DIR=_HOME,  # a folder of our own: one that others can write to is warned about
)


def pytest_unconfigure() -> None:
    """Leave no folder behind."""
    shutil.rmtree(_HOME, ignore_errors=True)


pytest_plugins = [
    "support_tushare", "support_ollama", "support_postgres", "support_tasks", "support_chain", "support_dags",
    "support_feature_group",
]  # fmt: skip


@pytest.fixture(scope="session")
def repository() -> Path:
    """The repository's root."""
    return Path(__file__).resolve().parents[1]


@pytest.fixture
def data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty data folder of this test's own."""
    monkeypatch.setenv("LJWX_DATA", str(tmp_path))
    return tmp_path
