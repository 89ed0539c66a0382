"""The stage `retention`: what a dry run says, a real run does, and protection survives both."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from ljwx.core.retention import Removal
from ljwx.exceptions import BadData
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.tasks.audit import audit_storage
from ljwx.tasks.retention import Cleaner, apply_retention
from support_chain import SMALL, Chain, Database
from support_ollama import BASE, OllamaServer
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
        {"kind": "model", "name": OLD, "bytes": 0, "dry_run": dry_run},
        {"kind": "dataset", "name": OLD_DATASET, "bytes": 1023, "dry_run": dry_run},
    ]


def test_a_dry_run_says_what_would_go_and_removes_nothing(
    stock: Database, chain: Chain, tasks: TaskRunner, ollama_sandbox: OllamaServer, tmp_path: Path
) -> None:
    rows, served, files = stock.state("models", "datasets", "aliases"), tags(ollama_sandbox), data_of(tmp_path)
    told = apply(tasks, params={"dry_run": True})
    assert told == {"dry_run": True, "removed": 3, "kept": 4, "swept": 0, "bytes": 0}
    assert stock.rows(EVENTS) == events(dry_run=True)
    assert stock.state("models", "datasets", "aliases") == rows
    assert tags(ollama_sandbox) == served >= {OLD, OPEN, CHAMPION}
    assert data_of(tmp_path) == files


def test_a_real_run_removes_tags_and_files_and_leaves_tombstones(
    stock: Database, chain: Chain, tasks: TaskRunner, ollama_sandbox: OllamaServer, tmp_path: Path
) -> None:
    kept = data_of(chain.data)
    told = apply(tasks, params={"dry_run": False})
    assert told == {"dry_run": False, "removed": 3, "kept": 4, "swept": 0, "bytes": 1023}
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


def test_what_becomes_protected_after_the_plan_was_made_stays(
    stock: Database, tasks: TaskRunner, ollama_sandbox: OllamaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The plan is made, then somebody rolls back to the model that was to go."""
    removals = Cleaner.remove

    def crown_first(self: Cleaner, removal: Removal) -> bool:
        if removal.name == OLD:
            stock.execute(
                "INSERT INTO ljwx.aliases (alias, model, digest) SELECT 'previous', model, digest FROM ljwx.models "
                "WHERE model = %s", OLD,
            )  # fmt: skip
        return removals(self, removal)

    monkeypatch.setattr(Cleaner, "remove", crown_first)
    apply(tasks, params={"dry_run": False})
    assert OLD in tags(ollama_sandbox)
    assert stock.column("SELECT name FROM ljwx.retention_events") == [GONE]
    assert stock.value("SELECT deleted_at FROM ljwx.models WHERE model = %s", OLD) is None
    assert stock.value("SELECT deleted_at FROM ljwx.datasets WHERE dataset_id = %s", OLD_DATASET) is None


def test_nothing_is_promoted_while_it_is_being_deleted(stock: Database, chain: Chain) -> None:
    """The other order: the removal has begun, so the promotion waits, and then finds that the model is gone."""
    done: list[str] = []

    def promote() -> None:
        promotion = {
            "challenger": OLD, "champion": CHAMPION, "question_set_id": chain.question_set_id, "verdict": "promoted",
            "promoted": True, "reasons": [], "policy": {}, "evaluation_id": None,
        }  # fmt: skip
        try:
            WarehouseHook().save_promotion(1, promotion, "0" * 64)
        except BadData as error:
            done.append(str(error))

    waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
    with WarehouseHook().removal(1, "model", OLD, "why") as tombstone:
        assert tombstone is not None
        promotion = threading.Thread(target=promote)
        promotion.start()
        deadline = time.monotonic() + 30
        while not stock.value(waiting) and time.monotonic() < deadline:
            promotion.join(0.05)
        assert done == []
    promotion.join(30)
    assert len(done) == 1
    assert f"{OLD} was deleted on " in done[0]
    assert stock.rows("SELECT model FROM ljwx.aliases") == [{"model": CHAMPION}]


def test_a_removal_that_fails_leaves_no_tombstone(stock: Database, tasks: TaskRunner, tmp_path: Path) -> None:
    warehouse = WarehouseHook()
    with pytest.raises(OSError, match="read-only"), warehouse.removal(1, "model", OLD, "why"):
        raise OSError("read-only")
    assert stock.column("SELECT name FROM ljwx.retention_events") == []
    assert stock.value("SELECT deleted_at FROM ljwx.models WHERE model = %s", OLD) is None


