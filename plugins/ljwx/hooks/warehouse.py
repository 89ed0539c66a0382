"""The warehouse behind an Airflow connection."""

from __future__ import annotations

from functools import partial
from typing import Any

from psycopg import Connection

from ljwx.database import settle
from ljwx.hooks.postgres import connect
from ljwx.resources import POSTGRES_CONN_ID
from ljwx.warehouse.warehouse import Warehouse


class WarehouseHook(Warehouse):
    """The warehouse that the connection `ljwx_postgres` names."""

    conn_name_attr = "postgres_conn_id"
    default_conn_name = POSTGRES_CONN_ID
    conn_type = "postgres"
    hook_name = "ljwx warehouse"

    def __init__(self, postgres_conn_id: str = POSTGRES_CONN_ID) -> None:
        self.postgres_conn_id = postgres_conn_id
        super().__init__(partial(connect, postgres_conn_id))

    def get_conn(self) -> Connection[Any]:
        """Open a connection of the caller's own."""
        connection = connect(self.postgres_conn_id)
        settle(connection)
        return connection
