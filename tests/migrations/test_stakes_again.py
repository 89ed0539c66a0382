"""The migration that lets a promotion use up an error rate, on a warehouse in which one did and one did not."""

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
INSERT INTO ljwx.lines (line_id, strategy, recipe, run_key)
VALUES ('A', 'prompt', '{}', 1), ('B', 'prompt', '{}', 1);
INSERT INTO ljwx.models (model, digest, strategy, base, base_digest, spec, spec_sha256, dataset_id, run_key)
VALUES ('b', 'd', 'prompt', 'b', 'd', '{}', '', 'ds', 1);
INSERT INTO ljwx.question_sets (question_set_id, dataset_id, run_key) VALUES ('q', 'ds', 1);
INSERT INTO ljwx.promotions (challenger, question_set_id, verdict, promoted, reasons, policy, evidence, run_key)
VALUES ('b', 'q', 'promoted', true, '[]', '{}', '{"line": "B", "rival": "A"}', 1),
       ('b', 'q', 'kept_champion', false, '[]', '{"margin": 0}', '{"line": "A", "rival": "B"}', 1);
INSERT INTO ljwx.line_stakes (challenger, rival, session, alpha, run_key)
VALUES ('A', 'B', '2026-02-02', 0.008, 1), ('B', 'A', '2026-01-05', 0.01, 1), ('B', 'none', '2026-01-05', 0.01, 1);
INSERT INTO ljwx.line_looks (challenger, rival, session, sessions, log_evidence, run_key)
VALUES ('B', 'A', '2026-03-02', 40, 4.7, 1);
"""


def test_what_a_promotion_used_up_stays_counted_and_the_pair_may_be_given_another_part(
    postgres: EmbeddedPostgres,
) -> None:
    with warehouse_at(postgres, "0026") as (url, warehouse):
        warehouse.execute(BEFORE)
        upgrade(url)
        stakes = "SELECT challenger, rival, session, used_by IS NOT NULL AS used FROM ljwx.line_stakes ORDER BY 1, 2, 3"
        assert [tuple(row.values()) for row in warehouse.rows(stakes)] == [
            ("A", "B", date(2026, 2, 2), False), ("B", "A", date(2026, 1, 5), True),
            ("B", "none", date(2026, 1, 5), False),
        ]  # fmt: skip
        assert warehouse.value("SELECT count(*) FROM ljwx.line_looks") == 1
        given = (
            "INSERT INTO ljwx.line_stakes (challenger, rival, session, alpha, run_key) VALUES ('B', 'A', %s, 0.008, 1)"
        )
        warehouse.execute(given, "2026-03-03")
        with pytest.raises(psycopg.errors.UniqueViolation):
            warehouse.execute(given, "2026-03-04")
