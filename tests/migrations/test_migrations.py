"""The migrations on a real database, and the places that must name the same columns."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path
from subprocess import PIPE, Popen
from types import ModuleType

import psycopg
import pytest

from ljwx.core.features import feature_names
from ljwx_sandbox.postgres import EmbeddedPostgres
from support_chain import Database, database
from support_tushare import environment

KEYS = {"session", "ts_code", "feature_version", "revision", "first_seen", "superseded_at", "run_key"}


Migrating = Callable[..., Popen[str]]


@pytest.fixture
def migrating(programs: ModuleType) -> Migrating:
    """Starts the command that migrates."""

    def start(*arguments: str) -> Popen[str]:
        process: Popen[str] = programs.Popen(
            [sys.executable, "-m", "ljwx.migrations", *arguments],
            env=environment() | {"LJWX_DATABASE_URL": ""}, stderr=PIPE, text=True,
        )  # fmt: skip
        return process

    return start


def test_four_processes_at_once_end_at_the_newest_revision(
    postgres: EmbeddedPostgres, repository: Path, migrating: Migrating
) -> None:
    files = (repository / "plugins/ljwx/migrations/versions").glob("[0-9]*.py")
    texts = [file.read_text(encoding="utf-8") for file in files]
    made, before = (
        set(re.findall(rf'^{name} = "(\w+)"', "\n".join(texts), re.M)) for name in ("revision", "down_revision")
    )
    (newest,) = made - before
    with database(postgres, "template1") as name:
        started = [migrating(postgres.url(name, "postgresql+psycopg")) for _ in range(4)]
        errors = [process.communicate(timeout=60)[1] for process in started]
        assert [process.returncode for process in started] == [0] * 4, errors
        versions = Database(postgres.url(name)).column("SELECT version_num FROM ljwx.schema_version")
    assert versions == [newest]


def test_migrating_again_touches_nothing(warehouse_url: str) -> None:
    from ljwx.migrations import upgrade

    query = "SELECT oid, relname, xmin::text FROM pg_class WHERE relnamespace = 'ljwx'::regnamespace ORDER BY oid"
    before = Database(warehouse_url).rows(query)
    upgrade(warehouse_url.replace("postgresql://", "postgresql+psycopg://"))
    assert len(before) > 20
    assert Database(warehouse_url).rows(query) == before


def test_a_migration_that_fails_leaves_no_schema(postgres: EmbeddedPostgres, migrating: Migrating) -> None:
    with database(postgres, "template1") as name:
        # A table in the way of the last statement of the first migration.
        Database(postgres.url(name)).execute("CREATE SCHEMA ljwx")
        Database(postgres.url(name)).execute("CREATE TABLE ljwx.lineage ()")
        process = migrating(postgres.url(name, "postgresql+psycopg"))
        _, error = process.communicate(timeout=60)
        assert process.returncode != 0
        assert "lineage" in error
        with psycopg.connect(postgres.url(name)) as connection:
            tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'ljwx'").fetchall()
    assert tables == [("lineage",)]


def test_the_command_without_a_database_says_what_is_missing_in_one_line(migrating: Migrating) -> None:
    process = migrating()
    _, error = process.communicate(timeout=60)
    assert process.returncode == 1
    assert error.splitlines() == [
        "which database? pass its URL, or set LJWX_DATABASE_URL (postgresql+psycopg://user:password@host/db)"
    ]


@pytest.mark.parametrize("table", ["features", "current_features"])
def test_table_and_view_have_the_features_of_every_group_in_their_order(warehouse_url: str, table: str) -> None:
    columns = Database(warehouse_url).column(
        "SELECT column_name FROM information_schema.columns "
        "WHERE table_schema = 'ljwx' AND table_name = %s ORDER BY ordinal_position",
        table,
    )
    assert [column for column in columns if column not in KEYS] == list(feature_names())


def test_years_are_made_once_for_bars_and_features(warehouse_url: str) -> None:
    database = Database(warehouse_url)
    for _ in range(2):
        database.execute("SELECT ljwx.ensure_years('2024-12-31', '2026-01-01')")
    parts = database.column(
        "SELECT inhrelid::regclass::text FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid "
        "WHERE c.relkind = 'r' ORDER BY 1"
    )
    assert parts == [f"ljwx.{table}_{year}" for table in ("bars", "features") for year in (2024, 2025, 2026)]
