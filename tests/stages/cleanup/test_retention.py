"""The stage `retention`: what a dry run says, a real run does, and protection survives both."""

from __future__ import annotations

import fcntl
import shutil
import threading
import time
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import psycopg
import pytest

from ljwx.core.retention import Removal, RetentionPolicy
from ljwx.exceptions import BadData
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.services.serving import alias_tags
from ljwx.stages.cleanup.audit import audit_storage
from ljwx.stages.cleanup.retention import Cleaner, apply_retention
from ljwx.warehouse.models import BuiltModel
from ljwx.warehouse.promotions import Promotion
from support_chain import SMALL, Database
from support_ollama import BASE, OllamaServer
from support_postgres import data_of
from support_rows import add_alias, add_decision, add_evaluation
from support_tasks import TaskRunner

NEW, OLD, OPEN, CHAMPION, GONE = (f"ljwx-stock:{name}" for name in ("new", "old", "open", "champion", "gone"))
DATASET, OLD_DATASET, QUESTIONS, SPEC = "20260320-000000000001", "20250101-000000000000", "questions", "ab12"
TODAY = datetime(2026, 11, 20, 12, tzinfo=timezone.utc)
POLICY = RetentionPolicy(keep_last=1)


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The data folder, with the files of both datasets and the build spec of all models."""
    for name in (DATASET, OLD_DATASET):
        folder = tmp_path / "datasets" / name
        folder.mkdir(parents=True)
        (folder / "train.jsonl").write_bytes(b"x" * 1000)
        (folder / "card.json").write_bytes(b"y" * 23)
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs" / f"{SPEC}.json").write_text("{}")
    monkeypatch.setenv("LJWX_DATA", str(tmp_path))
    return tmp_path


@pytest.fixture
def stock(
    db: Database, data: Path, ollama_sandbox: OllamaServer, tasks: TaskRunner, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Database]:
    """A model of this month and four from half a year ago, two on the server's side only partly there.

    `new` and `open` are not decided on; `old` is; `champion` is and has the alias; `gone` is, and its tag was deleted
    by hand. All are the same on the server.
    """
    monkeypatch.setenv("AIRFLOW_CONN_OLLAMA_DEFAULT", ollama_sandbox.connection)
    tasks.variables["ljwx_training_config"] = SMALL | {"retention": {"keep_last": 1}}
    assert ollama_sandbox.post("create", {"model": NEW, "from": BASE, "system": "分析", "stream": False}).ok
    for name in (OLD, OPEN, CHAMPION):
        assert ollama_sandbox.post("copy", {"source": NEW, "destination": name}).ok
    digest = {tag["name"]: tag["digest"] for tag in ollama_sandbox.get("tags")["models"]}[NEW]
    db.execute("INSERT INTO ljwx.runs (dag_id, run_id, task_id) VALUES ('tests', 'before', 'build')")
    for name, made in ((DATASET, "2026-11-01"), (OLD_DATASET, "2026-01-01")):
        add_dataset(db, name, made, data / "datasets" / name)
    db.execute(
        "INSERT INTO ljwx.question_sets (question_set_id, dataset_id, run_key) VALUES (%s, %s, 1)", QUESTIONS, DATASET
    )
    for name in (NEW, OLD, OPEN, CHAMPION, GONE):
        add_verified(db, name, digest)
    for name in (OLD, CHAMPION, GONE):
        add_decision(db, name, decided_at="2026-05-01")
    add_alias(db, CHAMPION)
    yield db
    for name in (NEW, OLD, OPEN, CHAMPION):
        ollama_sandbox.delete(name)


def add_dataset(db: Database, name: str, made: str, folder: Path) -> None:
    db.execute(
        "INSERT INTO ljwx.datasets (dataset_id, sha256, spec, counts, exclusions, proof, first_session, last_session, "
        "folder, code_version, created_at, run_key) "
        "VALUES (%s, '', '{}', '[]', '[]', '{}', '2025-01-02', '2025-01-02', %s, '', %s, 1)", name, str(folder), made,
    )  # fmt: skip


def add_verified(db: Database, name: str, digest: str) -> None:
    """A verified model from half a year ago but for `new`; `old` and `gone` are made from the old dataset."""
    db.execute(
        "INSERT INTO ljwx.models (model, digest, strategy, base, base_digest, spec, spec_sha256, dataset_id, "
        "created_at, verified, run_key) VALUES (%s, %s, 'prompt', %s, '', '{}', %s, %s, %s, '{}', 1)",
        name, digest, BASE, SPEC,
        OLD_DATASET if name in (OLD, GONE) else DATASET, "2026-11-01" if name == NEW else "2026-05-01",
    )  # fmt: skip


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
    stock: Database, tasks: TaskRunner, ollama_sandbox: OllamaServer, data: Path
) -> None:
    rows, served, files = stock.state("models", "datasets", "aliases"), tags(ollama_sandbox), data_of(data)
    told = apply(tasks, params={"dry_run": True})
    assert told == {"dry_run": True, "removed": 3, "kept": 4, "swept": 0, "bytes": 1023}
    assert stock.rows(EVENTS) == events(dry_run=True)
    assert stock.state("models", "datasets", "aliases") == rows
    assert tags(ollama_sandbox) == served >= {OLD, OPEN, CHAMPION}
    assert data_of(data) == files


def test_a_real_run_removes_tags_and_files_and_leaves_tombstones(
    stock: Database, tasks: TaskRunner, ollama_sandbox: OllamaServer, data: Path
) -> None:
    kept = {name: text for name, text in data_of(data).items() if OLD_DATASET not in name}
    told = apply(tasks, params={"dry_run": False})
    assert told == {"dry_run": False, "removed": 3, "kept": 4, "swept": 0, "bytes": 1023}
    assert stock.rows(EVENTS) == events(dry_run=False)
    assert OLD not in tags(ollama_sandbox)
    assert tags(ollama_sandbox) >= {OPEN, CHAMPION, NEW}
    assert data_of(data) == kept
    assert not (data / "datasets" / OLD_DATASET).exists()
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


@pytest.mark.parametrize("promoted", [True, False])
def test_a_decision_of_any_verdict_protects_what_it_cites_for_the_days_of_the_policy(
    stock: Database, tasks: TaskRunner, ollama_sandbox: OllamaServer, promoted: bool
) -> None:
    stock.execute(
        "UPDATE ljwx.promotions SET promoted = %s, decided_at = '2026-11-10' WHERE challenger = %s", promoted, OLD
    )
    assert apply(tasks, params={"dry_run": False})["removed"] == 1
    assert OLD in tags(ollama_sandbox)
    assert stock.column("SELECT name FROM ljwx.retention_events") == [GONE]


def test_a_decision_protects_the_champion_it_compared_with_and_the_datasets_of_both(
    stock: Database, tasks: TaskRunner
) -> None:
    """The champion of then has lost its alias since, and its dataset is used by nothing that stays."""
    stock.execute(
        "UPDATE ljwx.promotions SET champion = %s, decided_at = '2026-11-10' WHERE challenger = %s", OLD, CHAMPION
    )
    (cited,) = stock.column("SELECT dataset_id FROM ljwx.models WHERE model = %s AND dataset_id <> %s", OLD, DATASET)
    assert cited == OLD_DATASET
    stock.execute("UPDATE ljwx.models SET deleted_at = '2026-06-01' WHERE model = %s", OLD)
    assert apply(tasks, params={"dry_run": False})["removed"] == 1
    assert stock.column("SELECT name FROM ljwx.retention_events") == [GONE]


@pytest.mark.parametrize("stands", [False, True])
def test_a_model_that_was_built_again_is_open_until_it_is_decided_on_anew(
    stock: Database, tasks: TaskRunner, ollama_sandbox: OllamaServer, stands: bool
) -> None:
    """Its decision is of the time before it was deleted; the evaluation of what was built now goes on.

    The same evidence leads to the earlier decision, which then stands for what was built now too.
    """
    old = stock.rows("SELECT model, digest, strategy, base, base_digest, spec, spec_sha256, dataset_id "
                     "FROM ljwx.models WHERE model = %s", OLD)[0]  # fmt: skip
    stock.execute("UPDATE ljwx.models SET deleted_at = '2026-06-01' WHERE model = %s", OLD)
    WarehouseHook().save_model(1, BuiltModel(**old))
    built = stock.value("SELECT created_at FROM ljwx.models WHERE model = %s", OLD)
    assert (datetime.now(timezone.utc) - built).total_seconds() < 60
    WarehouseHook().save_model(1, BuiltModel(**old))  # a task that is tried again builds nothing anew
    WarehouseHook().mark_verified(OLD, old["digest"], {})
    assert stock.value("SELECT created_at FROM ljwx.models WHERE model = %s", OLD) == built
    stock.execute("UPDATE ljwx.models SET created_at = '2026-11-10' WHERE model = %s", NEW)
    stock.execute("UPDATE ljwx.models SET created_at = '2026-11-09' WHERE model = %s", OLD)
    apply(tasks, params={"dry_run": False})
    assert OLD in tags(ollama_sandbox)
    if stands:
        stock.execute(
            "INSERT INTO ljwx.runs (dag_id, run_id, task_id, outputs, finished_at) "
            "SELECT 'tests', 'again', 'decide_promotion', jsonb_build_object('promotion_id', promotion_id), "
            "'2026-11-09 01:00' FROM ljwx.promotions WHERE challenger = %s", OLD,
        )  # fmt: skip
    else:
        stock.execute("UPDATE ljwx.promotions SET decided_at = '2026-11-09 01:00' WHERE challenger = %s", OLD)
    tasks.variables["ljwx_training_config"] = SMALL | {"retention": {"keep_last": 1, "keep_days": 5}}
    apply(tasks, params={"dry_run": False})
    assert OLD not in tags(ollama_sandbox)


def test_a_model_that_failed_its_verification_is_no_open_challenger_after_a_day(
    stock: Database, tasks: TaskRunner, ollama_sandbox: OllamaServer
) -> None:
    stock.execute("UPDATE ljwx.models SET verified = NULL, dataset_id = %s WHERE model = %s", OLD_DATASET, OPEN)
    stock.execute("UPDATE ljwx.models SET created_at = '2026-11-19 01:00' WHERE model = %s", OPEN)
    stock.execute("UPDATE ljwx.models SET created_at = '2026-11-20 01:00' WHERE model = %s", NEW)
    apply(tasks, params={"dry_run": False})
    assert OPEN in tags(ollama_sandbox)
    stock.execute("UPDATE ljwx.models SET created_at = '2026-11-18 01:00' WHERE model = %s", OPEN)
    apply(tasks, params={"dry_run": False})
    assert OPEN not in tags(ollama_sandbox)
    removed = stock.column("SELECT name FROM ljwx.retention_events WHERE name IN (%s, %s)", OPEN, OLD_DATASET)
    assert sorted(removed) == [OLD_DATASET, OPEN]


def test_a_refused_model_is_kept_and_removed_as_a_rejected_one(
    stock: Database, tasks: TaskRunner, ollama_sandbox: OllamaServer
) -> None:
    stock.execute("UPDATE ljwx.models SET verified = NULL, dataset_id = %s WHERE model = %s", OLD_DATASET, OPEN)
    add_decision(stock, OPEN, "refused", question_set_id=None, decided_at="2026-10-01")
    apply(tasks, params={"dry_run": False})
    assert OPEN in tags(ollama_sandbox), "cited by a decision of the last 90 days"
    assert stock.value("SELECT deleted_at FROM ljwx.datasets WHERE dataset_id = %s", OLD_DATASET) is None
    stock.execute("UPDATE ljwx.promotions SET decided_at = '2026-05-02' WHERE verdict = 'refused'")
    stock.execute("UPDATE ljwx.models SET verified = '{}' WHERE model = %s", OPEN)
    apply(tasks, params={"dry_run": False})
    assert OPEN in tags(ollama_sandbox), "it passed its verification since: a decision is still to come"
    stock.execute("UPDATE ljwx.models SET verified = NULL WHERE model = %s", OPEN)
    apply(tasks, params={"dry_run": False})
    assert OPEN not in tags(ollama_sandbox)
    assert stock.value("SELECT deleted_at FROM ljwx.datasets WHERE dataset_id = %s", OLD_DATASET) is not None


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
            add_alias(stock, OLD, "previous")
        return removals(self, removal)

    monkeypatch.setattr(Cleaner, "remove", crown_first)
    apply(tasks, params={"dry_run": False})
    assert OLD in tags(ollama_sandbox)
    assert stock.column("SELECT name FROM ljwx.retention_events") == [GONE]
    assert stock.value("SELECT deleted_at FROM ljwx.models WHERE model = %s", OLD) is None
    assert stock.value("SELECT deleted_at FROM ljwx.datasets WHERE dataset_id = %s", OLD_DATASET) is None


@pytest.mark.parametrize(
    "what",
    [
        "UPDATE ljwx.promotions SET decided_at = '2026-11-19' WHERE challenger = %s",
        "UPDATE ljwx.models SET created_at = '2026-11-19' WHERE model = %s",
        "DELETE FROM ljwx.promotions WHERE challenger = %s",
    ],
    ids=["decided on again", "built again", "no decision stands"],
)
def test_the_whole_policy_is_asked_again_when_a_removal_begins(
    stock: Database, tasks: TaskRunner, ollama_sandbox: OllamaServer, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    removals = Cleaner.remove

    def change_first(self: Cleaner, removal: Removal) -> bool:
        if removal.name == OLD:
            stock.execute(what, OLD)
        return removals(self, removal)

    monkeypatch.setattr(Cleaner, "remove", change_first)
    assert apply(tasks, params={"dry_run": False})["removed"] == 1
    assert OLD in tags(ollama_sandbox)
    assert stock.value("SELECT deleted_at FROM ljwx.datasets WHERE dataset_id = %s", OLD_DATASET) is None


FAILS = """
CREATE FUNCTION ljwx.fail() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = 'disk_full'; END $$;
CREATE CONSTRAINT TRIGGER fails AFTER INSERT ON ljwx.retention_events DEFERRABLE INITIALLY {when}
FOR EACH ROW EXECUTE FUNCTION ljwx.fail();
"""


@pytest.mark.parametrize("when", ["IMMEDIATE", "DEFERRED"])
def test_a_full_disk_during_cleanup_loses_nothing_and_the_next_run_goes_on(
    stock: Database, tasks: TaskRunner, ollama_sandbox: OllamaServer, data: Path, when: str
) -> None:
    """Deferred, the disk is full only at the commit: then the tag is gone, and the books still have the model."""
    stock.execute("UPDATE ljwx.models SET deleted_at = '2026-10-01' WHERE model = %s", GONE)
    stock.execute(FAILS.format(when=when))
    with pytest.raises(psycopg.errors.DiskFull):
        apply(tasks, params={"dry_run": False})
    assert stock.value("SELECT count(*) FROM ljwx.retention_events") == 0
    assert stock.value("SELECT deleted_at FROM ljwx.models WHERE model = %s", OLD) is None
    assert (OLD in tags(ollama_sandbox)) is (when == "IMMEDIATE")
    assert (data / "datasets" / OLD_DATASET / "card.json").exists()
    assert stock.value("SELECT finished_at FROM ljwx.runs WHERE task_id = 'apply_retention'") is None

    stock.execute("DROP TRIGGER fails ON ljwx.retention_events")
    assert apply(tasks, params={"dry_run": False})["removed"] == 2
    size = 0 if when == "IMMEDIATE" else None
    assert stock.rows("SELECT name, bytes FROM ljwx.retention_events ORDER BY kind DESC") == [
        {"name": OLD, "bytes": size}, {"name": OLD_DATASET, "bytes": 1023},
    ]  # fmt: skip


def removal_of(name: str) -> Removal:
    """The removal of a model as the plan of TODAY has it."""
    plan = WarehouseHook().retention_plan(POLICY, TODAY.date())
    return next(each for each in plan.removals if each.name == name)


def test_nothing_is_promoted_while_it_is_being_deleted(stock: Database) -> None:
    """The other order: the removal has begun, so the promotion waits, and then finds that the model is gone."""
    done: list[str] = []

    def promote() -> None:
        promotion = Promotion(OLD, CHAMPION, QUESTIONS, None, "promoted", promoted=True, reasons=[], policy={})
        try:
            WarehouseHook().save_promotion(1, promotion, "0" * 64)
        except BadData as error:
            done.append(str(error))

    with WarehouseHook().removal(1, removal_of(OLD), 0, POLICY, TODAY.date()) as free:
        assert free
        promotion = threading.Thread(target=promote)
        promotion.start()
        deadline = time.monotonic() + 30
        while not stock.turns(taken=False) and time.monotonic() < deadline:
            promotion.join(0.05)
        assert done == []
    promotion.join(30)
    assert len(done) == 1
    assert f"{OLD} was deleted on " in done[0]
    assert stock.rows("SELECT model FROM ljwx.aliases") == [{"model": CHAMPION}]


def test_a_removal_that_fails_leaves_no_tombstone(stock: Database, tasks: TaskRunner, tmp_path: Path) -> None:
    warehouse = WarehouseHook()
    gone = removal_of(OLD)
    with pytest.raises(OSError, match="read-only"), warehouse.removal(1, gone, 0, POLICY, TODAY.date()):
        raise OSError("read-only")
    assert stock.column("SELECT name FROM ljwx.retention_events") == []
    assert stock.value("SELECT deleted_at FROM ljwx.models WHERE model = %s", OLD) is None


@pytest.mark.parametrize("served", ["ljwx-stock:alone", "ljwx-stock:Alone"])
def test_the_bytes_of_a_model_are_those_the_server_gives_back(
    stock: Database, tasks: TaskRunner, ollama_sandbox: OllamaServer, served: str
) -> None:
    """A model of its own, on the same weights: what the disk has more afterwards is what the tombstone says."""
    alone = "ljwx-stock:alone"
    made = ollama_sandbox.post("create", {"model": served, "from": BASE, "system": "独一无二" * 500, "stream": False})
    assert made.ok
    digest = {tag["name"]: tag["digest"] for tag in ollama_sandbox.get("tags")["models"]}[served]
    add_verified(stock, alone, digest)
    add_decision(stock, alone, decided_at="2026-05-01")
    before = ollama_sandbox.blob_bytes()
    apply(tasks, params={"dry_run": False})
    told = stock.value("SELECT bytes FROM ljwx.retention_events WHERE name = %s", alone)
    assert len("独一无二".encode()) * 500 <= told <= before - ollama_sandbox.blob_bytes()
    assert served not in tags(ollama_sandbox)


def test_a_tag_that_the_server_cannot_show_stops_nothing_and_makes_the_bytes_unknown(
    stock: Database, tasks: TaskRunner, ollama_faulty: OllamaServer
) -> None:
    """It might share blobs with what goes; somebody else's tag must not keep the cleanup from its work."""
    ollama_faulty.fail_next("show", "status", status=500)
    assert apply(tasks, params={"dry_run": False})["removed"] == 3
    assert OLD not in tags(ollama_faulty)
    assert stock.value("SELECT bytes FROM ljwx.retention_events WHERE name = %s", OLD) is None


