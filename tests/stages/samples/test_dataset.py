"""The stage `samples`: a dataset's files, its rows, and the way from a model to the bars and back."""

from __future__ import annotations

import json
import signal
from datetime import date, datetime
from pathlib import Path

import pytest
from airflow.sdk.exceptions import AirflowSkipException

from ljwx.assets import DATASET
from ljwx.exceptions import ConfigurationError, TooFewSessions
from ljwx.resources import code_version
from ljwx.stages.samples.dataset import build_dataset
from support_chain import SMALL, Chain, Database, RunScript, content_of
from support_postgres import data_of
from support_rows import add_decision
from support_tasks import TaskRunner

SPLITS = ("train", "validation", "test")
FILES = {f"{split}.{kind}" for split in SPLITS[:2] for kind in ("jsonl", "alpaca.json")} | {
    "dataset_info.json", "card.json", "README.md", "class_balance.svg",
}  # fmt: skip


def folder_of(chain: Chain) -> Path:
    return chain.data / "datasets" / chain.dataset_id


def test_files_are_complete_and_named_by_their_content(chain_db: Database, chain: Chain) -> None:
    folder = folder_of(chain)
    assert set(data_of(folder)) == FILES
    (row,) = chain_db.rows("SELECT dataset_id, sha256, last_session, folder FROM ljwx.datasets")
    assert row["dataset_id"] == chain.dataset_id == f"{row['last_session']:%Y%m%d}-{row['sha256'][:12]}"
    assert Path(row["folder"]) == folder
    card = json.loads((folder / "card.json").read_text(encoding="utf-8"))
    assert card["parent"] is None
    (known_at, version) = chain_db.rows("SELECT known_at, code_version FROM ljwx.datasets")[0].values()
    assert datetime.fromisoformat(card["known_at"]) == known_at
    assert card["code_version"] == version == code_version()


def test_rows_and_files_hold_the_same_samples(chain_db: Database, chain: Chain) -> None:
    splits = dict(
        tuple(row.values()) for row in chain_db.rows("SELECT split, count(*) FROM ljwx.dataset_samples GROUP BY split")
    )
    assert set(splits) == set(SPLITS)
    assert sum(splits.values()) == chain_db.value("SELECT count(*) FROM ljwx.samples")
    for split, count in splits.items():
        if split == "test":  # sealed
            continue
        lines = (folder_of(chain) / f"{split}.jsonl").read_text(encoding="utf-8").splitlines()
        records = json.loads((folder_of(chain) / f"{split}.alpaca.json").read_text(encoding="utf-8"))
        assert len(lines) == len(records) == count
        stored = chain_db.column(
            "SELECT answer::text FROM ljwx.samples JOIN ljwx.dataset_samples USING (sample_id) WHERE split = %s", split
        )
        assert sorted(json.loads(line)["messages"][-1]["content"] for line in lines) == sorted(stored)
    counted = chain_db.value("SELECT counts FROM ljwx.datasets")
    assert sum(row["samples"] for row in counted) == sum(splits.values())


def test_the_same_dataset_is_not_built_twice_but_announced_until_it_was_decided_on(
    chain_db: Database, chain: Chain, tasks: TaskRunner
) -> None:
    tables = ("samples", "datasets", "dataset_samples")
    rows, files = chain_db.state(*tables), data_of(folder_of(chain))
    assert tasks.run(build_dataset) == chain.dataset_id
    assert tasks.outlets.pop(DATASET).partitions == ["latest"]

    add_decision(chain_db, chain.plan["model"])
    with pytest.raises(AirflowSkipException, match=chain.dataset_id):
        tasks.run(build_dataset)
    assert DATASET not in tasks.outlets
    assert chain_db.state(*tables) == rows
    assert data_of(folder_of(chain)) == files


def test_without_a_complete_session_it_says_what_to_run(db: Database, tasks: TaskRunner, data_folder: Path) -> None:
    with pytest.raises(ConfigurationError, match="run ljwx_daily_ingest first"):
        tasks.run(build_dataset)
    assert data_of(data_folder) == {}


def test_while_too_few_sessions_are_there_a_run_that_bars_woke_is_skipped_and_one_by_hand_fails(
    market_db: Database, tasks: TaskRunner, data_folder: Path
) -> None:
    tasks.variables["ljwx_training_config"] = {"samples": {"min_market_stocks": 10}}
    market_db.execute("UPDATE ljwx.complete_days SET complete_until = now() WHERE session > '2025-12-12'")
    with pytest.raises(AirflowSkipException, match=r"not yet: .*too few for train, validation and test"):
        tasks.run(build_dataset, run_type="asset_triggered")
    (run,) = market_db.rows("SELECT finished_at, outputs FROM ljwx.runs WHERE task_id = 'build_dataset'")
    assert run["finished_at"] is not None
    assert "too few for train, validation and test" in run["outputs"]["skipped"]
    with pytest.raises(TooFewSessions, match="give a range with at least 15"):
        tasks.run(build_dataset)
    assert data_of(data_folder) == {}


