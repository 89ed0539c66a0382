"""The record every writing task keeps of itself."""

from __future__ import annotations

from ljwx.settings import load_settings
from ljwx.stages.cleanup.retention import apply_retention
from support_chain import SMALL, Chain, Database
from support_tasks import TaskRunner


def test_the_settings_in_force_are_stored_with_every_dataset_model_and_cleanup(
    chain_db: Database, chain: Chain, tasks: TaskRunner
) -> None:
    tasks.variables["ljwx_training_config"] = SMALL | {"retention": {"keep_last": 2}}
    tasks.run(apply_retention, params={"dry_run": True})
    stored = {
        row["task_id"]: row["settings"]
        for row in chain_db.rows("SELECT task_id, inputs -> 'settings' AS settings FROM ljwx.runs ORDER BY run_key")
    }
    written = chain_db.column(
        "SELECT task_id FROM ljwx.runs WHERE run_key IN (SELECT run_key FROM ljwx.datasets UNION "
        "SELECT run_key FROM ljwx.models) ORDER BY run_key"
    )
    assert written == ["build_dataset", "verify_model"]
    chosen = load_settings(SMALL).model_dump(mode="json")
    assert stored["build_dataset"] == stored["verify_model"] == chosen
    assert stored["apply_retention"] == chosen | {"retention": chosen["retention"] | {"keep_last": 2}}
