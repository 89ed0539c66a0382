"""Datasets over time: against their parent, as known on a day, and never the latest for having been made today."""

from __future__ import annotations

import json
from datetime import date, datetime, timezone
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from airflow.sdk.exceptions import AirflowSkipException
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ljwx.assets import DATASET
from ljwx.core.datasets.spec import SampleSpec
from ljwx.core.features import FEATURE_VERSION, feature_names
from ljwx.core.snapshots.snapshot import snapshots
from ljwx.exceptions import ConfigurationError
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.stages.ingest.features import compute_features
from ljwx.stages.samples.dataset import build_dataset
from ljwx.warehouse.market.bars import IngestDay
from support_chain import SMALL, Database, whole_day
from support_tasks import TaskRunner

STOCK, DAY, NEXT = "000001.SZ", date(2025, 12, 15), date(2025, 12, 16)
LAST = "2026-03-20"
CHUNKS = [{"first": "2025-09-01", "last": LAST}]
THIN = {**SMALL, "samples": {**SMALL["samples"], "class_ratio": 100}}


@pytest.fixture
def warehouse(market_db: Database, tasks: TaskRunner, data_folder: Path) -> Database:
    """A warehouse whose rows were all written ten days ago."""
    tasks.variables["ljwx_training_config"] = SMALL
    grow_old(market_db)
    return market_db


def grow_old(db: Database, days: int = 10) -> None:
    for table in ("bars", "features", "instruments", "names"):
        db.execute(f"UPDATE ljwx.{table} SET first_seen = first_seen - make_interval(days => {days:d})")
    for table, column in (
        ("ingest_days", "checked_at"),
        ("complete_days", "complete_from"),
        ("feature_marks", "computed_at"),
    ):
        db.execute(f"UPDATE ljwx.{table} SET {column} = {column} - make_interval(days => {days:d})")
    for column in ("known_at", "created_at"):
        db.execute(f"UPDATE ljwx.datasets SET {column} = {column} - make_interval(days => {days:d})")


def days_ago(db: Database, days: int) -> str:
    return str(db.value("SELECT ((now() AT TIME ZONE 'Asia/Shanghai')::date - %s)::text", days))


def correct(db: Database, runner: TaskRunner | None, session: date, **factors: float) -> None:
    """Let the source correct one stock's bar of a session, and recompute the features if there is a runner to do it."""
    hook = WarehouseHook()
    run_key = db.value("SELECT min(run_key) FROM ljwx.runs")
    mine = pl.col("ts_code") == STOCK
    corrected = [pl.when(mine).then(pl.col(c) * f).otherwise(c).round(4).alias(c) for c, f in factors.items()]
    bars = hook.bars(session, session).with_columns(corrected)
    counts = "SELECT expected, received, quarantined, suspended, missing FROM ljwx.ingest_days WHERE session = %s"
    (counted,) = db.rows(counts, session)
    hook.save_day(run_key, IngestDay(session, complete=True, **counted), bars)
    if runner is not None:
        runner.run(compute_features, CHUNKS)


def dataset(db: Database, dataset_id: str) -> dict[str, Any]:
    (row,) = db.rows("SELECT * FROM ljwx.datasets WHERE dataset_id = %s", dataset_id)
    return row


def samples_of(db: Database, dataset_id: str) -> dict[tuple[Any, ...], str]:
    rows = db.rows(
        "SELECT ts_code, session, task, sample_id FROM ljwx.samples JOIN ljwx.dataset_samples USING (sample_id) "
        "WHERE dataset_id = %s", dataset_id,
    )  # fmt: skip
    return {(r["ts_code"], r["session"], r["task"]): r["sample_id"] for r in rows}