def test_rows_that_are_too_old_go_and_scorecards_stay(stock: Database, tasks: TaskRunner) -> None:
    stock.execute(
        "INSERT INTO ljwx.quarantine (session, ts_code, reasons, raw, raw_sha256, first_seen, run_key) "
        "SELECT NULL, 'x', '{key}', '{}', day::text, day, 1 "
        "FROM unnest('{2025-10-01,2025-11-19,2025-11-20}'::date[]) day"
    )
    stock.execute("ALTER TABLE ljwx.answers DROP CONSTRAINT answers_sample_id_fkey")
    for digest, scorecard in (("scored", {}), ("given up, or a rival's", None)):
        evaluation = add_evaluation(stock, OLD, QUESTIONS, digest=digest, scorecard=scorecard)
        stock.execute(
            "INSERT INTO ljwx.answers (evaluation_id, sample_id, raw, valid, latency_s, prompt_tokens, answer_tokens) "
            "SELECT %s, number::text, '', false, 1, 1, 1 FROM generate_series(1, 4) number", evaluation,
        )  # fmt: skip
    stock.execute("UPDATE ljwx.models SET deleted_at = '2026-08-21' WHERE model = %s", OLD)
    assert apply(tasks, params={"dry_run": True})["swept"] == 10
    assert stock.value("SELECT count(*) FROM ljwx.answers") == 8
    assert apply(tasks, params={"dry_run": False})["swept"] == 10
    assert [str(day) for day in stock.column("SELECT first_seen::date FROM ljwx.quarantine")] == ["2025-11-20"]
    assert stock.column("SELECT scorecard FROM ljwx.evaluations ORDER BY evaluation_id") == [{}, None]
    assert stock.value("SELECT count(*) FROM ljwx.answers") == 0
    swept = stock.rows(
        "SELECT kind, name FROM ljwx.retention_events WHERE NOT dry_run AND kind <> 'model' ORDER BY 1, 2"
    )
    assert [tuple(row.values()) for row in swept if row["kind"] != "dataset"] == [
        ("answers", OLD), ("quarantine", "2025-10"), ("quarantine", "2025-11"),
    ]  # fmt: skip


