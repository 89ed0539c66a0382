"""Airflow's connections, whose absence is a value and not an exception of Airflow's."""

from __future__ import annotations

from airflow.sdk import BaseHook, Connection
from airflow.sdk.exceptions import AirflowNotFoundException

from ljwx.exceptions import ConfigurationError


def find_connection(conn_id: str) -> Connection | None:
    """Return a connection; None where it is not defined."""
    try:
        return BaseHook.get_connection(conn_id)
    except AirflowNotFoundException:
        return None


def require_connection(conn_id: str, kind: str) -> Connection:
    """Return a connection.

    :param kind: what to create where it is not defined, as in "type tushare, its password the token".
    :raises ConfigurationError: it is not defined.
    """
    connection = find_connection(conn_id)
    if connection is None:
        raise ConfigurationError(f"connection {conn_id} is not defined; create one of {kind}")
    return connection
