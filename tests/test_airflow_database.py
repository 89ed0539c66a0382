"""What is read from Airflow's database is what Airflow itself reads there; all else is left to Airflow."""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from cryptography.fernet import Fernet
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import create_engine
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from ljwx import airflow_database
from ljwx.airflow_database import AirflowNeeded, stored_connection, stored_variable
from ljwx.environment import may_read_airflow_database
from ljwx.hooks.postgres import connect
from ljwx_sandbox.postgres import EmbeddedPostgres

PASSWORD = "p@ss:wörd/密码 '\\"
CONNECTIONS: dict[str, dict[str, Any]] = {
    "full": {
        "conn_type": "postgres",
        "host": "db",
        "schema": "ljwx",
        "login": "me",
        "password": PASSWORD,
        "port": 5433,
    },
    "bare": {"conn_type": "postgres"},
    "extra": {"conn_type": "postgres", "host": "db", "extra": '{"connect_timeout": 3, "options": "-c a=b"}'},
}
FIELDS = ("conn_type", "host", "schema", "login", "password", "port", "extra")
NAMED = "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"
KEY = "AIRFLOW__CORE__FERNET_KEY"

Fill = Callable[..., None]


@pytest.fixture
def empty_database(postgres: EmbeddedPostgres) -> Iterator[str]:
    """URL of a database without tables, as SQLAlchemy takes it."""
    name = f"airflow_{uuid.uuid4().hex}"
    with psycopg.connect(postgres.url("postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        yield postgres.url(name, "postgresql+psycopg")
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=["sqlite", "postgres"])
def fill(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, empty_database: str) -> Fill:
    """Fills a database of Airflow by Airflow's own models, and lets this process take it for one that may be read."""
    from airflow.models import Connection, Variable
    from airflow.models.base import Base
    from airflow.models.crypto import get_fernet

    url = f"sqlite:///{tmp_path}/airflow.db" if request.param == "sqlite" else empty_database
    engine = create_engine(url, poolclass=NullPool)
    tables = [Base.metadata.tables[name] for name in ("team", "connection", "variable")]
    Base.metadata.create_all(engine, tables=tables)
    monkeypatch.setenv(NAMED, url)
    monkeypatch.setenv(KEY, Fernet.generate_key().decode())
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path))
    monkeypatch.setattr(airflow_database, "may_read_airflow_database", lambda: True)

    def fill_tables(connections: dict[str, dict[str, Any]], variables: dict[str, str]) -> None:
        with Session(engine) as session:
            session.add_all(Connection(conn_id=conn_id, **given) for conn_id, given in connections.items())
            session.add_all(Variable(key=key, val=text) for key, text in variables.items())
            session.commit()

    get_fernet.cache_clear()
    yield fill_tables
    get_fernet.cache_clear()


@pytest.mark.parametrize("conn_id", CONNECTIONS)
def test_a_stored_connection_is_what_airflow_keeps_there_decrypted(fill: Fill, conn_id: str) -> None:
    from airflow.models import Connection

    fill(CONNECTIONS, {})
    stored, expected = stored_connection(conn_id), Connection(conn_id=conn_id, **CONNECTIONS[conn_id])
    assert stored is not None
    assert [getattr(stored, field) for field in FIELDS] == [getattr(expected, field) for field in FIELDS]


def test_a_stored_variable_is_its_text_and_none_where_there_is_none(fill: Fill) -> None:
    text = json.dumps({"samples": {"horizon": 3}}) + " 变量"
    fill({}, {"ljwx_training_config": text})
    assert stored_variable("ljwx_training_config") == text
    assert stored_variable("another") is None
    assert stored_connection("ljwx_postgres") is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (f"{NAMED}_CMD", "cat secret"), (f"{NAMED}_SECRET", "sql"), (NAMED, "mysql://u@h/airflow"),
        (NAMED, "sqlite:////nowhere/airflow.db"), (NAMED, "postgresql://u:p@127.0.0.1:1/airflow"),
        (NAMED, "postgresql://u:${PASSWORD}@h/airflow"), ("AIRFLOW__DATABASE__SQL_ALCHEMY_SCHEMA", "airflow"),
        ("AIRFLOW__DATABASE__SQL_ALCHEMY_CONNECT_ARGS", "a.module.args"), (KEY, "A" * 43 + "="),
        (KEY, "no key"), (KEY, ""), (f"{KEY}_CMD", "cat key"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_plainly_is_left_to_airflow(
    fill: Fill, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    fill(CONNECTIONS, {})
    monkeypatch.setenv(name, value)
    with pytest.raises(AirflowNeeded):
        stored_connection("full")


def test_a_database_of_another_shape_is_left_to_airflow(fill: Fill) -> None:
    with create_engine(os.environ[NAMED], poolclass=NullPool).begin() as connection:
        connection.exec_driver_sql("ALTER TABLE connection RENAME COLUMN is_encrypted TO kept_how")
    with pytest.raises(AirflowNeeded):
        stored_connection("full")


def test_the_configuration_file_says_where_the_database_is_unless_it_has_to_be_worked_out(
    fill: Fill, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(CONNECTIONS, {})
    url, key = os.environ[NAMED], os.environ[KEY]
    monkeypatch.delenv(NAMED)
    monkeypatch.delenv(KEY)
    written = tmp_path / "airflow.cfg"
    written.write_text(f"[database]\nsql_alchemy_conn = {url}\n[core]\nfernet_key = {key}\n")
    found = stored_connection("full")
    assert found is not None
    assert found.password == PASSWORD
    for text in (
        "no section",
        "[database]\nsql_alchemy_conn = {AIRFLOW_HOME}/a",
        "[core]\nfernet_key = x",
        "[database",
    ):
        written.write_text(text)
        with pytest.raises(AirflowNeeded):
            stored_connection("full")


def test_a_process_that_has_loaded_airflow_asks_it(fill: Fill, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(CONNECTIONS, {})
    monkeypatch.setattr(airflow_database, "may_read_airflow_database", may_read_airflow_database)
    with pytest.raises(AirflowNeeded):
        stored_connection("full")


def test_the_warehouse_is_reached_by_the_stored_connection(
    fill: Fill, warehouse_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AIRFLOW_CONN_LJWX_POSTGRES")
    at = conninfo_to_dict(warehouse_url)
    place = {"host": at["host"], "port": int(at["port"]), "schema": at["dbname"], "login": at["user"]}
    secret = {"password": at["password"], "extra": json.dumps({"application_name": "ljwx", "connect_timeout": 5})}
    fill({"ljwx_postgres": {"conn_type": "postgres", **place, **secret}}, {})
    with connect("ljwx_postgres") as connection:
        assert connection.info.dbname == at["dbname"]
        assert connection.info.get_parameters()["application_name"] == "ljwx"
        assert connection.info.get_parameters()["connect_timeout"] == "5"