def test_once_there_is_a_dataset_too_few_sessions_fail_also_a_run_that_bars_woke(
    market_db: Database, tasks: TaskRunner, data_folder: Path
) -> None:
    tasks.variables["ljwx_training_config"] = SMALL
    tasks.run(build_dataset)
    market_db.execute("UPDATE ljwx.complete_days SET complete_until = now() WHERE session > '2025-11-20'")
    with pytest.raises(TooFewSessions):
        tasks.run(build_dataset, run_type="asset_triggered")


def test_settings_that_make_no_dataset_fail_also_a_run_that_bars_woke(
    market_db: Database, tasks: TaskRunner, data_folder: Path
) -> None:
    extreme = {"buy_excess": 0.9, "sell_excess": -0.9, "min_market_stocks": 10}
    tasks.variables["ljwx_training_config"] = {"samples": extreme}
    with pytest.raises(ConfigurationError, match=r"every training sample is hold; .* left out: .*missing_features \d+"):
        tasks.run(build_dataset, run_type="asset_triggered")


KILLED = """
import os, signal
from support_chain import running_tasks
from ljwx.stages.samples import exports
from ljwx.stages.samples.dataset import build_dataset

write = exports.write_texts
def write_or_die(path, texts):
    if path.name == "card.json":
        os.kill(os.getpid(), signal.SIGKILL)
    return write(path, texts)
exports.write_texts = write_or_die
with running_tasks() as (runner, _):
    runner.run(build_dataset)
"""


def test_a_killed_export_leaves_nothing_that_could_be_taken_for_a_dataset(
    market_db: Database, chain: Chain, tasks: TaskRunner, data_folder: Path, run_script: RunScript
) -> None:
    ended = run_script(KILLED)
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    (partial,) = (data_folder / "datasets").iterdir()
    assert partial.name.startswith(".")
    assert market_db.value("SELECT count(*) FROM ljwx.datasets") == 0

    tasks.variables["ljwx_training_config"] = SMALL
    assert tasks.run(build_dataset) == chain.dataset_id
    assert {path.name for path in partial.parent.iterdir()} == {partial.name, chain.dataset_id}
    assert content_of(partial.parent / chain.dataset_id) == content_of(folder_of(chain))
    assert tasks.outlets[DATASET].partitions == ["latest"]
    assert tasks.outlets[DATASET].extra == {"dataset_id": chain.dataset_id}


def test_lineage_walks_from_a_model_to_its_bars_and_the_run_that_fetched_them(chain_db: Database, chain: Chain) -> None:
    sample = chain_db.rows("SELECT * FROM ljwx.samples ORDER BY sample_id LIMIT 1")[0]
    walked = chain_db.rows(
        "SELECT bar_session, dag_id, run_id, task_id FROM ljwx.lineage WHERE model = %s AND sample_id = %s "
        "ORDER BY bar_session", chain.plan["model"], sample["sample_id"],
    )  # fmt: skip
    bars = chain_db.column(
        "SELECT session FROM ljwx.bars WHERE ts_code = %s AND session BETWEEN %s AND %s ORDER BY session",
        sample["ts_code"], sample["bars_from"], sample["label_end"],
    )  # fmt: skip
    assert [row["bar_session"] for row in walked] == bars
    assert bars[-1] == sample["label_end"] >= sample["session"] > bars[0]
    assert {row["task_id"] for row in walked} == {"ingest_bars"}
    assert len({row["run_id"] for row in walked}) == len({(day.year, day.month) for day in bars})


def test_lineage_walks_from_a_bar_to_the_models_made_of_it(chain_db: Database, chain: Chain) -> None:
    day = date(2026, 1, 15)
    walked = chain_db.rows(
        "SELECT model, sample_id FROM ljwx.lineage WHERE ts_code = '000001.SZ' AND bar_session = %s", day
    )
    samples = chain_db.column(
        "SELECT sample_id FROM ljwx.samples WHERE ts_code = '000001.SZ' AND %s BETWEEN bars_from AND label_end", day
    )
    assert samples
    assert {row["model"] for row in walked} == {chain.plan["model"]}
    assert sorted(row["sample_id"] for row in walked) == sorted(samples)


def test_a_bar_corrected_afterwards_does_not_change_what_the_sample_was_made_of(
    chain_db: Database, chain: Chain
) -> None:
    query = (
        "SELECT bar_revision, count(*) AS samples FROM ljwx.lineage "
        "WHERE ts_code = '000001.SZ' AND bar_session = '2026-01-15' GROUP BY bar_revision"
    )
    before = chain_db.rows(query)
    chain_db.execute(
        "WITH old AS (UPDATE ljwx.bars SET superseded_at = now() "
        "WHERE ts_code = '000001.SZ' AND session = '2026-01-15' RETURNING *) "
        "INSERT INTO ljwx.bars (session, ts_code, revision, open, high, low, close, pre_close, vol, amount, run_key) "
        "SELECT session, ts_code, 2, open, high, low, close + 0.01, pre_close, vol, amount, run_key FROM old"
    )
    assert [row["bar_revision"] for row in before] == [1]
    assert chain_db.rows(query) == before
