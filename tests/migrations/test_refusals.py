"""The migration that lets a decision keep its settings, on a warehouse that has decisions."""

from __future__ import annotations

import psycopg
import pytest

from ljwx.migrations import upgrade
from ljwx_sandbox.postgres import EmbeddedPostgres
from support_chain import warehouse_at

BEFORE = """
INSERT INTO ljwx.runs (dag_id, run_id, task_id, inputs)
VALUES ('d', 'r', 't', '{"settings": {"evaluation": {"questions": 4}}}'), ('d', 'r', 'u', '{}');
INSERT INTO ljwx.datasets (dataset_id, sha256, spec, counts, exclusions, proof, first_session, last_session, folder,
                           code_version, run_key)
VALUES ('ds', '', '{}', '{}', '{}', '{}', '2026-01-05', '2026-03-02', '', '', 1);
INSERT INTO ljwx.models (model, digest, strategy, base, base_digest, spec, spec_sha256, dataset_id, run_key)
VALUES ('m', 'd', 'prompt', 'b', 'd', '{}', '', 'ds', 1);
INSERT INTO ljwx.question_sets (question_set_id, dataset_id, run_key) VALUES ('q', 'ds', 1);
INSERT INTO ljwx.promotions (challenger, question_set_id, verdict, promoted, reasons, policy, run_key)
VALUES ('m', 'q', 'rejected', false, '[]', '{}', 1), ('m', 'q', 'rejected', false, '[]', '{"a": 1}', 2);
"""
ADD = (
    "INSERT INTO ljwx.promotions (challenger, verdict, promoted, reasons, policy, run_key) "
    "VALUES ('m', %s, false, '[]', '{}', 1)"
)


def test_decisions_of_before_take_the_settings_of_their_run_and_only_a_refusal_has_no_questions(
    postgres: EmbeddedPostgres,
) -> None:
    with warehouse_at(postgres, "0011") as (url, warehouse):
        warehouse.execute(BEFORE)
        upgrade(url, "0012")
        told = warehouse.column("SELECT settings FROM ljwx.promotions ORDER BY promotion_id")
        assert told == [{"evaluation": {"questions": 4}}, None]
        with pytest.raises(psycopg.errors.CheckViolation):
            warehouse.execute(ADD, "rejected")
        warehouse.execute(ADD, "refused")
        with pytest.raises(psycopg.errors.UniqueViolation):
            warehouse.execute(ADD, "refused")
