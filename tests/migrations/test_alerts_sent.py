"""The migration that notes which messages were sent, on a warehouse that has incidents."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ljwx.hooks.warehouse import WarehouseHook
from ljwx.migrations import upgrade
from ljwx_sandbox.postgres import EmbeddedPostgres
from support_chain import connect, warehouse_at

BEFORE = """
INSERT INTO ljwx.incidents (dag_id, run_id, kind, failing)
VALUES ('d', 'r', 'failed', '{t}'), ('d', 'over', 'failed', '{}')
"""


def test_what_was_noted_before_counts_as_sent(postgres: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch) -> None:
    with warehouse_at(postgres, "0036") as (url, warehouse):
        warehouse.execute(BEFORE)
        upgrade(url, "0039")
        connect(monkeypatch, url)
        hook = WarehouseHook()
        assert hook.unsent(timedelta(days=1)) == []
        assert [hook.note_incident("d", run, "failed", "t") is None for run in ("r", "over")] == [True, False]
