"""The stage `bars` from the wire to the table, against a server that speaks TuShare's protocol."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowSkipException

from ljwx.exceptions import BadToken, ConfigurationError, MalformedAnswer, NotYetPublished
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.sources.tushare.client import TushareClient
from ljwx.sources.tushare.interfaces import DAILY
from ljwx.stages.ingest.bars import ingest_bars
from ljwx.stages.ingest.plan import plan_ingest
from support_chain import Database, ingest
from support_tasks import TaskRunner
from support_tushare import TushareServer

FIRST, LAST = "2026-02-26", "2026-03-06"
SESSIONS = ["2026-02-26", "2026-02-27", "2026-03-02", "2026-03-03", "2026-03-04", "2026-03-05", "2026-03-06"]
DAY = "2026-03-03"
INIT_DEFAULTS: dict[str, Any] = dict(TushareClient.__init__.__kwdefaults__ or {})
FLAGS = "SELECT flags FROM ljwx.current_bars WHERE session = %s AND ts_code = %s"
SENT = {"open", "high", "low", "close", "pre_close", "vol", "amount", "adj_factor", "up_limit", "down_limit"}


def on_the_wire(market: TushareServer, api_name: str, day: str) -> dict[str, dict[str, object]]:
    return {row["ts_code"]: row for row in market.rows(api_name, trade_date=day.replace("-", ""))}


def test_a_range_is_planned_by_months_with_its_reference_data(
    db: Database, market: TushareServer, tasks: TaskRunner
) -> None:
    chunks = tasks.run(plan_ingest, params={"start_date": "2026-02-25", "end_date": "2026-03-08"})
    assert chunks == [{"first": "2026-02-25", "last": "2026-02-27"}, {"first": "2026-03-02", "last": "2026-03-06"}]
    stocks = [row for state in "LDPG" for row in market.rows("stock_basic", list_status=state)]
    assert db.value("SELECT count(*) FROM ljwx.instruments") == len(stocks)
    assert [f"{day}" for day in db.column("SELECT session FROM ljwx.sessions ORDER BY 1")] == ["2026-02-25", *SESSIONS]


def test_a_partition_key_is_the_one_session(db: Database, market: TushareServer, tasks: TaskRunner) -> None:
    assert tasks.run(plan_ingest, partition_key=DAY) == [{"first": DAY, "last": DAY}]


def test_a_day_on_which_the_exchange_turns_out_closed_is_skipped_and_nothing_is_written(
    db: Database, market: TushareServer, tasks: TaskRunner
) -> None:
    with pytest.raises(AirflowSkipException, match="closed from 2026-03-07"):
        tasks.run(plan_ingest, partition_key="2026-03-07")
    assert set(db.counts().values()) == {0}


CALENDAR: dict[str, tuple[list[list[Any]], str]] = {
    "nothing": ([], "2026-03-02: []; 2026-03-03: []"),
    "one day of two": ([["20260302", 1]], "on 1 day(s): 2026-03-03: []"),
    "a text": ([["20260302", "0"], ["20260303", 1]], 'on 1 day(s): 2026-03-02: ["0"]'),
    "null": ([["20260302", None], ["20260303", 1]], "on 1 day(s): 2026-03-02: [null]"),
    "both open and closed": ([["20260302", 1], ["20260302", 0], ["20260303", 1]], "2026-03-02: [1, 0]"),
}


@pytest.mark.parametrize("name", CALENDAR)
def test_a_calendar_that_does_not_say_of_each_day_whether_it_was_open_is_not_believed(
    db: Database, market: TushareServer, tasks: TaskRunner, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(TushareClient.__init__, "__kwdefaults__", {**INIT_DEFAULTS, "retry_budget": 0.0})
    days, says = CALENDAR[name]
    items = [["SSE", day, is_open, "20260227"] for day, is_open in days]
    data = {"fields": ["exchange", "cal_date", "is_open", "pretrade_date"], "items": items, "has_more": False}
    market.faults(trade_cal={"kind": "literal", "body": json.dumps({"code": 0, "data": data, "msg": ""})})
    with pytest.raises(MalformedAnswer) as refused:
        tasks.run(plan_ingest, params={"start_date": "2026-03-02", "end_date": DAY})
    assert says in str(refused.value)
    assert set(db.counts().values()) == {0}


def test_bars_are_what_the_server_sent(db: Database, market: TushareServer, tasks: TaskRunner) -> None:
    ingest(tasks, FIRST, LAST)
    assert [f"{day}" for day in WarehouseHook().complete_sessions()] == SESSIONS
    for session in SESSIONS:
        daily, factors, limits = (on_the_wire(market, api, session) for api in ("daily", "adj_factor", "stk_limit"))
        stored = db.rows("SELECT * FROM ljwx.current_bars WHERE session = %s", date.fromisoformat(session))
        assert len(stored) == len(daily) > 10
        for row in stored:
            sent = daily[row["ts_code"]] | factors[row["ts_code"]] | limits[row["ts_code"]]
            assert {name: row[name] for name in SENT} == {name: sent[name] for name in SENT}


def test_a_second_run_inserts_and_revises_nothing(db: Database, market: TushareServer, tasks: TaskRunner) -> None:
    (chunk,) = ingest(tasks, "2026-03-02", LAST)
    written = ("bars", "instruments", "names", "sessions", "quarantine", "suspensions")
    before = db.state(*written)
    assert tasks.run(plan_ingest, params={"start_date": "2026-03-02", "end_date": LAST}) == [chunk]
    again = tasks.run(ingest_bars, chunk)
    nothing = dict.fromkeys(("inserted", "revised", "quarantined", "withdrawn", "index_bars", "index_bars_revised"), 0)
    assert again == {"sessions": 5, **nothing}
    assert db.state(*written) == before
    assert db.column("SELECT outputs -> 'inserted' FROM ljwx.runs WHERE task_id = 'ingest_bars' ORDER BY run_key") == [
        len(before["bars"]), 0,
    ]  # fmt: skip


def test_a_partly_published_day_is_kept_but_counts_as_incomplete_until_it_is_whole(
    db: Database, market: TushareServer, tasks: TaskRunner
) -> None:
    whole = on_the_wire(market, "daily", DAY)
    (chunk,) = tasks.run(plan_ingest, partition_key=DAY)
    market.faults(daily={"kind": "partial", "share": 0.5})
    part = on_the_wire(market, "daily", DAY)
    assert 0 < len(part) < len(whole)
    missing = sorted(set(whole) - set(part))
    with pytest.raises(NotYetPublished, match=rf"{DAY}: {len(part)} of {len(whole)} bars, .*missing {missing[0]}"):
        tasks.run(ingest_bars, chunk)
    day = date.fromisoformat(DAY)
    assert db.rows("SELECT complete, expected, received, missing FROM ljwx.ingest_days") == [
        {"complete": False, "expected": len(whole), "received": len(part), "missing": missing}
    ]
    assert db.value("SELECT count(*) FROM ljwx.bars") == len(part)
    assert WarehouseHook().bars(day, day).is_empty()
    assert db.column("SELECT finished_at FROM ljwx.runs WHERE task_id = 'ingest_bars'") == [None]

    market.faults()
    assert tasks.run(ingest_bars, chunk)["inserted"] == len(missing)
    assert WarehouseHook().bars(day, day).height == len(whole)


def test_a_value_of_the_wrong_type_puts_the_row_in_quarantine_as_it_came(
    db: Database, market: TushareServer, tasks: TaskRunner
) -> None:
    good = on_the_wire(market, "daily", DAY)
    (chunk,) = tasks.run(plan_ingest, partition_key=DAY)
    market.faults(daily={"kind": "wrong_types", "column": "close", "share": 0.5})
    with pytest.raises(NotYetPublished):
        tasks.run(ingest_bars, chunk)
    refused = db.rows("SELECT ts_code, reasons, raw FROM ljwx.quarantine")
    kept = db.column("SELECT ts_code FROM ljwx.bars")
    assert refused
    assert kept
    assert sorted([*kept, *(row["ts_code"] for row in refused)]) == sorted(good)
    for row in refused:
        assert "types" in row["reasons"]
        assert row["raw"]["close"] == f"{good[row['ts_code']]['close']}元"
        assert float(row["raw"]["open"]) == good[row["ts_code"]]["open"]
    assert db.rows("SELECT complete, quarantined, missing FROM ljwx.ingest_days") == [
        {"complete": False, "quarantined": len(refused), "missing": []}
    ]


def test_a_corrected_price_becomes_a_revision(db: Database, market: TushareServer, tasks: TaskRunner) -> None:
    (chunk,) = tasks.run(plan_ingest, partition_key=DAY)
    market.faults(adj_factor={"kind": "glitch", "share": 0.5})
    tasks.run(ingest_bars, chunk)
    glitched = {row["ts_code"]: row["adj_factor"] for row in db.rows("SELECT ts_code, adj_factor FROM ljwx.bars")}
    market.faults()
    factors = on_the_wire(market, "adj_factor", DAY)
    wrong = {code for code, factor in glitched.items() if factor != factors[code]["adj_factor"]}
    assert wrong
    assert tasks.run(ingest_bars, chunk)["revised"] == len(wrong)
    assert set(db.column("SELECT ts_code FROM ljwx.bars WHERE superseded_at IS NOT NULL")) == wrong


def test_the_first_session_of_the_calendar_has_none_before_it(
    db: Database, market: TushareServer, tasks: TaskRunner
) -> None:
    first = "2005-01-04"
    chunks = tasks.run(plan_ingest, params={"start_date": first, "end_date": first})
    with pytest.raises(NotYetPublished, match=rf"{first}: 0 of \d+ bars"):
        tasks.run(ingest_bars, *chunks)


@pytest.mark.parametrize("hole", [None, "2026-02-05"])
def test_a_resuming_stock_is_compared_with_its_own_last_bar(
    market_db: Database, market: TushareServer, tasks: TaskRunner, hole: str | None
) -> None:
    """000006.SZ rests from 2026-01-30 on; where a session between is missing nobody knows its last bar."""
    code, resumed = "000006.SZ", "2026-02-12"
    assert "ex_right" not in market_db.value(FLAGS, resumed, code)
    wanted = ",".join(DAILY)
    rows = market.rows("daily", trade_date=resumed.replace("-", ""), fields=wanted)
    (mine,) = (row for row in rows if row["ts_code"] == code)
    mine["pre_close"] = round(mine["pre_close"] * 0.995, 2)
    mine |= {"change": round(mine["close"] - mine["pre_close"], 2), "pct_chg": None}
    data = {"fields": list(DAILY), "items": [[row[name] for name in DAILY] for row in rows], "has_more": False}
    answer = json.dumps({"code": 0, "data": data, "msg": ""})
    market.faults(daily={"kind": "literal", "body": answer, "count": 1})
    if hole:
        market_db.execute("UPDATE ljwx.ingest_days SET complete = false WHERE session = %s", hole)
    assert tasks.run(ingest_bars, {"first": resumed, "last": resumed})["revised"] == 1
    assert ("ex_right" in market_db.value(FLAGS, resumed, code)) is (hole is None)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({}, "give start_date and end_date, or trigger the run with a session as its partition key"),
        ({"start_date": FIRST}, "give start_date and end_date, or trigger the run with a session as its partition key"),
        ({"start_date": LAST, "end_date": FIRST}, f"end_date {FIRST} is before start_date {LAST}; swap them"),
        (
            {"start_date": "2026-03-07", "end_date": "2026-03-08"},
            "there is no trading session from 2026-03-07 to 2026-03-08; choose a longer range",
        ),
        (
            {"start_date": FIRST, "end_date": "2026-11-21"},
            "end_date 2026-11-21 is in the future (today is 2026-11-20 in Shanghai); there is no data yet",
        ),
        (
            {"start_date": "2026-02-30", "end_date": LAST},
            "start_date '2026-02-30' is not a date; write it as YYYY-MM-DD",
        ),
        (
            {"start_date": "1999-01-04", "end_date": LAST},
            "start_date 1999-01-04 is before 2005-01-04, where the shipped calendar begins",
        ),
        ({"start_date": FIRST, "end_date": "yesterday"}, "end_date 'yesterday' is not a date; write it as YYYY-MM-DD"),
    ],
)
def test_dates_that_make_no_range_are_refused_in_one_line_and_nothing_is_written(
    db: Database, market: TushareServer, tasks: TaskRunner, params: dict[str, str], message: str
) -> None:
    asked = market.stats()["total"]
    with pytest.raises(ConfigurationError) as refused:
        tasks.run(plan_ingest, params=params)
    assert str(refused.value) == message
    assert set(db.counts().values()) == {0}
    assert market.stats()["total"] == asked


def test_a_wrong_token_fails_and_nothing_is_written(
    db: Database, market: TushareServer, tasks: TaskRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_TUSHARE_DEFAULT", market.connection(token="not-a-token-2893"))
    with pytest.raises(BadToken) as refused:
        tasks.run(plan_ingest, params={"start_date": FIRST, "end_date": LAST})
    assert "2893" not in str(refused.value)
    assert len(str(refused.value).splitlines()) == 1
    assert set(db.counts().values()) == {0}
