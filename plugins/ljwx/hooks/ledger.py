"""The books about models behind an Airflow connection; quick to load."""

from __future__ import annotations

from functools import partial

from ljwx.hooks.postgres import connect
from ljwx.resources import POSTGRES_CONN_ID
from ljwx.warehouse.ledger import Ledger


class LedgerHook(Ledger):
    """The part of :class:`ljwx.hooks.warehouse.WarehouseHook` that reads and writes records only."""

    def __init__(self, postgres_conn_id: str = POSTGRES_CONN_ID) -> None:
        super().__init__(partial(connect, postgres_conn_id))
