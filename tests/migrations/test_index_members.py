"""The migration that keeps an index's lists, on a warehouse that has had none."""

from __future__ import annotations

import psycopg
import pytest

from ljwx.migrations import upgrade
from ljwx_sandbox.postgres import EmbeddedPostgres
from support_chain import warehouse_at

RUN = "INSERT INTO ljwx.runs (dag_id, run_id, task_id) VALUES ('d', 'r', 't') RETURNING run_key"
MEMBER = (
    "INSERT INTO ljwx.index_members (index_code, session, ts_code, revision, weight, run_key) "
    "VALUES ('000300.SH', '2026-02-27', '000001.SZ', %s, 0.5, %s)"
)


def test_a_member_of_a_list_has_one_current_revision(postgres: EmbeddedPostgres) -> None:
    with warehouse_at(postgres, "0010") as (url, warehouse):
        run = warehouse.insert(RUN)
        before = warehouse.rows("SELECT * FROM ljwx.runs")
        upgrade(url, "0011")
        assert warehouse.rows("SELECT * FROM ljwx.runs") == before
        warehouse.execute(MEMBER, 1, run)
        with pytest.raises(psycopg.errors.UniqueViolation):
            warehouse.execute(MEMBER, 2, run)
        warehouse.execute("UPDATE ljwx.index_members SET superseded_at = now()")
        warehouse.execute(MEMBER, 2, run)
        with pytest.raises(psycopg.errors.ForeignKeyViolation):
            warehouse.execute(MEMBER.replace("000001", "000002"), 1, run + 1)
