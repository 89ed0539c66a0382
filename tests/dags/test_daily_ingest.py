"""What a run of the ingest comes to when some of its months fail: Airflow's own scheduling decides, in one process."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from datetime import date
from typing import Any

import pytest

from ljwx.resources import sse_calendar
from support_chain import Database
from support_dags import ended
from support_tushare import TushareServer


def literal(fields: list[str], *items: list[Any]) -> dict[str, Any]:
    data = {"fields": fields, "items": items, "has_more": False}
    return {"kind": "literal", "body": json.dumps({"code": 0, "data": data, "msg": ""})}


def test_the_other_months_get_their_features_when_one_is_incomplete_and_the_run_fails_all_the_same(
    airflow: subprocess.Popen[str], db: Database, market: TushareServer
) -> None:
    market.faults(daily={"kind": "partial", "share": 0.5, "count": 1})
    state, tasks = ended(airflow, "ljwx_daily_ingest", {"start_date": "2026-02-26", "end_date": "2026-03-04"})
    assert tasks["ingest_bars"] == Counter(failed=1, success=1)
    assert tasks["compute_features"] == tasks["announce_bars"] == tasks["check_gaps"] == Counter(success=1)
    assert tasks["whole"] == Counter(upstream_failed=1)
    assert state == "failed"
    assert db.value("SELECT count(*) FROM ljwx.ingest_days WHERE NOT complete") == 1
    complete = db.column("SELECT session::text FROM ljwx.ingest_days WHERE complete ORDER BY 1")
    assert len(complete) == 4
    assert db.column("SELECT DISTINCT session::text FROM ljwx.features ORDER BY 1") == complete


def test_a_closed_day_skips_everything_and_a_plan_that_fails_fails_the_run(
    airflow: subprocess.Popen[str], db: Database, market: TushareServer
) -> None:
    columns = ["exchange", "cal_date", "is_open", "pretrade_date"]
    market.faults(trade_cal=literal(columns, ["SSE", "20260302", 0, "20260227"]))
    state, tasks = ended(airflow, "ljwx_daily_ingest", {"start_date": "2026-03-02", "end_date": "2026-03-02"})
    assert {name for name, states in tasks.items() if states == Counter(success=1)} == {"migrate_warehouse"}
    assert {state for states in tasks.values() for state in states} == {"success", "skipped"}
    assert state == "success"
    state, tasks = ended(airflow, "ljwx_daily_ingest", {"start_date": "2026-03-08", "end_date": "2026-03-08"})
    assert state == "failed"
    assert tasks["check_gaps"] == tasks["whole"] == Counter(upstream_failed=1)


def test_a_scheduled_run_makes_up_for_the_sessions_before_it_and_announces_each(
    airflow: subprocess.Popen[str], db: Database, market: TushareServer
) -> None:
    state, _ = ended(airflow, "ljwx_daily_ingest", {"start_date": "2026-02-10", "end_date": "2026-02-11"})
    assert state == "success"
    state, tasks = ended(airflow, "ljwx_daily_ingest", {}, session="2026-03-04")
    assert (state, tasks["ingest_bars"]) == ("success", Counter(success=3))
    complete = db.column("SELECT session::text FROM ljwx.ingest_days WHERE complete ORDER BY 1")
    assert complete[2:] == [f"{day}" for day in sse_calendar().between(date(2026, 2, 12), date(2026, 3, 4))]
    announced = "SELECT outputs -> 'announced' FROM ljwx.runs WHERE task_id = 'announce_bars' ORDER BY run_key"
    assert db.column(announced) == [2, len(complete) - 2]


def test_a_small_token_goes_from_bars_to_features(
    airflow: subprocess.Popen[str], db: Database, market: TushareServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The list of stocks and the calendar come once an hour; this market needs a question for each list state."""
    monkeypatch.setenv("AIRFLOW_CONN_TUSHARE_DEFAULT", market.connection(token="sandbox-rare"))
    for session in ("2026-03-02", "2026-03-03"):
        state, tasks = ended(airflow, "ljwx_daily_ingest", {}, session=session)
        assert (state, tasks["ingest_bars"], tasks["announce_bars"]) == ("success", *[Counter(success=1)] * 2)
    assert db.column("SELECT DISTINCT deferred FROM ljwx.ingest_days") == [["stock_basic"]]
    assert db.column("SELECT DISTINCT session::text FROM ljwx.features ORDER BY 1") == ["2026-03-02", "2026-03-03"]