@pytest.fixture
def dated(db: Database, tmp_path: Path) -> Database:
    """A warehouse without a model: three old datasets with their files, and bars of three years."""
    db.execute(
        "INSERT INTO ljwx.runs (dag_id, run_id, task_id, outputs, finished_at) "
        "VALUES ('tests', 'again', 'build_dataset', '{\"dataset_id\": \"again\"}', '2026-11-10')"
    )
    for name in ("again", "newest", "old"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "card.json").write_bytes(b"y" * 23)
        add_dataset(db, name, "2026-02-01" if name == "newest" else "2026-01-01", tmp_path / name)
    db.execute("SELECT ljwx.ensure_years('2024-01-01', '2026-01-01')")
    db.execute(
        "INSERT INTO ljwx.bars (session, ts_code, revision, open, high, low, close, pre_close, vol, amount, run_key) "
        "SELECT day, '000001.SZ', 1, 1, 1, 1, 1, 1, 1, 1, run_key FROM ljwx.runs, "
        "unnest('{2024-12-30,2024-12-31,2025-01-02,2026-01-05}'::date[]) day"
    )
    return db


def test_a_dataset_that_was_written_again_stays_its_days_anew(
    dated: Database, tasks: TaskRunner, tmp_path: Path
) -> None:
    assert apply(tasks, params={"dry_run": False})["removed"] == 1
    assert dated.rows(EVENTS) == [{"kind": "dataset", "name": "old", "bytes": 23, "dry_run": False}]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["again", "newest"]


