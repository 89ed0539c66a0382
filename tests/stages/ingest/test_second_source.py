"""A second source that watches the first."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ljwx.exceptions import ConfigurationError, NotYetPublished
from ljwx.services.doctor.market import second_source
from ljwx.stages.ingest.bars import ingest_bars
from ljwx.stages.ingest.plan import plan_ingest
from support_chain import Database
from support_tasks import TaskRunner
from support_tushare import TushareServer

DAY = "2026-03-03"
DAILY = "query_daily_history_k_AStock"


@pytest.fixture(autouse=True)
def watched(market: TushareServer, tasks: TaskRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_OTHER", market.baostock())
    watch(tasks)


def watch(tasks: TaskRunner, **more: Any) -> None:
    tasks.variables["ljwx_training_config"] = {"ingest": {"second_source": "other", **more}}


def ingested(tasks: TaskRunner) -> dict[str, int]:
    (chunk,) = tasks.run(plan_ingest, partition_key=DAY)
    counts: dict[str, int] = tasks.run(ingest_bars, chunk)
    return counts


def test_what_both_have_is_compared_and_counted(db: Database, tasks: TaskRunner) -> None:
    counts = ingested(tasks)
    shared = db.value("SELECT count(*) FROM ljwx.current_bars WHERE ts_code NOT LIKE '%%.BJ'")
    assert (counts["compared"], counts["differing_close"], counts["differing_pre_close"]) == (shared, 0, 0)
    found = second_source()
    assert found is not None
    assert found.ok
    assert f"other: of {shared} bars of the last 30 days 0 closes" in found.found


def test_what_differs_is_counted_and_stays_unless_the_settings_refuse_it(
    db: Database, market: TushareServer, tasks: TaskRunner
) -> None:
    market.faults(**{DAILY: {"kind": "wrong_types", "column": "close", "share": 1.0}})
    counts = ingested(tasks)
    assert counts["differing_close"] == counts["compared"] > 10
    assert db.value("SELECT count(*) FROM ljwx.quarantine") == 0
    found = second_source()
    assert found is not None
    assert (found.ok, "ingest.quarantine_differing" in found.advice) == (False, True)
    watch(tasks, quarantine_differing=["close"])
    with pytest.raises(NotYetPublished, match="in quarantine"):
        ingested(tasks)
    refused = db.rows("SELECT reasons, raw FROM ljwx.quarantine WHERE 'differs:close' = ANY (reasons)")
    assert len(refused) == counts["compared"]
    assert {row["raw"]["close_there"] for row in refused} == {7.0}


def test_its_trouble_stops_nothing(
    db: Database, market: TushareServer, tasks: TaskRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    market.faults(**{DAILY: {"kind": "banned"}})
    counts = ingested(tasks)
    assert "compared" not in counts
    assert db.column("SELECT complete FROM ljwx.ingest_days") == [True]


def test_a_connection_that_is_not_there_is_named(
    db: Database, tasks: TaskRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    (chunk,) = tasks.run(plan_ingest, partition_key=DAY)
    monkeypatch.setenv("AIRFLOW_CONN_OTHER", json.dumps({"conn_type": "tencent"}))
    with pytest.raises(ConfigurationError, match="connection other: name the stocks"):
        tasks.run(ingest_bars, chunk)
    assert db.value("SELECT count(*) FROM ljwx.ingest_days") == 0