def test_corrected_bars_supersede_their_samples_and_the_books_say_which(warehouse: Database, tasks: TaskRunner) -> None:
    first = tasks.run(build_dataset)
    grow_old(warehouse)
    correct(warehouse, tasks, DAY, close=1.03, high=1.05)
    second = tasks.run(build_dataset)
    assert second != first

    old, new = samples_of(warehouse, first), samples_of(warehouse, second)
    row = dataset(warehouse, second)
    assert row["parent_id"] == first
    expected = {(old[key], new[key]) for key in old.keys() & new.keys() if old[key] != new[key]}
    pairs = warehouse.rows("SELECT * FROM ljwx.sample_supersessions WHERE dataset_id = %s", second)
    assert {(pair["old_sample_id"], pair["new_sample_id"]) for pair in pairs} == expected
    assert row["merge"]["superseded"] == len(expected) > 0
    assert row["merge"]["kept"] == len(set(old.values()) & set(new.values())) > 0
    assert row["merge"]["new"] == len(new.keys() - old.keys())
    assert sum(row["merge"]["left"].values()) == len(old.keys() - new.keys())

    by_bar = {pair["old_sample_id"]: pair for pair in pairs if pair["cause"] == "bar"}
    mine = {old_id: key for key, old_id in old.items() if old_id in by_bar}
    assert mine
    assert {key[0] for key in mine.values()} == {STOCK}
    assert {(pair["bar_session"], pair["bar_revision"]) for pair in by_bar.values()} == {(DAY, 2)}
    assert all(pair["bar_session"] is None for pair in pairs if pair["cause"] != "bar")
    texts = "SELECT snapshot::text FROM ljwx.samples WHERE sample_id = %s"
    facts = [pair for pair in pairs if pair["cause"] == "facts"]
    assert all(
        warehouse.value(texts, pair["old_sample_id"]) != warehouse.value(texts, pair["new_sample_id"]) for pair in facts
    )


def test_a_bar_that_was_withdrawn_is_named_as_the_cause(warehouse: Database, tasks: TaskRunner) -> None:
    """No revision comes after it: the one that was superseded is what changed."""
    first = tasks.run(build_dataset)
    grow_old(warehouse)
    rest = WarehouseHook().bars(DAY, DAY).filter(pl.col("ts_code") != STOCK)
    run_key = warehouse.value("SELECT min(run_key) FROM ljwx.runs")
    day = whole_day(DAY, expected=rest.height, received=rest.height)
    assert WarehouseHook().save_day(run_key, day, rest).withdrawn == 1
    tasks.run(compute_features, CHUNKS)
    second = tasks.run(build_dataset)
    assert second != first
    causes = warehouse.rows(
        "SELECT s.ts_code, p.bar_session, p.bar_revision FROM ljwx.sample_supersessions p "
        "JOIN ljwx.samples s ON s.sample_id = p.new_sample_id WHERE dataset_id = %s AND cause = 'bar'", second,
    )  # fmt: skip
    assert {tuple(row.values()) for row in causes} == {(STOCK, DAY, 1)}


def test_what_left_is_counted_by_the_reason_it_is_no_sample_any_more(warehouse: Database, tasks: TaskRunner) -> None:
    tasks.variables["ljwx_training_config"] = THIN
    first = tasks.run(build_dataset)
    grow_old(warehouse)
    thinner = {**THIN, "samples": {**THIN["samples"], "thin_gap": 30, "tasks": ["technical_analysis"]}}
    tasks.variables["ljwx_training_config"] = thinner
    second = tasks.run(build_dataset)
    merge = dataset(warehouse, second)["merge"]
    old, new = samples_of(warehouse, first), samples_of(warehouse, second)
    assert merge["left"]["near_duplicate"] > 0
    assert merge["left"]["task_not_asked"] == sum(key[2] != "technical_analysis" for key in old)
    assert merge["kept"] + merge["superseded"] + sum(merge["left"].values()) == len(old)
    assert merge["kept"] + merge["superseded"] + merge["new"] == len(new)


