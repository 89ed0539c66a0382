"""What was changed since a look: by transactions that ended well, in whatever order they ended."""

from __future__ import annotations

import psycopg
import pytest

from ljwx.hooks.warehouse import WarehouseHook
from ljwx.warehouse.runs import RunRef
from support_chain import Database

RENAMED = "UPDATE ljwx.instruments SET name = name"
STALE = "UPDATE ljwx.feature_marks SET session = session"


@pytest.fixture
def warehouse(warehouse_url: str) -> WarehouseHook:
    return WarehouseHook()


def changed(warehouse: WarehouseHook, before: str) -> list[str]:
    return sorted(warehouse.changes_since(before).changed)


def test_a_change_is_seen_once_and_not_before_it_has_ended_well(warehouse: WarehouseHook, warehouse_url: str) -> None:
    first = warehouse.changes_since().snapshot
    with psycopg.connect(warehouse_url) as slow, psycopg.connect(warehouse_url) as lost:
        slow.execute(RENAMED)
        lost.execute(STALE)
        Database(warehouse_url).execute("TRUNCATE ljwx.suspensions")  # begun later, and ended first
        second = warehouse.changes_since(first)
        assert second.changed == ["suspensions"]
        assert changed(warehouse, second.snapshot) == []
        lost.rollback()
        slow.execute(STALE)
        slow.commit()
    assert changed(warehouse, second.snapshot) == ["feature_marks", "instruments"]
    assert changed(warehouse, first) == ["feature_marks", "instruments", "suspensions"]
    assert changed(warehouse, warehouse.changes_since(second.snapshot).snapshot) == []


def test_changes_of_another_server_are_none_of_this_one(warehouse: WarehouseHook, warehouse_url: str) -> None:
    first = warehouse.changes_since().snapshot
    Database(warehouse_url).execute("INSERT INTO ljwx.changes (xid, changed) VALUES ('9000000000000', 'bars')")
    assert changed(warehouse, first) == []


def test_a_run_that_starts_lets_changes_of_days_ago_be_forgotten(warehouse: WarehouseHook, warehouse_url: str) -> None:
    db = Database(warehouse_url)
    db.execute("INSERT INTO ljwx.changes VALUES ('5', 'bars', now() - interval '3 days'), ('6', 'bars', now())")
    warehouse.start_run(RunRef("tests", "one", "save"))
    assert db.column("SELECT xid::text FROM ljwx.changes WHERE xid IN ('5', '6')") == ["6"]
