"""Levels of indexes: fetched beside the bars from each source that has them, kept as revisions, never waited for."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest

from ljwx.core.features.of_index import TABLE, index_table
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.services.ingesting.source import limited_source
from ljwx.stages.ingest.facts import save_facts
from ljwx.warehouse.runs import RunRef
from support_chain import Database, ingest
from support_tasks import TaskRunner
from support_tushare import TushareServer

WEEK = "2026-03-02", "2026-03-06"
STORED = "SELECT session, ts_code, open, high, low, close, pre_close FROM ljwx.index_bars ORDER BY ts_code, session"
KEPT = ("bars", "ingest_days", "complete_days", "features", "instruments", "quarantine")


def run_key(hook: WarehouseHook) -> int:
    return hook.start_run(RunRef("tests", "index", "save"))


def served(market: TushareServer, code: str) -> list[tuple[Any, ...]]:
    rows = market.rows("index_daily", ts_code=code, start_date="20260302", end_date="20260306")
    return [
        (date.fromisoformat(row["trade_date"]), code, *(row[name] for name in TABLE.columns)) for row in reversed(rows)
    ]


@pytest.mark.parametrize("source", ["tushare", "baostock"])
def test_the_benchmark_is_stored_as_the_source_states_it_and_once(
    source: str, market_db: Database, market: TushareServer, tasks: TaskRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    if source == "baostock":
        monkeypatch.setenv("AIRFLOW_CONN_TUSHARE_DEFAULT", market.baostock())
    else:
        market_db.execute("DELETE FROM ljwx.index_bars")
    hook, days = WarehouseHook(), [date(2026, 3, 2) + timedelta(days=n) for n in range(5)]
    market_db.execute("DELETE FROM ljwx.index_bars")
    before = market_db.state(*KEPT)
    found = tasks.run(save_facts, limited_source(hook), hook, run_key(hook), days)
    assert found == {"index_bars": 5, "index_bars_revised": 0}
    assert [tuple(row.values()) for row in market_db.rows(STORED)] == served(market, "000300.SH")
    assert market_db.state(*KEPT) == before
    again = tasks.run(save_facts, limited_source(hook), hook, run_key(hook), days)
    assert again == {"index_bars": 0, "index_bars_revised": 0}


def test_an_ingest_fetches_the_indexes_of_the_settings(
    market_db: Database, market: TushareServer, tasks: TaskRunner
) -> None:
    market_db.execute("DELETE FROM ljwx.index_bars")
    tasks.variables["ljwx_training_config"] = {"ingest": {"indexes": []}}
    ingest(tasks, *WEEK)
    assert market_db.rows(STORED) == []
    tasks.variables["ljwx_training_config"] = {"ingest": {"indexes": ["399006.SZ", "000905.SH"]}}
    ingest(tasks, *WEEK)
    rows = [tuple(row.values()) for row in market_db.rows(STORED)]
    assert rows == [*served(market, "000905.SH"), *served(market, "399006.SZ")]


def test_a_source_without_them_fails_nothing(
    market_db: Database, market: TushareServer, tasks: TaskRunner, caplog: pytest.LogCaptureFixture
) -> None:
    market_db.execute("DELETE FROM ljwx.index_bars")
    market.faults(index_daily={"kind": "ip_limit"})
    before = market_db.rows("SELECT session, complete, received FROM ljwx.ingest_days ORDER BY 1")
    ingest(tasks, *WEEK)
    assert market_db.rows("SELECT session, complete, received FROM ljwx.ingest_days ORDER BY 1") == before
    assert market_db.rows(STORED) == []
    assert "no index_bars of 000300.SH, which this source does not carry" in caplog.text


def test_an_index_that_the_source_does_not_know_leaves_the_others(
    market_db: Database, market: TushareServer, tasks: TaskRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    market_db.execute("DELETE FROM ljwx.index_bars")
    monkeypatch.setenv("AIRFLOW_CONN_TUSHARE_DEFAULT", market.baostock())
    tasks.variables["ljwx_training_config"] = {"ingest": {"indexes": ["930955.CSI", "000001.SZ", "000300.SH"]}}
    hook = WarehouseHook()
    found = tasks.run(save_facts, limited_source(hook), hook, run_key(hook), [date(2026, 3, 6)])
    assert found["index_bars"] == 1
    assert market_db.column("SELECT ts_code FROM ljwx.index_bars") == ["000300.SH"]


def test_a_scheduled_run_makes_up_for_sessions_without_it(
    market_db: Database, market: TushareServer, tasks: TaskRunner
) -> None:
    market_db.execute("DELETE FROM ljwx.index_bars WHERE session > '2026-02-27'")
    hook, week = WarehouseHook(), (date(2026, 3, 2), date(2026, 3, 6))
    assert len(hook.sessions_short_of(TABLE, *week)) == 5
    found = tasks.run(
        save_facts, limited_source(hook), hook, run_key(hook), [date(2026, 3, 9)], run_type="scheduled"
    )  # fmt: skip
    assert found["index_bars"] >= 6
    assert hook.sessions_short_of(TABLE, *week) == []
    assert len(hook.sessions_short_of(index_table("000905.SH"), *week)) == 5, "each index for itself"


def test_a_correction_is_a_revision_that_was_not_known_before(market_db: Database) -> None:
    hook, day = WarehouseHook(), date(2026, 3, 3)
    market_db.execute("DELETE FROM ljwx.index_bars")
    levels = {"open": [3990.0], "high": [4010.0], "low": [3980.0], "close": [4000.0], "pre_close": [None]}
    rows = pl.DataFrame({"ts_code": ["000300.SH"], "session": [day], **levels}, schema=TABLE.schema)
    assert hook.save_facts(run_key(hook), TABLE, rows).inserted == 1
    then = hook.moment()
    assert hook.save_facts(run_key(hook), TABLE, rows.with_columns(close=4001.0)).revised == 1
    assert hook.facts(TABLE, day, day)["close"].to_list() == [4001.0]
    assert hook.facts(TABLE, day, day, then)["close"].to_list() == [4000.0]
    assert hook.facts(TABLE, day, day, then - timedelta(days=1)).is_empty()
