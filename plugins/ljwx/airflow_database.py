"""Connections and Variables in Airflow's own database, read without loading Airflow, which takes seconds.

The same rows that Airflow's metastore backend reads, where its configuration says in plain text how to reach and
decrypt them. Everything else is `AirflowNeeded`, and so is any fault: Airflow finds the value, or says what is wrong.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Sequence
from configparser import Error as ConfigError
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from ljwx.environment import airflow_configuration, may_read_airflow_database

POSTGRES = ("postgresql://", "postgres://", "postgresql+psycopg2://", "postgresql+psycopg://")
SQLITE = "sqlite:////"
CONNECT_TIMEOUT = 10
"""Seconds."""
CONNECTION = """
    SELECT conn_type, host, schema, login, password, port, extra, is_encrypted, is_extra_encrypted
    FROM connection WHERE conn_id = {} AND team_name IS NULL
"""
VARIABLE = "SELECT val, is_encrypted FROM variable WHERE key = {} AND team_name IS NULL"


class AirflowNeeded(Exception):
    """Airflow has to be loaded and asked."""


@dataclass(frozen=True)
class StoredConnection:
    """A connection as Airflow's database keeps it, decrypted."""

    conn_type: str
    host: str | None
    schema: str | None
    login: str | None
    password: str | None
    port: int | None
    extra: str | None


def stored_connection(conn_id: str) -> StoredConnection | None:
    """Return a connection; None where the database has none of this id.

    :raises AirflowNeeded: the database cannot be read without Airflow.
    """
    row = _row(CONNECTION, conn_id)
    if row is None:
        return None
    conn_type, host, schema, login, password, port, extra, is_encrypted, is_extra_encrypted = row
    password, extra = _decrypted(password, is_encrypted), _decrypted(extra, is_extra_encrypted)
    return StoredConnection(conn_type, host, schema, login, password, port, extra)


def stored_variable(key: str) -> str | None:
    """Return a Variable's text; None where the database has none of this key.

    :raises AirflowNeeded: the database cannot be read without Airflow.
    """
    row = _row(VARIABLE, key)
    return None if row is None else _decrypted(*row)


def _row(query: str, key: str) -> Sequence[Any] | None:
    if not may_read_airflow_database():
        raise AirflowNeeded
    url = _option("database", "sql_alchemy_conn")
    changed = any(_option("database", name) for name in ("sql_alchemy_schema", "sql_alchemy_connect_args"))
    if url is None or changed:
        raise AirflowNeeded
    try:
        if url.startswith(SQLITE):
            return _row_of_sqlite(url.removeprefix(SQLITE), query, key)
        if url.startswith(POSTGRES):
            return _row_of_postgres("postgresql://" + url.partition("://")[2], query, key)
    except (sqlite3.Error, psycopg.Error):
        pass
    raise AirflowNeeded


def _row_of_sqlite(path: str, query: str, key: str) -> Sequence[Any] | None:
    with closing(sqlite3.connect(f"{Path('/', path).as_uri()}?mode=ro", uri=True)) as database:
        row: Sequence[Any] | None = database.execute(query.format("?"), (key,)).fetchone()
    return row


def _row_of_postgres(url: str, query: str, key: str) -> Sequence[Any] | None:
    with psycopg.connect(url, connect_timeout=CONNECT_TIMEOUT, prepare_threshold=None) as database:
        return database.execute(query.format("%s").encode(), (key,)).fetchone()


def _decrypted(text: str | None, encrypted: bool) -> str | None:
    if not text or not encrypted:
        return text
    keys = _option("core", "fernet_key")
    try:
        fernet = MultiFernet([Fernet(key.strip().encode()) for key in (keys or "").split(",")])
        return fernet.decrypt(text.encode()).decode()
    except (ValueError, InvalidToken):
        raise AirflowNeeded from None


def _option(section: str, key: str) -> str | None:
    """Return an option that stands in plain text in the environment or in airflow.cfg; None where it stands in neither.

    :raises AirflowNeeded: it comes from a command or a secret, or names what Airflow puts in place of it.
    """
    try:
        configuration = airflow_configuration()
    except (ConfigError, UnicodeError):
        raise AirflowNeeded from None
    name = f"AIRFLOW__{section}__{key}".upper()
    for suffix in ("cmd", "secret"):
        if f"{name}_{suffix.upper()}" in os.environ or configuration.has_option(section, f"{key}_{suffix}"):
            raise AirflowNeeded
    in_environment = os.environ.get(name)
    text = configuration.get(section, key, fallback=None) if in_environment is None else in_environment
    expands = "$~" if in_environment is not None else "$~%{"
    if text and any(sign in text for sign in expands):
        raise AirflowNeeded
    return text or None
