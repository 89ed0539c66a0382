"""The migration that lets a bar be without an amount, on a warehouse that has bars."""

from __future__ import annotations

from datetime import date

from ljwx.migrations import upgrade
from ljwx_sandbox.postgres import EmbeddedPostgres
from support_chain import warehouse_at

AMOUNTS = (
    "SELECT relname, attnotnull FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid "
    "WHERE relnamespace = 'ljwx'::regnamespace AND relname ~ '^bars(_y?[0-9]{4})?$' AND attname = 'amount' "
    "AND relkind IN ('r', 'p') ORDER BY 1"
)


def test_years_made_before_take_bars_without_an_amount_afterwards(postgres: EmbeddedPostgres) -> None:
    with warehouse_at(postgres, "0005") as (url, warehouse):
        warehouse.rows("SELECT ljwx.ensure_years(%s, %s)", date(2025, 1, 2), date(2026, 1, 2))
        assert [row["attnotnull"] for row in warehouse.rows(AMOUNTS)] == [True] * 3
        upgrade(url, "0006")
        assert [row["attnotnull"] for row in warehouse.rows(AMOUNTS)] == [False] * 3