def test_the_bytes_of_a_model_are_those_the_server_gives_back(
    stock: Database, chain: Chain, tasks: TaskRunner, ollama_sandbox: OllamaServer
) -> None:
    """A model of its own, on the same weights: what the disk has more afterwards is what the tombstone says."""
    alone = "ljwx-stock:alone"
    made = ollama_sandbox.post("create", {"model": alone, "from": BASE, "system": "独一无二" * 500, "stream": False})
    assert made.ok
    stock.execute(
        "INSERT INTO ljwx.models (model, digest, strategy, base, base_digest, spec, spec_sha256, dataset_id, "
        "created_at, run_key) SELECT %s, digest, strategy, base, base_digest, spec, spec_sha256, dataset_id, "
        "created_at, run_key FROM ljwx.models WHERE model = %s", alone, OLD,
    )  # fmt: skip
    stock.execute(
        "INSERT INTO ljwx.promotions (challenger, question_set_id, verdict, promoted, reasons, policy, decided_at, "
        "run_key) SELECT %s, %s, 'rejected', false, '[]', '{}', '2026-05-01', 1", alone, chain.question_set_id,
    )  # fmt: skip
    before = ollama_sandbox.blob_bytes()
    apply(tasks, params={"dry_run": False})
    told = stock.value("SELECT bytes FROM ljwx.retention_events WHERE name = %s", alone)
    assert len("独一无二".encode()) * 500 <= told <= before - ollama_sandbox.blob_bytes()


def test_rows_that_are_too_old_go_and_scorecards_stay(stock: Database, chain: Chain, tasks: TaskRunner) -> None:
    stock.execute(
        "INSERT INTO ljwx.quarantine (session, ts_code, reasons, raw, raw_sha256, first_seen, run_key) "
        "SELECT NULL, 'x', '{key}', '{}', day::text, day, 1 "
        "FROM unnest('{2025-10-01,2025-11-19,2025-11-20}'::date[]) day"
    )
    evaluation = stock.insert(
        "INSERT INTO ljwx.evaluations (model, digest, question_set_id, scorecard, run_key) "
        "SELECT model, digest, %s, '{}', run_key FROM ljwx.models WHERE model = %s RETURNING evaluation_id",
        chain.question_set_id, OLD,
    )  # fmt: skip
    stock.execute(
        "INSERT INTO ljwx.answers (evaluation_id, sample_id, raw, valid, latency_s, prompt_tokens, answer_tokens) "
        "SELECT %s, sample_id, '', false, 1, 1, 1 FROM ljwx.questions", evaluation,
    )  # fmt: skip
    stock.execute("UPDATE ljwx.models SET deleted_at = '2026-08-21' WHERE model = %s", OLD)
    assert apply(tasks, params={"dry_run": True})["swept"] == 6
    assert stock.value("SELECT count(*) FROM ljwx.answers") == 4
    assert apply(tasks, params={"dry_run": False})["swept"] == 6
    assert [str(day) for day in stock.column("SELECT first_seen::date FROM ljwx.quarantine")] == ["2025-11-20"]
    assert stock.column("SELECT scorecard FROM ljwx.evaluations") == [{}]
    assert stock.value("SELECT count(*) FROM ljwx.answers") == 0
    swept = stock.rows(
        "SELECT kind, name FROM ljwx.retention_events WHERE NOT dry_run AND kind <> 'model' ORDER BY 1, 2"
    )
    assert [tuple(row.values()) for row in swept if row["kind"] != "dataset"] == [
        ("answers", OLD), ("quarantine", "2025-10"), ("quarantine", "2025-11"),
    ]  # fmt: skip


@pytest.mark.parametrize(("years", "left"), [(None, {"2025", "2026"}), (2, {"2025", "2026"})])
def test_partitions_stay_unless_the_policy_says_otherwise(
    stock: Database, tasks: TaskRunner, years: int | None, left: set[str]
) -> None:
    tasks.variables["ljwx_training_config"] = SMALL | {"retention": {"partition_keep_years": years}}
    apply(tasks, params={"dry_run": False})
    assert partitions(stock) == left


def test_a_partition_beyond_the_years_of_the_policy_goes_with_a_tombstone(stock: Database, tasks: TaskRunner) -> None:
    stock.execute("SELECT ljwx.ensure_years('2023-01-01', '2024-01-01')")
    tasks.variables["ljwx_training_config"] = SMALL | {"retention": {"partition_keep_years": 2}}
    assert {"2023", "2024"} <= partitions(stock)
    apply(tasks, params={"dry_run": True})
    assert {"2023", "2024"} <= partitions(stock)
    apply(tasks, params={"dry_run": False})
    assert partitions(stock) == {"2025", "2026"}
    gone = stock.column("SELECT name FROM ljwx.retention_events WHERE kind = 'partition' AND NOT dry_run ORDER BY 1")
    assert gone == ["bars_2023", "bars_2024", "features_2023", "features_2024"]


def partitions(db: Database) -> set[str]:
    names = db.column("SELECT tablename FROM pg_tables WHERE schemaname = 'ljwx' AND tablename LIKE 'bars\\_2%%'")
    return {name[-4:] for name in names}


def test_the_audit_names_what_is_on_one_side_only(
    stock: Database, chain: Chain, tasks: TaskRunner, ollama_sandbox: OllamaServer, caplog: pytest.LogCaptureFixture
) -> None:
    stray = "ljwx-stock:stray"
    assert ollama_sandbox.post("copy", {"source": chain.plan["model"], "destination": stray}).ok
    try:
        assert tasks.run(audit_storage) == 3
    finally:
        ollama_sandbox.delete(stray)
    for name, lacks in (
        (stray, "no row in ljwx.models"),
        (GONE, "no tag on the model server"),
        (OLD_DATASET, "no files"),
    ):
        assert any(name in line and lacks in line for line in caplog.messages)