@pytest.mark.parametrize("years", [None, 3, 2])
def test_partitions_go_only_where_the_policy_says_and_each_leaves_a_tombstone(
    dated: Database, tasks: TaskRunner, years: int | None
) -> None:
    """Three years are of bars; two is the least that a policy can keep."""
    tasks.variables["ljwx_training_config"] = {"retention": {"partition_keep_years": years}}
    gone = 2 if years == 2 else 0
    assert apply(tasks, params={"dry_run": True})["swept"] == gone
    assert partitions(dated) == {"2024", "2025", "2026"}
    assert apply(tasks, params={"dry_run": False})["swept"] == gone
    assert partitions(dated) == {"2025", "2026"} | ({"2024"} if not gone else set())
    tombstones = dated.rows(
        "SELECT name, reason, dry_run FROM ljwx.retention_events WHERE kind = 'partition' AND bytes > 0 "
        "ORDER BY dry_run DESC, name"
    )
    assert [tuple(row.values()) for row in tombstones] == [
        (name, f"{rows} rows: the policy keeps 2 years", dry_run)
        for dry_run in (True, False) for name, rows in (("bars_2024", 2), ("features_2024", 0)) if gone
    ]  # fmt: skip
    assert dated.value("SELECT count(*) FROM ljwx.bars WHERE session >= '2025-01-01'") == 2


