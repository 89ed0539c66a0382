"""From an Airflow connection to an open PostgreSQL connection."""

from __future__ import annotations

import re
from typing import Any, cast

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.pq import Conninfo

from ljwx.environment import connection_url
from ljwx.exceptions import ConfigurationError


def connect(conn_id: str) -> psycopg.Connection[Any]:
    """Open a connection to the database that an Airflow connection names.

    A URL in the environment that libpq understands is opened without Airflow, whose import takes seconds.

    :raises ConfigurationError: an extra that neither libpq nor Airflow knows.
    """
    url = connection_url(conn_id)
    if url is not None and _is_of_libpq(url):
        return psycopg.connect(url)
    from airflow.providers.postgres.hooks.postgres import PostgresHook

    try:
        return cast("psycopg.Connection[Any]", PostgresHook(conn_id).get_conn())
    except psycopg.ProgrammingError as error:  # no server was asked yet: these are words about the connection
        unknown = re.search(r'invalid connection option "(.*?)"', str(error))
        if unknown is None:
            raise ConfigurationError(f"connection {conn_id}: {error}") from None
        known = ", ".join(sorted(each.keyword.decode() for each in Conninfo.get_defaults()))
        raise ConfigurationError(f"connection {conn_id}: unknown extra {unknown[1]!r}; known are {known}") from None


def _is_of_libpq(url: str) -> bool:
    """Tell whether libpq knows every part of a URL; extras of Airflow's own, such as `iam`, it does not."""
    try:
        return url.startswith(("postgres://", "postgresql://")) and bool(conninfo_to_dict(url))
    except psycopg.ProgrammingError:
        return False
