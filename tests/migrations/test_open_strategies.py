"""The migration after which a model of any strategy can be stored, on a warehouse that has models."""

from __future__ import annotations

import psycopg
import pytest

from ljwx.migrations import upgrade
from ljwx_sandbox.postgres import EmbeddedPostgres
from support_chain import warehouse_at

BEFORE = """
INSERT INTO ljwx.runs (dag_id, run_id, task_id, inputs) VALUES ('d', 'r', 't', '{}');
INSERT INTO ljwx.datasets (dataset_id, sha256, spec, counts, exclusions, proof, first_session, last_session, folder,
                           code_version, run_key)
VALUES ('ds', '', '{}', '{}', '{}', '{}', '2026-01-05', '2026-03-02', '', '', 1);
"""
ADD = (
    "INSERT INTO ljwx.models (model, digest, strategy, base, base_digest, spec, spec_sha256, dataset_id, run_key) "
    "VALUES (%s, 'd', %s, 'b', 'd', '{}', '', 'ds', 1)"
)


def test_models_keep_their_strategy_and_another_one_can_be_stored(postgres: EmbeddedPostgres) -> None:
    with warehouse_at(postgres, "0012") as (url, warehouse):
        warehouse.execute(BEFORE)
        warehouse.execute(ADD, "old", "fewshot")
        with pytest.raises(psycopg.errors.CheckViolation):
            warehouse.execute(ADD, "new", "distilled")
        upgrade(url, "0013")
        warehouse.execute(ADD, "new", "distilled")
        assert warehouse.column("SELECT strategy FROM ljwx.models ORDER BY model") == ["distilled", "fewshot"]


def test_no_column_is_confined_to_names_of_strategies_or_tasks(postgres: EmbeddedPostgres) -> None:
    with warehouse_at(postgres, "0013") as (_, warehouse):
        checks = warehouse.column(
            "SELECT pg_get_constraintdef(oid) FROM pg_constraint "
            "WHERE contype = 'c' AND connamespace = 'ljwx'::regnamespace"
        )
    named = [check for check in checks if "strategy" in check or "task" in check]
    assert named == []
