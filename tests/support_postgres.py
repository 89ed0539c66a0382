"""A real PostgreSQL for the suite: one server a run, one fresh database a test that asks."""

from __future__ import annotations

import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

import support_shared
from ljwx_sandbox.postgres import EmbeddedPostgres
from support_ports import free_port

COPYING = "STRATEGY file_copy"
"""Without fsync it is faster to copy a database's files than to write its pages to the log."""


@contextmanager
def open_folder() -> Iterator[Path]:
    """A temporary folder outside pytest's own, which every pytest session closes to PostgreSQL's user."""
    folder = Path(tempfile.mkdtemp(prefix="ljwx-tests-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres() -> EmbeddedPostgres:
    """The database server of the whole run, started by the first process that needs it."""

    def start() -> int:
        server = _server(free_port())
        server.start()
        return server.port

    return _server(support_shared.once("postgres", start))


def stop_postgres() -> None:
    """Stop the run's database server, if one was started."""
    port = support_shared.made("postgres")
    if port is not None:
        _server(port).stop()


def _server(port: int) -> EmbeddedPostgres:
    return EmbeddedPostgres(support_shared.folder() / "postgres", port, "for-tests-only", durable=False)


@pytest.fixture(scope="session")
def migrated_template(postgres: EmbeddedPostgres) -> str:
    """A database with the schema, to be copied."""
    from ljwx.migrations import upgrade

    def migrate() -> str:
        with psycopg.connect(postgres.url("postgres"), autocommit=True) as connection:
            connection.execute("CREATE DATABASE migrated")
        upgrade(postgres.url("migrated", "postgresql+psycopg"))
        close(postgres, "migrated")
        return "migrated"

    return str(support_shared.once("migrated", migrate))


@pytest.fixture
def warehouse_url(postgres: EmbeddedPostgres, migrated_template: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """URL of a fresh migrated database, which the connection `ljwx_postgres` names for the length of the test."""
    name = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(postgres.url("postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {migrated_template} {COPYING}")
    url = postgres.url(name)
    monkeypatch.setenv("AIRFLOW_CONN_LJWX_POSTGRES", url.replace("postgresql://", "postgres://"))
    yield url
    with psycopg.connect(postgres.url("postgres"), autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def close(server: EmbeddedPostgres, template: str) -> None:
    """Let nobody connect to a template any more: one who does lets another process's copy of it fail."""
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {template} ALLOW_CONNECTIONS false")
        # Hooks that nobody uses any more close their connections when they are collected, which may not be yet.
        end = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s"
        connection.execute(end, (template,))


def data_of(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, by its relative name."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