RECLASSIFY = (
    "WITH old AS (UPDATE ljwx.instruments SET superseded_at = now() "
    "WHERE ts_code = %s AND superseded_at IS NULL RETURNING *) "
    "INSERT INTO ljwx.instruments "
    "(ts_code, revision, name, industry, market, exchange, list_status, list_date, run_key) "
    "SELECT ts_code, revision + 1, '换名', '改行', '换板', exchange, list_status, list_date, run_key FROM old"
)


def test_a_stock_reclassified_today_changes_nothing_that_was_told_of_earlier_sessions(
    warehouse: Database, tasks: TaskRunner
) -> None:
    warehouse.execute("UPDATE ljwx.instruments SET first_seen = '2025-08-01 23:30+08'")
    first = tasks.run(build_dataset)
    assert warehouse.value("SELECT count(*) FROM ljwx.samples WHERE snapshot ->> 'industry' IN ('未知', '改行')") == 0
    assert WarehouseHook().tells_industries(first)
    warehouse.execute(RECLASSIFY, STOCK)
    assert tasks.run(build_dataset) == first


def test_industries_that_most_training_samples_lack_are_told_in_no_split(
    warehouse: Database, tasks: TaskRunner
) -> None:
    """They were first seen on a day in the middle: real ones in the later splits would be words never trained on."""
    warehouse.execute("UPDATE ljwx.instruments SET first_seen = '2026-01-14 23:30+08'")
    dataset_id = tasks.run(build_dataset)
    assert warehouse.column("SELECT DISTINCT snapshot ->> 'industry' FROM ljwx.samples") == ["未知"]
    assert not WarehouseHook().tells_industries(dataset_id)


def test_industries_over_time_are_what_was_seen_last_on_each_day_in_shanghai(market_db: Database) -> None:
    for seen in ("2026-01-14 16:30+00", "2026-01-15 14:59+00"):
        market_db.execute(RECLASSIFY, STOCK)
        market_db.execute(
            "UPDATE ljwx.instruments SET first_seen = %s WHERE ts_code = %s AND superseded_at IS NULL", seen, STOCK
        )
    market_db.execute("UPDATE ljwx.instruments SET industry = '旧业' WHERE ts_code = %s AND revision = 2", STOCK)
    market_db.execute("UPDATE ljwx.instruments SET first_seen = '2026-01-14 15:59+00' WHERE revision = 1")
    hook = WarehouseHook()
    end = datetime(2026, 1, 16, tzinfo=timezone.utc)
    mine = hook.industries_as_of(end).filter(ts_code=STOCK).select("start_date", "industry").rows()
    assert [day for day, _ in mine] == [date(2026, 1, 14), date(2026, 1, 15)]
    assert mine[1][1] == "改行"
    early = hook.industries_as_of(datetime(2026, 1, 15, 12, tzinfo=timezone.utc))
    assert early.filter(ts_code=STOCK)["industry"].to_list() == [mine[0][1], "旧业"]


def test_a_dataset_as_known_on_a_day_is_the_one_that_was_built_then(warehouse: Database, tasks: TaskRunner) -> None:
    then = tasks.run(build_dataset)
    grow_old(warehouse)
    hashes = dataset(warehouse, then)["sha256"]
    correct(warehouse, tasks, DAY, close=1.03, high=1.05)
    correct(warehouse, tasks, NEXT, adj_factor=1.1)
    warehouse.execute(RECLASSIFY, STOCK)
    warehouse.execute(
        "INSERT INTO ljwx.names (ts_code, start_date, name, run_key) SELECT %s, '2025-01-01', '新名', min(run_key) "
        "FROM ljwx.runs", STOCK,
    )  # fmt: skip
    now = tasks.run(build_dataset)
    assert now != then
    assert warehouse.value(
        "SELECT count(*) FROM ljwx.samples JOIN ljwx.dataset_samples USING (sample_id) "
        "WHERE dataset_id = %s AND snapshot ->> 'name' = '新名'", now,
    )  # fmt: skip

    # Nothing of the old dataset is there to lean on.
    warehouse.execute("UPDATE ljwx.datasets SET parent_id = NULL")
    for table in ("sample_supersessions", "dataset_samples"):
        warehouse.execute(f"DELETE FROM ljwx.{table}")
    warehouse.execute("DELETE FROM ljwx.datasets WHERE dataset_id = %s", then)
    assert tasks.run(build_dataset, params={"known_on": days_ago(warehouse, 5)}) == then
    row = dataset(warehouse, then)
    assert row["sha256"] == hashes
    assert row["parent_id"] is None
    assert tasks.outlets[DATASET].extra == {"dataset_id": then}
    latest = WarehouseHook().latest_dataset()
    assert latest is not None
    assert latest.dataset_id == now

    with pytest.raises(AirflowSkipException, match=f"{then} is there already: what was known then"):
        tasks.run(build_dataset, params={"known_on": days_ago(warehouse, 6)})


