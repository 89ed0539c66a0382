"""A second feature group goes through the stage with a folder, a migration and nothing else."""

from __future__ import annotations

import json
from datetime import date

import polars as pl
import pytest

from ljwx.core.datasets.spec import SampleSpec
from ljwx.core.features import FEATURE_VERSION, feature_names
from ljwx.core.snapshots.snapshot import snapshots
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.stages.ingest.features import compute_features
from ljwx.warehouse.runs import RunRef
from support_chain import FIRST, LAST, Database, whole_day
from support_feature_group import MIGRATION
from support_tasks import TaskRunner

RANGE = [{"first": FIRST, "last": LAST}]
SESSION = date(2026, 3, 2)
OLD = "SELECT to_jsonb(f) - '{revision,first_seen,superseded_at,run_key,gap_1}'::text[] FROM ljwx.current_features f \
ORDER BY ts_code, session"


def correct_open(by: float) -> None:
    """Let the source correct every opening price of a session."""
    hook = WarehouseHook()
    bars = hook.bars(SESSION, SESSION).with_columns(pl.col("open") + by)
    day = whole_day(SESSION, expected=bars.height, received=bars.height)
    hook.save_day(hook.start_run(RunRef("tests", "correction", "save")), day, bars)


def test_its_columns_are_computed_for_the_sessions_that_are_there(
    market_db: Database, tasks: TaskRunner, two_groups: object
) -> None:
    before = market_db.column(OLD)
    market_db.execute(MIGRATION)
    tasks.run(compute_features, RANGE)
    assert market_db.column(OLD) == before
    wrong = market_db.value(
        """SELECT count(*) FROM (
               SELECT ts_code, session, open * adj_factor
                      / lag(close * adj_factor) OVER (PARTITION BY ts_code ORDER BY session) - 1 AS gap
               FROM ljwx.current_bars
           ) AS b JOIN ljwx.current_features f USING (ts_code, session)
           WHERE (gap IS NULL) <> (gap_1 IS NULL) OR abs(gap - gap_1) > 1e-12"""
    )
    assert wrong == 0
    assert market_db.value("SELECT count(gap_1) FROM ljwx.current_features") > 1000
    assert WarehouseHook().stale_from(FEATURE_VERSION) is None
    state = market_db.state("features")
    tasks.run(compute_features, RANGE)
    assert market_db.state("features") == state


def test_a_correction_of_what_it_reads_makes_its_session_stale(
    market_db: Database, tasks: TaskRunner, two_groups: object
) -> None:
    market_db.execute(MIGRATION)
    tasks.run(compute_features, RANGE)
    correct_open(by=0.01)
    assert WarehouseHook().stale_from(FEATURE_VERSION) == SESSION
    tasks.run(compute_features, RANGE)
    revised = "SELECT DISTINCT session FROM ljwx.features WHERE superseded_at IS NOT NULL AND gap_1 IS NOT NULL"
    assert market_db.column(revised) == [SESSION]
    assert WarehouseHook().stale_from(FEATURE_VERSION) is None


def test_without_it_the_same_correction_makes_nothing_stale(market_db: Database) -> None:
    correct_open(by=0.01)
    assert WarehouseHook().stale_from(FEATURE_VERSION) is None


@pytest.mark.parametrize("groups", [("technical",), ("technical", "auction")])
def test_a_snapshot_from_the_warehouse_holds_it_where_it_is_asked_for(
    market_db: Database, tasks: TaskRunner, two_groups: object, groups: tuple[str, ...]
) -> None:
    market_db.execute(MIGRATION)
    tasks.run(compute_features, RANGE)
    hook, first = WarehouseHook(), date.fromisoformat(FIRST)
    features = hook.features(feature_names(), FEATURE_VERSION, first, SESSION)
    made = snapshots(hook.bars(first, SESSION), features, SampleSpec(feature_groups=groups))
    texts = made.filter(pl.col("session") == SESSION)["snapshot"].drop_nulls()
    assert len(texts) > 10
    for text in texts:
        facts = json.loads(text)
        assert ("auction" in facts) == ("gap" in facts["readings"]) == ("auction" in groups)
