"""The migration that keeps what the source lacked with each span of completeness, on a warehouse that has spans."""

from __future__ import annotations

from ljwx.migrations import upgrade
from ljwx_sandbox.postgres import EmbeddedPostgres
from support_chain import warehouse_at

BEFORE = """
WITH run AS (INSERT INTO ljwx.runs (dag_id, run_id, task_id) VALUES ('d', 'r', 't') RETURNING run_key),
days AS (
    INSERT INTO ljwx.ingest_days (session, complete, expected, received, quarantined, suspended, absent, run_key)
    SELECT session, true, 1, 1, 0, 0, absent::text[], run_key
    FROM run, (VALUES (date '2026-03-02', '{adj_factor}'), ('2026-03-03', '{}')) AS given (session, absent)
    RETURNING session, run_key
),
halts AS (
    INSERT INTO ljwx.suspensions (session, ts_code, kind, timing, run_key)
    SELECT session, '000001.SZ', 'S', NULL, run_key FROM days
)
INSERT INTO ljwx.complete_days (session, complete_from) SELECT session, now() FROM days
"""


def test_spans_take_over_what_their_session_lacked_and_suspensions_stay(postgres: EmbeddedPostgres) -> None:
    with warehouse_at(postgres, "0008") as (url, warehouse):
        warehouse.execute(BEFORE)
        upgrade(url, "0009")
        assert warehouse.column("SELECT absent FROM ljwx.complete_days ORDER BY session") == [["adj_factor"], []]
        assert warehouse.value("SELECT count(*) FROM ljwx.suspensions WHERE timing IS NULL") == 2
        assert warehouse.column("SELECT DISTINCT unfactored FROM ljwx.ingest_days") == [0]