def partitions(db: Database) -> set[str]:
    """The years of bars that are there."""
    names = db.column("SELECT tablename FROM pg_tables WHERE schemaname = 'ljwx' AND tablename LIKE 'bars\\_2%%'")
    return {name[-4:] for name in names}


def test_the_audit_names_what_is_on_one_side_only(
    stock: Database, tasks: TaskRunner, ollama_sandbox: OllamaServer, caplog: pytest.LogCaptureFixture,
    data: Path,
) -> None:  # fmt: skip
    shutil.rmtree(data / "datasets" / OLD_DATASET)
    half = ("datasets/.20250102-0.7.partial", "reports/s-1/9", "reports/s-1/.9.7.partial", "specs/.ab.json.7.partial")
    for folder in half:
        (data / folder).mkdir(parents=True)
    (data / "specs" / "abcd.json").write_text("{}")
    listed = ollama_sandbox.get("tags")["models"]
    tags = {tag["name"] for tag in listed if tag["name"].startswith("ljwx-stock:") or not tag["details"]["format"]}
    ours = {*stock.column("SELECT model FROM ljwx.models"), *alias_tags("ljwx-stock")}
    stray = "ljwx-stock:stray"
    made = {stray: NEW, "ljwx-stock:previous": CHAMPION}
    for name, source in made.items():
        assert ollama_sandbox.post("copy", {"source": source, "destination": name}).ok
    try:
        assert tasks.run(audit_storage) == 8 + len(tags - ours), "what other tests left on the server counts too"
    finally:
        for name in made:
            ollama_sandbox.delete(name)
    for kind, name, lacks in (
        ("model", stray, "no row in ljwx.models"),
        ("model", GONE, "no tag on the model server"),
        ("dataset", OLD_DATASET, "no files"),
        ("report", "reports/s-1/9", "no row in ljwx.promotions"),
        ("spec", "abcd", "no row in ljwx.models"),
        *(("partial", name, "no end") for name in half if name.endswith("partial")),
    ):
        assert any(line.startswith(f"{kind} {name} has {lacks}: ") for line in caplog.messages), name


