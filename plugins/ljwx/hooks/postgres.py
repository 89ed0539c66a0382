"""From an Airflow connection to an open PostgreSQL connection."""

from __future__ import annotations

from typing import Any, cast

import psycopg
from psycopg.conninfo import conninfo_to_dict

from ljwx.environment import connection_url


def connect(conn_id: str) -> psycopg.Connection[Any]:
    """Open a connection to the database that an Airflow connection names.

    A URL in the environment that libpq understands is opened without Airflow, whose import takes seconds.
    """
    url = connection_url(conn_id)
    if url is not None and _is_of_libpq(url):
        return psycopg.connect(url)
    from airflow.providers.postgres.hooks.postgres import PostgresHook

    return cast("psycopg.Connection[Any]", PostgresHook(conn_id).get_conn())


def _is_of_libpq(url: str) -> bool:
    """Tell whether libpq knows every part of a URL; extras of Airflow's own, such as `iam`, it does not."""
    try:
        return url.startswith(("postgres://", "postgresql://")) and bool(conninfo_to_dict(url))
    except psycopg.ProgrammingError:
        return False
