"""Facts beside the bars: fetched where the settings name their group, kept as revisions, read as they were known."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from ljwx.core.features.fundamentals import FUNDAMENTALS
from ljwx.core.features.fundamentals import TABLE as ANNOUNCED
from ljwx.core.features.tables import FactTable
from ljwx.core.features.valuation import VALUATION
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.services.ingesting.source import limited_source
from ljwx.stages.ingest.facts import save_facts
from ljwx.stages.samples.dataset import build_dataset
from ljwx.warehouse.runs import RunRef
from support_chain import SMALL, Database, ingest
from support_tasks import TaskRunner
from support_tushare import TushareServer

GROUPS = ["technical", "valuation", "money_flow"]
WITH_FACTS: dict[str, Any] = {**SMALL, "samples": {**SMALL["samples"], "feature_groups": GROUPS}}
WEEK = "2026-03-02", "2026-03-06"
TABLE = VALUATION.table
assert TABLE is not None
VALUATIONS: FactTable = TABLE
KEPT = ("bars", "ingest_days", "complete_days", "features", "instruments", "quarantine")
STORED = "SELECT ts_code, pe_ttm, pb, float_value FROM ljwx.valuations WHERE session = '2026-03-03' ORDER BY 1"


def run_key(hook: WarehouseHook) -> int:
    return hook.start_run(RunRef("tests", "facts", "save"))


def test_what_the_source_states_is_stored_and_the_bars_stay_as_they_are(
    market_db: Database, market: TushareServer, tasks: TaskRunner
) -> None:
    before = market_db.state(*KEPT)
    ingest(tasks, *WEEK)
    assert market_db.value("SELECT count(*) FROM ljwx.valuations") == 0, "no group asks for them"
    tasks.variables["ljwx_training_config"] = WITH_FACTS
    ingest(tasks, *WEEK)
    after = market_db.state(*KEPT)
    assert {table for table in KEPT if before[table] != after[table]} <= {"ingest_days"}
    wire = sorted(market.rows("daily_basic", trade_date="20260303"), key=lambda row: str(row["ts_code"]))
    assert [tuple(row.values()) for row in market_db.rows(STORED)] == [
        (row["ts_code"], row["pe_ttm"], row["pb"], row["circ_mv"]) for row in wire
    ]
    assert any(row["pe_ttm"] is None for row in wire), "the sandbox has loss-makers"
    assert market_db.value("SELECT count(DISTINCT session) FROM ljwx.money_flows") == 5
    state = market_db.state("valuations", "money_flows")
    ingest(tasks, *WEEK)
    assert market_db.state("valuations", "money_flows") == state


def test_a_tier_without_them_fails_nothing(
    market_db: Database, market: TushareServer, tasks: TaskRunner, caplog: pytest.LogCaptureFixture
) -> None:
    tasks.variables["ljwx_training_config"] = WITH_FACTS
    market.faults(daily_basic={"kind": "ip_limit"}, moneyflow={"kind": "ip_limit"})
    ingest(tasks, *WEEK)
    assert market_db.value("SELECT count(*) FROM ljwx.valuations") == 0
    assert "no valuations, which this source does not carry" in caplog.text


def test_a_correction_is_a_revision_that_was_not_known_before(market_db: Database, tasks: TaskRunner) -> None:
    hook, day = WarehouseHook(), date(2026, 3, 3)
    row = {"ts_code": ["000001.SZ"], "session": [day], "pe_ttm": [10.0], "pb": [1.0], "ps_ttm": [2.0]}
    rows = pl.DataFrame({**row, "turnover": [1.5], "float_value": [900.0]}, schema=VALUATIONS.schema)
    assert hook.save_facts(run_key(hook), VALUATIONS, rows).inserted == 1
    then = hook.moment()
    assert hook.save_facts(run_key(hook), VALUATIONS, rows.with_columns(pe_ttm=11.0)).revised == 1
    assert hook.facts(VALUATIONS, day, day)["pe_ttm"].to_list() == [11.0]
    assert hook.facts(VALUATIONS, day, day, then).equals(rows)
    assert hook.facts(VALUATIONS, day, day, then - timedelta(days=1)).is_empty()
    features = rows.select("ts_code", "session")
    told = [hook.with_facts(features, [VALUATION], None, known_at=at)["pe_ttm"].to_list() for at in (then, None)]
    assert told == [[10.0], [11.0]]


def test_a_scheduled_run_makes_up_for_sessions_that_are_short_of_them(
    market_db: Database, market: TushareServer, tasks: TaskRunner
) -> None:
    tasks.variables["ljwx_training_config"] = WITH_FACTS
    hook = WarehouseHook()
    assert len(hook.sessions_short_of(VALUATIONS, date(2026, 3, 2), date(2026, 3, 6))) == 5
    source = limited_source(hook)
    found = tasks.run(save_facts, source, hook, run_key(hook), [date(2026, 3, 6)], run_type="scheduled")
    assert found["valuations"] > 5 * 15
    assert hook.sessions_short_of(VALUATIONS, date(2026, 3, 2), date(2026, 3, 6)) == []


def test_a_dataset_tells_them_and_its_card_says_for_which_share_of_samples(
    market_db: Database, market: TushareServer, tasks: TaskRunner, data_folder: Path
) -> None:
    tasks.variables["ljwx_training_config"] = WITH_FACTS
    ingest(tasks, "2025-12-01", "2026-01-30")
    dataset_id = tasks.run(build_dataset)
    card = json.loads((data_folder / "datasets" / dataset_id / "card.json").read_text(encoding="utf-8"))
    assert card["fact_groups"] == GROUPS
    texts = market_db.column("SELECT snapshot::text FROM ljwx.samples")
    snapshots = [json.loads(text) for text in texts]
    there = [each for each in snapshots if each["valuation"]["pb"] is not None]
    assert {each["session"] for each in there} == {
        each["session"] for each in snapshots if "2025-12-01" <= each["session"] <= "2026-01-30"
    }
    assert card["fact_group_share"]["valuation"] == pytest.approx(len(there) / len(snapshots), abs=0.005)
    assert card["fact_group_share"]["technical"] == 1.0


ASKED: dict[str, Any] = {**SMALL, "samples": {**SMALL["samples"], "feature_groups": ["technical", "fundamentals"]}}


def of_company(hook: WarehouseHook, ts_code: str, sessions: list[date], known_at: datetime | None = None) -> list[Any]:
    rows = pl.DataFrame({"ts_code": ts_code, "session": sessions})
    return hook.with_facts(rows, [FUNDAMENTALS], None, known_at=known_at)["roe"].to_list()


def test_announcements_are_stored_once_and_told_from_the_session_after_them(
    market_db: Database, market: TushareServer, tasks: TaskRunner
) -> None:
    tasks.variables["ljwx_training_config"] = ASKED
    ingest(tasks, *WEEK)
    state = market_db.state("fundamentals")
    assert set(market_db.column("SELECT kind FROM ljwx.fundamentals")) == {"report", "express"}, "none expects in March"
    ingest(tasks, *WEEK)
    assert market_db.state("fundamentals") == state
    hook = WarehouseHook()
    assert hook.sessions_short_of(ANNOUNCED, date(2026, 3, 2), date(2026, 3, 6)) == [], "none has to have any"
    published = hook.published(ANNOUNCED)
    assert published is not None
    assert published.rows == published.bars, "all have figures of their third quarter"
    wire = market.rows("fina_indicator_vip", period="20250930")
    one = next(row for row in wire if [each["ts_code"] for each in wire].count(row["ts_code"]) == 1)
    day = str(one["ann_date"])
    announced = date(int(day[:4]), int(day[4:6]), int(day[6:]))
    told = of_company(hook, str(one["ts_code"]), [announced, announced + timedelta(days=1)])
    assert told[0] != one["roe"]
    assert told[1] == one["roe"]


def test_a_correction_that_is_seen_later_changes_no_snapshot_of_before(market_db: Database, tasks: TaskRunner) -> None:
    hook, announced, session = WarehouseHook(), date(2026, 4, 24), date(2026, 4, 27)
    given = {"kind": "report", "period": date(2026, 3, 31), "announced": announced, "corrected": False, "roe": 2.0}
    row = pl.DataFrame([{**dict.fromkeys(ANNOUNCED.schema), "ts_code": "000001.SZ", **given}], schema=ANNOUNCED.schema)
    assert hook.save_facts(run_key(hook), ANNOUNCED, row).inserted == 1
    then = hook.moment()
    market_db.execute("UPDATE ljwx.fundamentals SET first_seen = '2026-05-04 18:30+08'")
    assert hook.save_facts(run_key(hook), ANNOUNCED, row.with_columns(roe=1.5)).revised == 1
    market_db.execute("UPDATE ljwx.fundamentals SET first_seen = '2026-06-01 18:30+08' WHERE revision = 2")
    days = [session, date(2026, 5, 29), date(2026, 6, 1)]
    assert of_company(hook, "000001.SZ", days) == [2.0, 2.0, 1.5]
    assert of_company(hook, "000001.SZ", days, known_at=datetime(2026, 5, 31, tzinfo=timezone.utc)) == [2.0] * 3
    assert of_company(hook, "000001.SZ", days, known_at=datetime(2026, 4, 30, tzinfo=timezone.utc)) == [None] * 3
    assert hook.save_facts(run_key(hook), ANNOUNCED, row.with_columns(roe=1.5)).revised == 0, str(then)


def test_a_tier_without_whole_quarters_has_the_forecasts_alone(
    market_db: Database, market: TushareServer, tasks: TaskRunner, caplog: pytest.LogCaptureFixture
) -> None:
    tasks.variables["ljwx_training_config"] = ASKED
    market.faults(fina_indicator_vip={"kind": "ip_limit"}, express_vip={"kind": "ip_limit"})
    ingest(tasks, "2026-01-12", "2026-01-16")
    assert market_db.column("SELECT DISTINCT kind FROM ljwx.fundamentals") == ["forecast"]
    assert caplog.text.count("going on without fina_indicator_vip") == 1
    market.faults(**{api: {"kind": "ip_limit"} for api in ("fina_indicator_vip", "express_vip", "forecast")})
    ingest(tasks, *WEEK)
    assert "no fundamentals, which this source does not carry" in caplog.text


def test_a_dataset_tells_announcements_and_its_card_says_so(
    market_db: Database, market: TushareServer, tasks: TaskRunner, data_folder: Path
) -> None:
    tasks.variables["ljwx_training_config"] = ASKED
    ingest(tasks, "2025-12-01", "2026-01-30")
    dataset_id = tasks.run(build_dataset)
    card = json.loads((data_folder / "datasets" / dataset_id / "card.json").read_text(encoding="utf-8"))
    assert card["fact_groups"] == ["technical", "fundamentals"]
    assert card["fact_group_share"]["fundamentals"] > 0.5
    announced = market_db.rows("SELECT ts_code, announced FROM ljwx.fundamentals WHERE kind <> 'forecast'")
    days = {(row["ts_code"], row["announced"].isoformat()) for row in announced}
    told = [json.loads(text) for text in market_db.column("SELECT snapshot::text FROM ljwx.samples")]
    with_figures = [each for each in told if each["fundamentals"]["age"] is not None]
    for each in with_figures:
        day = date.fromisoformat(each["session"]) - timedelta(days=each["fundamentals"]["age"])
        assert each["fundamentals"]["age"] >= 1
        assert (each["ts_code"], day.isoformat()) in days
    assert len(with_figures) > 0.5 * len(told)