def add_training(db: Database, data: Path, recipe: str, model: str | None = None) -> Path:
    """The row and the job folder of a training of half a year ago, with 1,000 bytes in it."""
    job = data / "training" / recipe
    job.mkdir(parents=True)
    (job / "merged.gguf").write_bytes(b"w" * 1000)
    db.execute(
        "INSERT INTO ljwx.trainings (recipe_id, recipe, dataset_id, base_gguf, job, prepared_at, run_key) "
        "VALUES (%s, '{}', %s, '', %s, '2026-05-01', 1)", recipe, DATASET, str(job),
    )  # fmt: skip
    if model:
        db.execute("UPDATE ljwx.models SET recipe_id = %s WHERE model = %s", recipe, model)
    return job


def test_job_folders_go_unless_a_kept_model_rests_on_them_or_a_trainer_holds_them(
    stock: Database, tasks: TaskRunner, data: Path
) -> None:
    served, busy, old = (
        add_training(stock, data, recipe, model)
        for recipe, model in (("served", CHAMPION), ("busy", None), ("old", OLD))
    )
    with (busy / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        apply(tasks, params={"dry_run": True})
        assert old.exists()
        apply(tasks, params={"dry_run": False})
    assert [path.exists() for path in (served, busy, old)] == [True, True, False]
    assert {"kind": "training", "name": "old", "bytes": 1000, "dry_run": False} in stock.rows(EVENTS)
    assert apply(tasks, params={"dry_run": False})["removed"] == 1, "nobody holds it any more"
    assert not busy.exists()
    assert stock.rows("SELECT recipe_id FROM ljwx.trainings WHERE deleted_at IS NULL") == [{"recipe_id": "served"}]


def test_a_training_that_begins_while_cleanup_runs_is_not_removed(stock: Database, data: Path) -> None:
    job, policy, day = add_training(stock, data, "old"), RetentionPolicy(keep_last=1), TODAY.date()
    removal = next(each for each in WarehouseHook().retention_plan(policy, day).removals if each.kind == "training")
    with WarehouseHook().removal(1, removal, 0, policy, day, lambda folder: folder == str(job)) as free:
        assert not free


def test_the_audit_names_job_folders_and_trainings_without_their_other_half(
    stock: Database, tasks: TaskRunner, data: Path, caplog: pytest.LogCaptureFixture
) -> None:
    shutil.rmtree(add_training(stock, data, "lost"))
    (data / "training" / "unknown").mkdir()
    tasks.run(audit_storage)
    assert "training lost has no files: clear prepare_training of its run: they come out the same" in caplog.messages
    assert any(line.startswith("training unknown has no row in ljwx.trainings") for line in caplog.messages)