def test_samples_of_a_past_state_cite_the_revisions_of_then(warehouse: Database, tasks: TaskRunner) -> None:
    correct(warehouse, tasks, DAY, close=1.03, high=1.05)
    past = tasks.run(build_dataset, params={"known_on": days_ago(warehouse, 5)})
    (known,) = warehouse.column(
        "SELECT DISTINCT s.known_at FROM ljwx.samples s JOIN ljwx.dataset_samples USING (sample_id) "
        "WHERE dataset_id = %s",
        past,
    )
    assert known == dataset(warehouse, past)["known_at"]
    assert known < warehouse.value("SELECT min(superseded_at) FROM ljwx.bars")


def test_until_leaves_out_what_happened_later_and_is_not_the_latest(warehouse: Database, tasks: TaskRunner) -> None:
    now = tasks.run(build_dataset)
    past = tasks.run(build_dataset, params={"until": "2026-02-13"})
    row = dataset(warehouse, past)
    assert row["last_session"] == date(2026, 2, 13)
    assert row["parent_id"] is None
    ends = warehouse.column(
        "SELECT max(label_end) FROM ljwx.samples JOIN ljwx.dataset_samples USING (sample_id) WHERE dataset_id = %s",
        past,
    )
    assert ends == [date(2026, 2, 13)]
    latest = WarehouseHook().latest_dataset()
    assert latest is not None
    assert latest.dataset_id == now


def test_all_waiting_sessions_are_one_dataset_whose_parent_is_the_one_before(
    warehouse: Database, tasks: TaskRunner
) -> None:
    first = tasks.run(build_dataset, params={"until": "2026-02-13"})
    second = tasks.run(build_dataset)
    row = dataset(warehouse, second)
    assert row["parent_id"] == first
    assert row["last_session"] == date.fromisoformat(LAST)
    assert row["merge"]["new"] > 0
    card = json.loads((Path(row["folder"]) / "card.json").read_text(encoding="utf-8"))
    assert card["parent"] == first


def test_too_few_new_samples_end_as_skipped_with_the_count(warehouse: Database, tasks: TaskRunner) -> None:
    first = tasks.run(build_dataset)
    grow_old(warehouse)
    picky = {**SMALL, "samples": {**SMALL["samples"], "min_new_samples": 100_000}}
    tasks.variables["ljwx_training_config"] = picky
    assert tasks.run(build_dataset) == first
    correct(warehouse, tasks, DAY, close=1.03, high=1.05)
    tasks.outlets.clear()
    with pytest.raises(AirflowSkipException, match=rf"\d+ new samples since dataset {first}: fewer than .* = 100000"):
        tasks.run(build_dataset)
    assert DATASET not in tasks.outlets
    assert warehouse.value("SELECT count(*) FROM ljwx.datasets") == 1
    tasks.variables["ljwx_training_config"] = SMALL
    assert tasks.run(build_dataset) != first


