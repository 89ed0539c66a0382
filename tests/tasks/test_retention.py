"""The stage `retention`: what a dry run says, a real run does, and protection survives both."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from ljwx.tasks.retention import apply_retention
from support_chain import SMALL, Chain, Database
from support_ollama import OllamaServer
from support_postgres import data_of
from support_tasks import TaskRunner

OLD, OPEN, CHAMPION, GONE = (f"ljwx-stock:{name}" for name in ("old", "open", "champion", "gone"))
OLD_DATASET = "20250101-000000000000"
TODAY = datetime(2026, 11, 20, 12, tzinfo=timezone.utc)


@pytest.fixture
def stock(
    chain_db: Database, chain: Chain, ollama_sandbox: OllamaServer, tasks: TaskRunner, tmp_path: Path
) -> Iterator[Database]:
    """Four more models from half a year ago beside the chain's own, two on the server's side only partly there.

    `old` is decided; `open` is not; `champion` has the alias; `gone` is decided and its tag was deleted by hand.
    """
    folder = tmp_path / OLD_DATASET
    folder.mkdir()
    (folder / "train.jsonl").write_bytes(b"x" * 1000)
    (folder / "card.json").write_bytes(b"y" * 23)
    chain_db.execute("UPDATE ljwx.models SET created_at = '2026-11-01'")
    chain_db.execute("UPDATE ljwx.datasets SET created_at = '2026-11-01'")
    chain_db.execute(
        "INSERT INTO ljwx.datasets (dataset_id, sha256, spec, counts, exclusions, proof, first_session, last_session, "
        "folder, code_version, created_at, run_key) SELECT %s, repeat('0', 64), spec, '[]', '[]', '{}', first_session, "
        "'2025-01-01', %s, code_version, '2026-01-01', run_key FROM ljwx.datasets", OLD_DATASET, str(folder),
    )  # fmt: skip
    for name in (OLD, OPEN, CHAMPION, GONE):
        chain_db.execute(
            "INSERT INTO ljwx.models (model, digest, strategy, base, base_digest, spec, spec_sha256, dataset_id, "
            "created_at, run_key) SELECT %s, digest, strategy, base, base_digest, spec, spec_sha256, %s, '2026-05-01', "
            "run_key FROM ljwx.models WHERE model = %s",
            name, OLD_DATASET if name in (OLD, GONE) else chain.dataset_id, chain.plan["model"],
        )  # fmt: skip
        if name != OPEN:
            chain_db.execute(
                "INSERT INTO ljwx.promotions (challenger, question_set_id, verdict, promoted, reasons, policy, "
                "decided_at, run_key) SELECT model, %s, 'rejected', false, '[]', '{}', '2026-05-01', run_key "
                "FROM ljwx.models WHERE model = %s", chain.question_set_id, name,
            )  # fmt: skip
        if name != GONE:
            assert ollama_sandbox.post("copy", {"source": chain.plan["model"], "destination": name}).ok
    chain_db.execute(
        "INSERT INTO ljwx.aliases (alias, model, digest) "
        "SELECT 'champion', model, digest FROM ljwx.models WHERE model = %s", CHAMPION,
    )  # fmt: skip
    tasks.variables["ljwx_training_config"] = SMALL | {"retention": {"keep_last": 1}}
    yield chain_db
    for name in (OLD, OPEN, CHAMPION):
        ollama_sandbox.delete(name)


def tags(server: OllamaServer) -> set[str]:
    return {tag["name"] for tag in server.get("tags")["models"] if tag["name"].startswith("ljwx-stock:")}


def apply(tasks: TaskRunner, **settings: Any) -> dict[str, int | bool]:
    return tasks.run(apply_retention, run_after=TODAY, **settings)


EVENTS = "SELECT kind, name, bytes, dry_run FROM ljwx.retention_events ORDER BY kind DESC, name"


def events(dry_run: bool) -> list[dict[str, Any]]:
    return [
        {"kind": "model", "name": GONE, "bytes": None, "dry_run": dry_run},
        {"kind": "model", "name": OLD, "bytes": None, "dry_run": dry_run},
        {"kind": "dataset", "name": OLD_DATASET, "bytes": 1023, "dry_run": dry_run},
    ]


def test_a_dry_run_says_what_would_go_and_removes_nothing(
    stock: Database, chain: Chain, tasks: TaskRunner, ollama_sandbox: OllamaServer, tmp_path: Path
) -> None:
    rows, served, files = stock.state("models", "datasets", "aliases"), tags(ollama_sandbox), data_of(tmp_path)
    told = apply(tasks, params={"dry_run": True})
    assert told == {"dry_run": True, "removed": 3, "kept": 4}
    assert stock.rows(EVENTS) == events(dry_run=True)
    assert stock.state("models", "datasets", "aliases") == rows
    assert tags(ollama_sandbox) == served >= {OLD, OPEN, CHAMPION}
    assert data_of(tmp_path) == files


def test_a_real_run_removes_tags_and_files_and_leaves_tombstones(
    stock: Database, chain: Chain, tasks: TaskRunner, ollama_sandbox: OllamaServer, tmp_path: Path
) -> None:
    kept = data_of(chain.data)
    told = apply(tasks, params={"dry_run": False})
    assert told == {"dry_run": False, "removed": 3, "kept": 4}
    assert stock.rows(EVENTS) == events(dry_run=False)
    assert OLD not in tags(ollama_sandbox)
    assert tags(ollama_sandbox) >= {OPEN, CHAMPION, chain.plan["model"]}
    assert not (tmp_path / OLD_DATASET).exists()
    assert data_of(chain.data) == kept
    deleted = "SELECT {0} FROM ljwx.{1} WHERE deleted_at IS NOT NULL ORDER BY 1"
    assert stock.column(deleted.format("model", "models")) == [GONE, OLD]
    assert stock.column(deleted.format("dataset_id", "datasets")) == [OLD_DATASET]

    assert apply(tasks, params={"dry_run": False})["removed"] == 0
    assert stock.rows(EVENTS) == events(dry_run=False)


@pytest.mark.parametrize(("run_type", "dry_run"), [("scheduled", False), ("manual", True), ("backfill", True)])
def test_without_a_choice_only_the_schedule_removes(
    stock: Database, tasks: TaskRunner, run_type: str, dry_run: bool
) -> None:
    assert apply(tasks, params={"dry_run": None}, run_type=run_type)["dry_run"] is dry_run


def test_a_promotion_protects_what_it_cites_for_the_days_of_the_policy(
    stock: Database, tasks: TaskRunner, ollama_sandbox: OllamaServer
) -> None:
    stock.execute("UPDATE ljwx.promotions SET promoted = true, decided_at = '2026-11-10' WHERE challenger = %s", OLD)
    assert apply(tasks, params={"dry_run": False})["removed"] == 1
    assert OLD in tags(ollama_sandbox)
    assert stock.column("SELECT name FROM ljwx.retention_events") == [GONE]


def test_a_run_for_a_past_day_touches_nothing_newer(
    stock: Database, tasks: TaskRunner, ollama_sandbox: OllamaServer
) -> None:
    past = datetime(2026, 4, 1, tzinfo=timezone.utc)
    told = tasks.run(apply_retention, params={"dry_run": False}, run_after=past)
    assert told["removed"] == 0
    assert tags(ollama_sandbox) >= {OLD, OPEN, CHAMPION}
