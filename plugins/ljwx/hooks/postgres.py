"""From an Airflow connection to an open PostgreSQL connection."""

from __future__ import annotations

import json
import re
from typing import Any, cast

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.pq import Conninfo

from ljwx.airflow_database import AirflowNeeded, StoredConnection, stored_connection
from ljwx.environment import connection_url
from ljwx.exceptions import ConfigurationError


def connect(conn_id: str) -> psycopg.Connection[Any]:
    """Open a connection to the database that an Airflow connection names.

    A connection of the environment or of Airflow's database that libpq understands is opened without Airflow, whose
    import takes seconds.

    :raises ConfigurationError: an extra that neither libpq nor Airflow knows.
    """
    conninfo = _without_airflow(conn_id)
    if conninfo is not None:
        return psycopg.connect(conninfo)
    from airflow.providers.postgres.hooks.postgres import PostgresHook

    try:
        return cast("psycopg.Connection[Any]", PostgresHook(conn_id).get_conn())
    except psycopg.ProgrammingError as error:  # no server was asked yet: these are words about the connection
        unknown = re.search(r'invalid connection option "(.*?)"', str(error))
        if unknown is None:
            raise ConfigurationError(f"connection {conn_id}: {error}") from None
        known = ", ".join(sorted(each.keyword.decode() for each in Conninfo.get_defaults()))
        raise ConfigurationError(f"connection {conn_id}: unknown extra {unknown[1]!r}; known are {known}") from None


def _without_airflow(conn_id: str) -> str | None:
    """Return what libpq connects by; None where only Airflow finds or understands the connection."""
    url = connection_url(conn_id)
    if url is not None:
        return url if _is_of_libpq(url) else None
    try:
        stored = stored_connection(conn_id)
    except AirflowNeeded:
        return None
    return None if stored is None or stored.conn_type != "postgres" else _conninfo(stored)


def _conninfo(stored: StoredConnection) -> str | None:
    """Write a stored connection as libpq takes it; None where an extra is Airflow's own, such as `iam`."""
    try:
        extras = json.loads(stored.extra or "{}")
        return make_conninfo(
            host=stored.host,
            user=stored.login,
            password=stored.password,
            dbname=stored.schema,
            port=stored.port,
            **extras,
        )
    except (ValueError, TypeError, psycopg.ProgrammingError):
        return None


def _is_of_libpq(url: str) -> bool:
    """Tell whether libpq knows every part of a URL; extras of Airflow's own, such as `iam`, it does not."""
    try:
        return url.startswith(("postgres://", "postgresql://")) and bool(conninfo_to_dict(url))
    except psycopg.ProgrammingError:
        return False
