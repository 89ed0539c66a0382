"""Rows of SQL files as records, columns and counts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import pytest

from ljwx.hooks.warehouse import WarehouseHook
from ljwx.warehouse.base import statement
from ljwx.warehouse.runs import RunRef

FIRST, SECOND = date(2026, 3, 2), date(2026, 3, 3)


@dataclass(frozen=True)
class Session:
    session: date


@dataclass(frozen=True)
class Other:
    day: date


@pytest.fixture
def warehouse(warehouse_url: str) -> WarehouseHook:
    hook = WarehouseHook()
    hook.save_sessions(hook.start_run(RunRef("tests", "one", "save")), [FIRST, SECOND])
    return hook


def test_rows_come_as_records_of_the_class(warehouse: WarehouseHook) -> None:
    found = warehouse.records(Session, "reference/sessions", first=FIRST, last=SECOND)
    assert found == [Session(FIRST), Session(SECOND)]
    assert warehouse.record(Session, "reference/sessions", first=FIRST, last=SECOND) == Session(FIRST)


def test_a_query_without_rows_has_no_record(warehouse: WarehouseHook) -> None:
    assert warehouse.record(Session, "reference/sessions", first=date.max, last=date.max) is None
    assert warehouse.records(Session, "reference/sessions", first=date.max, last=date.max) == []


def test_a_class_with_other_fields_is_refused(warehouse: WarehouseHook) -> None:
    with pytest.raises(TypeError, match="session"):
        warehouse.records(Other, "reference/sessions", first=FIRST, last=SECOND)


def test_a_column_comes_as_values(warehouse: WarehouseHook) -> None:
    assert warehouse.column("reference/sessions", first=FIRST, last=SECOND) == [FIRST, SECOND]


def test_a_statement_says_how_many_rows_it_touched(warehouse: WarehouseHook) -> None:
    span = {"first": FIRST, "last": SECOND, "sessions": [FIRST]}
    assert warehouse.execute("reference/forget_closed", **span) == 0
    assert warehouse.column("reference/sessions", first=FIRST, last=SECOND) == [FIRST]


def test_columns_of_a_table_stand_quoted_where_its_alias_is_named_in_the_file() -> None:
    text = statement("features/current", f=("ma_5", "rsi_14"))
    assert text.splitlines()[0] == 'SELECT f.ts_code, f.session, "f"."ma_5", "f"."rsi_14"'
    assert "%(first)s" in text
