"""The migration that tells what a session lacks for now, on a warehouse that has sessions."""

from __future__ import annotations

from ljwx.migrations import upgrade
from ljwx_sandbox.postgres import EmbeddedPostgres
from support_chain import warehouse_at

BEFORE = """
INSERT INTO ljwx.runs (dag_id, run_id, task_id) VALUES ('d', 'r', 't');
INSERT INTO ljwx.ingest_days (session, complete, expected, received, quarantined, suspended, absent, run_key)
VALUES ('2026-03-02', true, 3, 3, 0, 0, '{adj_factor}', 1);
"""


def test_what_sessions_of_before_lack_was_refused_and_is_not_waited_for(postgres: EmbeddedPostgres) -> None:
    with warehouse_at(postgres, "0017") as (url, warehouse):
        warehouse.execute(BEFORE)
        upgrade(url, "0018")
        assert warehouse.rows("SELECT absent, deferred FROM ljwx.ingest_days") == [
            {"absent": ["adj_factor"], "deferred": []}
        ]
        assert warehouse.value("SELECT count(*) FROM ljwx.kept_answers") == 0
