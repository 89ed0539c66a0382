"""The migration that ties decisions and looks to their evidence, on a warehouse that has some of both."""

from __future__ import annotations

from datetime import date

import psycopg
import pytest

from ljwx.migrations import upgrade
from ljwx_sandbox.postgres import EmbeddedPostgres
from support_chain import warehouse_at

BEFORE = """
INSERT INTO ljwx.runs (dag_id, run_id, task_id) VALUES ('d', 'r', 't');
INSERT INTO ljwx.datasets (dataset_id, sha256, spec, counts, exclusions, proof, first_session, last_session, folder,
                           code_version, run_key)
VALUES ('ds', '', '{}', '{}', '{}', '{}', '2026-01-05', '2026-03-02', '', '', 1);
INSERT INTO ljwx.samples (sample_id, ts_code, session, task, snapshot, snapshot_sha256, answer, label, label_end,
                          bars_from, feature_version, prompt_version, run_key)
SELECT 's' || at, '000001.SZ', date '2026-02-02' + at, 'risk_assessment', '{}', '', '{}', 'low', '2026-03-02',
       '2026-01-05', '1', 'v1', 1 FROM generate_series(0, 2) AS at;
INSERT INTO ljwx.models (model, digest, strategy, base, base_digest, spec, spec_sha256, dataset_id, run_key)
SELECT name, 'd', 'prompt', 'b', 'd', '{}', '', 'ds', 1 FROM unnest(ARRAY['old', 'new']) AS name;
INSERT INTO ljwx.question_sets (question_set_id, dataset_id, run_key) VALUES ('q', 'ds', 1);
INSERT INTO ljwx.questions (question_set_id, position, sample_id)
SELECT 'q', at, 's' || at FROM generate_series(0, 2) AS at;
INSERT INTO ljwx.evaluations (model, digest, question_set_id, run_key)
VALUES ('old', 'd', 'q', 1), ('new', 'd', 'q', 1);
INSERT INTO ljwx.promotions (challenger, champion, question_set_id, verdict, promoted, reasons, policy, run_key)
VALUES ('new', 'old', 'q', 'promoted', true, '[]', '{}', 1), ('old', 'new', 'q', 'rolled_back', true, '[]', '{}', 1);
INSERT INTO ljwx.test_looks (dataset_id, model, question_set_id, run_key) VALUES ('ds', 'new', 'q', 1);
"""


def test_decisions_and_looks_of_before_get_their_evidence(postgres: EmbeddedPostgres) -> None:
    with warehouse_at(postgres, "0008") as (url, warehouse):
        warehouse.execute(BEFORE)
        upgrade(url, "0010")
        judged = warehouse.value("SELECT evaluation_id FROM ljwx.evaluations WHERE model = 'new'")
        assert warehouse.rows("SELECT verdict, evaluation_id FROM ljwx.promotions ORDER BY promotion_id") == [
            {"verdict": "promoted", "evaluation_id": judged},
            {"verdict": "rolled_back", "evaluation_id": None},
        ]
        assert warehouse.column("SELECT asked_with FROM ljwx.evaluations") == [{}, {}]
        assert warehouse.rows("SELECT first_session, last_session FROM ljwx.test_looks") == [
            {"first_session": date(2026, 2, 2), "last_session": date(2026, 2, 4)}
        ]
        again = (
            "INSERT INTO ljwx.evaluations (model, digest, question_set_id, asked_with, run_key) "
            "VALUES ('new', 'd', 'q', %s, 1)"
        )
        warehouse.execute(again, '{"top_logprobs": 0}')
        with pytest.raises(psycopg.errors.UniqueViolation):
            warehouse.execute(again, "{}")
