"""Databases, connections and roles as they are found: what the warehouse works with, and what it refuses."""

from __future__ import annotations

import json
import sys
import time
import uuid
from collections.abc import Iterator
from datetime import date
from types import ModuleType

import polars as pl
import psycopg
import pytest

from ljwx.exceptions import ConfigurationError
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.warehouse.runs import RunRef
from ljwx_sandbox.postgres import EmbeddedPostgres
from support_chain import Database, bars_of, connect, database, whole_day
from support_tushare import environment

DAY = date(2026, 3, 2)
NAME = "𠮷野家"
"""Its first character is outside of what GBK, EUC_CN and two bytes hold."""


def run_key(hook: WarehouseHook) -> int:
    return hook.start_run(RunRef("tests", "one", "save"))


@pytest.fixture
def encoded(postgres: EmbeddedPostgres, request: pytest.FixtureRequest) -> Iterator[str]:
    """URL of an empty database with the encoding that the test names."""
    name = f"test_{uuid.uuid4().hex}"
    make = f"CREATE DATABASE {name} ENCODING '{request.param}' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0"
    with psycopg.connect(postgres.url("postgres"), autocommit=True) as connection:
        connection.execute(make)
    yield postgres.url(name)
    with psycopg.connect(postgres.url("postgres"), autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.mark.parametrize("encoded", ["SQL_ASCII", "EUC_CN", "LATIN1"], indirect=True)
def test_a_database_that_cannot_hold_chinese_is_refused_before_a_table_is_made(
    encoded: str, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest, programs: ModuleType
) -> None:
    connect(monkeypatch, encoded)
    encoding = request.node.callspec.params["encoded"]
    says = f"has the encoding {encoding}, which does not hold every name and answer: make one with CREATE DATABASE"
    with pytest.raises(ConfigurationError, match=says):
        WarehouseHook().migrate()
    with pytest.raises(ConfigurationError, match=says):
        WarehouseHook().complete_sessions()
    done = programs.run(
        [sys.executable, "-m", "ljwx.migrations", encoded.replace("postgresql:", "postgresql+psycopg:")],
        env=environment(), capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert says in line
    with psycopg.connect(encoded) as connection:
        assert connection.execute("SELECT to_regnamespace('ljwx') IS NULL").fetchone() == (True,)


@pytest.mark.parametrize("client", ["UTF8", "GB18030"])
def test_the_connection_s_client_encoding_changes_no_character(
    db: Database, monkeypatch: pytest.MonkeyPatch, client: str
) -> None:
    connect(monkeypatch, f"{db.url}?client_encoding={client}")
    hook = WarehouseHook()
    key = run_key(hook)
    stocks = {"ts_code": ["000001.SZ"], "name": [NAME], "list_status": ["L"], "list_date": [DAY]}
    hook.save_instruments(key, pl.DataFrame(stocks))
    period = {"ts_code": "000001.SZ", "name": NAME, "start_date": DAY, "end_date": None, "ann_date": None}
    hook.save_names(key, pl.DataFrame([{**period, "change_reason": None}]))
    hook.finish_run(key, said=NAME)
    assert hook.instruments()["name"].to_list() == hook.names()["name"].to_list() == [NAME]
    assert db.column("SELECT name FROM ljwx.instruments") == db.column("SELECT name FROM ljwx.names") == [NAME]
    assert db.value("SELECT outputs ->> 'said' FROM ljwx.runs") == NAME


@pytest.mark.parametrize("client", ["GBK", "LATIN1", "SQL_ASCII"])
@pytest.mark.parametrize("where", ["connection", "variable"])
def test_a_client_encoding_that_lacks_characters_is_refused(
    db: Database, monkeypatch: pytest.MonkeyPatch, client: str, where: str
) -> None:
    if where == "variable":
        monkeypatch.setenv("PGCLIENTENCODING", client)
    connect(monkeypatch, db.url + (f"?client_encoding={client}" if where == "connection" else ""))
    with pytest.raises(ConfigurationError, match=f"client_encoding {client} does not carry every name and answer"):
        WarehouseHook().complete_sessions()
    with pytest.raises(ConfigurationError, match="or say UTF8 or GB18030"):
        WarehouseHook().migrate()


def test_a_style_of_dates_that_copies_cannot_be_read_in_is_refused(db: Database) -> None:
    db.execute(f"ALTER DATABASE {db.value('SELECT current_database()')} SET datestyle = 'German'")
    with pytest.raises(ConfigurationError, match="DateStyle is German, DMY, and must be ISO: ALTER ROLE postgres SET"):
        WarehouseHook().complete_sessions()


@pytest.mark.parametrize("extra", [{"sslmod": "disable"}, {"verify": "x"}])
def test_an_unknown_extra_is_refused_by_name_with_those_that_are_known(
    db: Database, monkeypatch: pytest.MonkeyPatch, extra: dict[str, str]
) -> None:
    host, port = db.url.rpartition("@")[2].split("/")[0].split(":")
    given = {"conn_type": "postgres", "host": host, "port": int(port), "login": "postgres", "password": "s3cret"}
    monkeypatch.setenv("AIRFLOW_CONN_LJWX_POSTGRES", json.dumps({**given, "extra": extra}))
    with pytest.raises(ConfigurationError) as caught:
        WarehouseHook().complete_sessions()
    (name,) = extra
    said = str(caught.value)
    assert said.startswith(f"connection ljwx_postgres: unknown extra {name!r}; known are ")
    assert "sslmode" in said
    assert "s3cret" not in said


# -- roles --


@pytest.fixture
def writer(postgres: EmbeddedPostgres) -> Iterator[tuple[str, Database]]:
    """URL of an empty database for a role without CREATE on it, and that database as its administrator sees it."""
    role = f"writer_{uuid.uuid4().hex[:8]}"
    with database(postgres, "template1") as name:
        admin = Database(postgres.url(name))
        admin.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'for-tests-only'")
        yield postgres.url(name).replace("postgres:for", f"{role}:for"), admin
        admin.execute(f"DROP OWNED BY {role} CASCADE")
        admin.execute(f"DROP ROLE {role}")


def test_a_role_that_owns_the_schema_needs_no_right_on_the_database(
    writer: tuple[str, Database], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, admin = writer
    role = url.split("//")[1].split(":")[0]
    connect(monkeypatch, url)
    hook = WarehouseHook()
    says = f"the role {role} may not make the tables .*permission denied.*CREATE SCHEMA ljwx AUTHORIZATION {role}"
    with pytest.raises(ConfigurationError, match=says):
        hook.migrate()
    assert not hook.rights().creates
    admin.execute(f"CREATE SCHEMA ljwx AUTHORIZATION {role}")
    for _ in range(2):
        hook.migrate()
    key = run_key(hook)
    hook.save_sessions(key, [DAY])
    assert hook.save_day(key, whole_day(DAY), bars_of(DAY)).inserted == 3
    rights = hook.rights()
    assert (rights.role, rights.temporary, rights.creates, rights.owns) == (role, True, True, True)


def test_a_role_that_may_only_write_the_tables_of_another_is_told_before_it_fails(
    writer: tuple[str, Database], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, admin = writer
    role = url.split("//")[1].split(":")[0]
    connect(monkeypatch, admin.url)
    WarehouseHook().migrate()
    admin.execute(f"GRANT USAGE ON SCHEMA ljwx TO {role}")
    admin.execute(f"GRANT ALL ON ALL TABLES IN SCHEMA ljwx TO {role}")
    connect(monkeypatch, url)
    hook = WarehouseHook()
    hook.migrate()  # nothing is to be done, and nothing is refused
    rights = hook.rights()
    assert (rights.creates, rights.owns) == (False, False)
    admin.execute("UPDATE ljwx.schema_version SET version_num = '0012'")
    with pytest.raises(ConfigurationError, match=f"the role {role} may not make the tables .*migrate as its owner"):
        WarehouseHook().migrate()


# -- the lock --


def test_nothing_is_kept_by_who_has_lost_the_lock(db: Database) -> None:
    hook = WarehouseHook()
    end = "SELECT pg_terminate_backend(pid) FROM pg_locks l JOIN pg_database d ON d.oid = l.database "

    def lose_it_and_write() -> None:
        with hook.bars_lock(exclusive=True):
            db.execute(f"{end} WHERE locktype = 'advisory' AND datname = current_database()")
            run_key(hook)

    with pytest.raises(psycopg.OperationalError):
        lose_it_and_write()
    assert db.value("SELECT count(*) FROM ljwx.runs") == 0
    assert run_key(hook) > 0


def test_the_lock_outlives_the_server_s_patience_with_idle_transactions(db: Database) -> None:
    name = db.value("SELECT current_database()")
    db.execute(f"ALTER DATABASE {name} SET idle_in_transaction_session_timeout = '100ms'")
    hook = WarehouseHook()
    with hook.bars_lock(exclusive=True):
        time.sleep(0.4)
        assert run_key(hook) > 0