@pytest.mark.parametrize(
    ("params", "says"),
    [
        ({"known_on": "yesterday"}, "known_on 'yesterday' is not a date"),
        ({"until": "20260213"[:5]}, "until '20260' is not a date"),
        ({"known_on": "2999-01-01"}, "known_on 2999-01-01 is not over yet in Shanghai"),
        ({"known_on": "2020-01-02"}, "no complete session was known on 2020-01-02; a session is known from the day"),
        ({"until": "2020-01-02"}, "no complete session up to 2020-01-02 was known;"),
    ],
)
def test_what_cannot_be_asked_for_is_said(
    warehouse: Database, tasks: TaskRunner, params: dict[str, str], says: str
) -> None:
    with pytest.raises(ConfigurationError, match=says):
        tasks.run(build_dataset, params=params)
    assert warehouse.value("SELECT count(*) FROM ljwx.datasets") == 0


def told(known_at: datetime | None = None) -> pl.DataFrame:
    """Every snapshot of the warehouse, as known at a moment or now."""
    hook, names = WarehouseHook(), list(feature_names())
    bars = hook.bars(date.min, date.max, known_at)
    features = hook.features(names, FEATURE_VERSION, date(2025, 1, 1), date(2026, 12, 31), known_at)
    return snapshots(bars, features, SampleSpec()).select("ts_code", "session", "snapshot")


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(at=st.integers(0, 59), factors=st.lists(st.sampled_from([0.5, 0.9, 1.2, 2.0]), min_size=1, max_size=3))
def test_no_later_vintage_of_a_factor_changes_what_was_known_or_what_is_told_of_earlier_sessions(
    warehouse: Database, tasks: TaskRunner, at: int, factors: list[float]
) -> None:
    then = warehouse.value("SELECT clock_timestamp()")
    sessions = warehouse.column("SELECT session FROM ljwx.ingest_days ORDER BY session")[-60:]
    base = told()
    assert base["snapshot"].drop_nulls().len() > 500
    changed = sessions[at:][: len(factors)]
    for session, factor in zip(changed, factors, strict=False):
        correct(warehouse, tasks, session, adj_factor=factor)
    assert told(then).equals(base)
    earlier = pl.col("session") < changed[0]
    assert told().filter(earlier).equals(base.filter(earlier))
    assert not told().equals(base)


def test_sessions_that_had_no_features_on_the_day_are_left_out_as_a_build_of_that_day_would_have(
    warehouse: Database, tasks: TaskRunner
) -> None:
    until = tasks.run(build_dataset, params={"until": "2026-02-27"})
    warehouse.execute("UPDATE ljwx.features SET first_seen = now() WHERE session = '2026-03-02'")
    with pytest.raises(AirflowSkipException, match=f"dataset {until} is there already: what was known then gives"):
        tasks.run(build_dataset, params={"known_on": days_ago(warehouse, 5)})
    warehouse.execute("UPDATE ljwx.features SET first_seen = now()")
    says = rf"had no features of version {FEATURE_VERSION} yet; ask for a later day"
    with pytest.raises(ConfigurationError, match=says):
        tasks.run(build_dataset, params={"known_on": days_ago(warehouse, 5)})


def test_new_bars_are_never_told_with_the_features_of_the_old_ones(warehouse: Database, tasks: TaskRunner) -> None:
    """Another ingest has corrected a bar and not computed its features yet when events of the first wake a run."""
    correct(warehouse, None, DAY, close=1.03, high=1.05)
    for run_type in ("asset_triggered", "manual"):
        with pytest.raises(AirflowSkipException, match=f"bars from {DAY} on wait for their features"):
            tasks.run(build_dataset, run_type=run_type)
    assert warehouse.value("SELECT count(*) FROM ljwx.datasets") == 0
    outputs = warehouse.column(
        "SELECT outputs FROM ljwx.runs WHERE task_id = 'build_dataset' AND finished_at IS NOT NULL"
    )
    assert [set(told) for told in outputs] == [{"skipped"}] * 2
    tasks.run(compute_features, CHUNKS)
    assert tasks.run(build_dataset) == warehouse.value("SELECT dataset_id FROM ljwx.datasets")
