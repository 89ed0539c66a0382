"""What a run of the ingest comes to when some of its months fail: Airflow's own scheduling decides, in one process."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from typing import Any

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
