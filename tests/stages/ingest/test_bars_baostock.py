"""The stage `bars` from BaoStock, against the same market from TuShare's interfaces."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

import polars as pl
import pytest

from ljwx.exceptions import NotYetPublished, SourceUnavailable
from ljwx.hooks.market import market_source, try_market
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.resources import sse_calendar
from ljwx.services.doctor.market import tier, tushare
from ljwx.sources.baostock.client import BaostockClient
from ljwx.sources.baostock.wire import DAILY as DAILY_QUERY
from ljwx.sources.rows import Table
from ljwx.stages.ingest.bars import ingest_bars
from ljwx.stages.ingest.features import compute_features
from ljwx.stages.ingest.plan import plan_ingest
from ljwx.warehouse.market.sources import WarehouseKeeper
from ljwx_sandbox.postgres import EmbeddedPostgres
from support_chain import Database, connect, copied, database, ingest, running_tasks
from support_tasks import TaskRunner
from support_tushare import TushareServer

LACKING = ["adj_factor", "namechange", "stk_limit"]
"""What BaoStock lacks, by its stored names."""
SAME = ["open", "high", "low", "close", "pre_close", "vol", "amount"]
START, END = date(2025, 12, 1), date(2026, 3, 20)
DAY, BEFORE = "2026-03-03", "2026-03-02"
DAILY = "query_daily_history_k_AStock"


@pytest.fixture(scope="module")
def template(postgres: EmbeddedPostgres, migrated_template: str, market_process: TushareServer) -> str:
    """Bars of the whole range and their features, fetched from BaoStock."""
    with database(postgres, migrated_template, keep="chain_baostock") as name, running_tasks() as (runner, patch):
        connect(patch, postgres.url(name))
        patch.setenv("AIRFLOW_CONN_TUSHARE_DEFAULT", market_process.baostock())
        before = market_process.stats()["baostock"]["calls"]
        runner.run(compute_features, ingest(runner, f"{START}", f"{END}"))
        after = market_process.stats()["baostock"]["calls"]
        SPENT.update({query: count - before.get(query, 0) for query, count in after.items()})
    return name


SPENT: dict[str, int] = {}
"""The calls that the module's range took."""


@pytest.fixture
def whole(postgres: EmbeddedPostgres, template: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    with database(postgres, template) as name:
        connect(monkeypatch, postgres.url(name))
        yield Database(postgres.url(name))


@pytest.fixture
def baostock(market: TushareServer, monkeypatch: pytest.MonkeyPatch) -> TushareServer:
    """The small market's server without faults, whose BaoStock side the connection names."""
    monkeypatch.setenv("AIRFLOW_CONN_TUSHARE_DEFAULT", market.baostock())
    return market


def bars_of(postgres: EmbeddedPostgres, name: str) -> pl.DataFrame:
    with copied(postgres, name):
        return WarehouseHook().bars(START, END).sort("ts_code", "session")


def test_bars_are_those_of_tushare_without_the_beijing_exchange(
    postgres: EmbeddedPostgres, template: str, ingested: str
) -> None:
    ours, theirs = bars_of(postgres, template), bars_of(postgres, ingested)
    theirs = theirs.filter(~pl.col("ts_code").str.ends_with(".BJ"))
    assert ours.select("ts_code", "session").equals(theirs.select("ts_code", "session"))
    assert [name for name in SAME if not ours[name].equals(theirs[name])] == [], "to the last bit, or all are revised"
    assert ours.height > 900


def test_chained_factors_go_over_ex_rights_as_published_ones_do(
    postgres: EmbeddedPostgres, template: str, ingested: str
) -> None:
    both = bars_of(postgres, template).join(bars_of(postgres, ingested), on=["ts_code", "session"], suffix="_paid")
    names = ("adj_factor", "adj_factor_paid")
    moves = both.sort("ts_code", "session").select(
        pl.col(name) / pl.col(name).shift(1).over("ts_code") - 1 for name in names
    ).drop_nulls()  # fmt: skip
    assert moves.select((pl.col("adj_factor_paid").abs() > 1e-3).sum()).item() >= 2  # ex-rights, or this shows nothing
    assert moves.select((pl.col("adj_factor") - pl.col("adj_factor_paid")).abs().max()).item() < 1e-4


def test_every_day_is_counted_against_the_listed_stocks_and_says_what_it_lacks(
    whole: Database, market_process: TushareServer
) -> None:
    assert whole.column("SELECT DISTINCT absent FROM ljwx.ingest_days") == [LACKING]
    days = whole.rows("SELECT expected, received, suspended, complete FROM ljwx.ingest_days")
    assert len(days) == len(sse_calendar().between(START, END))
    assert all(day["complete"] and day["expected"] == day["received"] for day in days)
    assert whole.value("SELECT count(*) FROM ljwx.quarantine") == 0
    assert whole.value("SELECT count(*) FROM ljwx.suspensions") == sum(day["suspended"] for day in days) > 0
    assert whole.value("SELECT count(*) FROM ljwx.current_instruments WHERE list_date IS NULL OR name IS NULL") == 0
    listed = {row["ts_code"] for row in market_process.rows("stock_basic", list_status="L")}
    stored = whole.rows("SELECT ts_code, list_status FROM ljwx.current_instruments")
    assert {(row["ts_code"], row["list_status"]) for row in stored} == {
        (code, "L") for code in listed if not code.endswith(".BJ")
    }
    assert "adj_factor, namechange, stk_limit" in tier().found


def test_features_are_computed_from_them(whole: Database) -> None:
    assert whole.value("SELECT count(*) FROM ljwx.features WHERE ma_60 IS NOT NULL") > 100


def test_a_session_is_one_call_and_lists_are_asked_for_once(template: str, market_process: TushareServer) -> None:
    sessions = len(sse_calendar().between(START, END))
    assert SPENT[DAILY] == sessions + 4, "four months, each with the session before it"
    assert (SPENT["query_trade_dates"], SPENT["query_stock_basic"], SPENT["query_stock_industry"]) == (1, 1, 1)
    assert sum(SPENT.values()) * 250 / sessions <= 600
    assert market_process.stats()["baostock"]["most_at_a_time"] == 1


def test_a_second_run_changes_nothing(whole: Database, tasks: TaskRunner, baostock: TushareServer) -> None:
    before = whole.state("bars", "quarantine", "instruments", "suspensions")
    (chunk,) = ingest(tasks, "2026-03-02", "2026-03-06")
    assert chunk["absent"] == ",".join(LACKING)
    assert whole.state("bars", "quarantine", "instruments", "suspensions") == before


def test_it_takes_nothing_away_from_tushares_days_and_tushare_fills_in(
    db: Database, baostock: TushareServer, tasks: TaskRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    ingest(tasks, DAY, DAY)
    ours = db.value("SELECT count(*) FROM ljwx.current_bars")
    monkeypatch.setenv("AIRFLOW_CONN_TUSHARE_DEFAULT", baostock.connection())
    ingest(tasks, DAY, DAY)
    assert db.column("SELECT absent FROM ljwx.ingest_days") == [[]]
    assert db.value("SELECT count(*) FROM ljwx.current_bars WHERE adj_factor IS NULL") == 0
    assert db.value("SELECT count(*) FROM ljwx.current_bars") >= ours > 10
    filled = db.state("bars", "ingest_days")
    monkeypatch.setenv("AIRFLOW_CONN_TUSHARE_DEFAULT", baostock.baostock())
    ingest(tasks, DAY, DAY)
    assert db.state("bars", "ingest_days") == filled


def test_limits_are_stored_where_special_treatment_narrowed_them(
    db: Database, baostock: TushareServer, tasks: TaskRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    codes = [row["ts_code"] for row in baostock.rows("stock_basic", list_status="L")]
    main = sorted(code for code in codes if code.startswith(("60", "00")))[:5]
    daily, flag = BaostockClient.daily, DAILY_QUERY.columns.index("isST")

    def treated(client: BaostockClient, day: date) -> Table:
        came = daily(client, day)
        marks = [f"{row[1]}"[3:] in {code[:6] for code in main} for row in came.rows]
        pairs = zip(came.rows, marks, strict=True)
        return replace(came, rows=[[*row[:flag], f"{int(is_st)}", *row[flag + 1 :]] for row, is_st in pairs])

    monkeypatch.setattr(BaostockClient, "daily", treated)
    ingest(tasks, DAY, DAY)
    bars = db.rows("SELECT ts_code, pre_close, low, high, up_limit, down_limit, flags FROM ljwx.current_bars")
    expected = {}
    for bar in bars:
        down, up = (
            float((Decimal(str(bar["pre_close"])) * percent / 100).quantize(Decimal("0.01"), ROUND_HALF_UP))
            for percent in (95, 105)
        )
        if bar["ts_code"] in main and down <= bar["low"] and bar["high"] <= up:
            expected[bar["ts_code"]] = (down, up)
    stored = {bar["ts_code"]: (bar["down_limit"], bar["up_limit"]) for bar in bars if bar["up_limit"] is not None}
    assert stored == expected
    assert len(stored) >= 2
    assert not [bar for bar in bars if "limit_mismatch" in bar["flags"]]
    assert db.value("SELECT count(*) FROM ljwx.quarantine") == 0


def test_a_day_that_is_not_out_yet_is_waited_for(db: Database, baostock: TushareServer, tasks: TaskRunner) -> None:
    (chunk,) = tasks.run(plan_ingest, partition_key="2026-11-20")
    baostock.faults(query_daily_history_k_AStock={"kind": "late"})
    with pytest.raises(NotYetPublished, match="2026-11-20: 0 of"):
        tasks.run(ingest_bars, chunk)
    assert db.rows("SELECT complete, received FROM ljwx.ingest_days") == [{"complete": False, "received": 0}]


def test_a_part_of_a_day_is_no_day(db: Database, baostock: TushareServer, tasks: TaskRunner) -> None:
    (chunk,) = tasks.run(plan_ingest, partition_key=DAY)
    baostock.faults(query_daily_history_k_AStock={"kind": "partial", "share": 0.7})
    with pytest.raises(NotYetPublished, match=f"{DAY}: .* missing "):
        tasks.run(ingest_bars, chunk)
    assert db.column("SELECT complete FROM ljwx.ingest_days") == [False]


BAD_COLUMNS = {
    "no price": ({"kind": "nulls", "column": "close"}, "types"),
    "another price": ({"kind": "wrong_types", "column": "open"}, "order"),
    "no volume": ({"kind": "nulls", "column": "volume"}, "types"),
    "no amount": ({"kind": "nulls", "column": "amount"}, "types"),
    "no word whether it traded": ({"kind": "nulls", "column": "tradestatus"}, "types"),
    "another word": ({"kind": "wrong_types", "column": "tradestatus"}, "types"),
    "a code that is none": ({"kind": "wrong_types", "column": "code"}, "keys"),
    "a day that is none": ({"kind": "wrong_types", "column": "date"}, "keys"),
    "twice": ({"kind": "duplicates"}, "duplicate"),
}


@pytest.mark.parametrize("case", BAD_COLUMNS)
def test_bad_rows_go_to_quarantine_as_they_came(
    case: str, db: Database, baostock: TushareServer, tasks: TaskRunner
) -> None:
    fault, reason = BAD_COLUMNS[case]
    (chunk,) = tasks.run(plan_ingest, partition_key=DAY)
    baostock.faults(query_daily_history_k_AStock={**fault, "share": 1.0})
    if reason == "duplicate":
        tasks.run(ingest_bars, chunk)
    else:
        with pytest.raises(NotYetPublished):
            tasks.run(ingest_bars, chunk)
        assert db.value("SELECT count(*) FROM ljwx.bars") == 0
    refused = db.rows("SELECT reasons, raw FROM ljwx.quarantine")
    assert len(refused) >= 10
    assert all(reason in row["reasons"] for row in refused)
    if fault["column" if "column" in fault else "kind"] in ("tradestatus", "date"):
        assert all(row["raw"]["code"][:3] in ("sh.", "sz.") and row["raw"]["preclose"] for row in refused)


def test_a_connection_that_closes_writes_nothing(
    db: Database, baostock: TushareServer, tasks: TaskRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ljwx.sources.baostock.client.RETRY_SECONDS", 0.0)
    monkeypatch.setattr("ljwx.sources.transport.Retries._delay_after", lambda *_: None)
    (chunk,) = tasks.run(plan_ingest, partition_key=DAY)
    baostock.faults(query_daily_history_k_AStock={"kind": "closed"})
    with pytest.raises(SourceUnavailable, match="closed without an answer"):
        tasks.run(ingest_bars, chunk)
    assert (db.value("SELECT count(*) FROM ljwx.bars"), db.value("SELECT count(*) FROM ljwx.ingest_days")) == (0, 0)


def test_workers_and_the_doctor_take_turns_at_the_one_connection(
    db: Database, baostock: TushareServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    baostock.faults(login={"kind": "hang", "seconds": 0.15})
    said: list[object] = []

    def work() -> None:
        source = market_source()
        source.keep_answers(WarehouseKeeper(WarehouseHook()))
        said.append(source.bars([date.fromisoformat(DAY)]).height)

    def look() -> None:
        said.append(try_market(WarehouseKeeper(WarehouseHook())))

    threads = [threading.Thread(target=each) for each in (work, look, work)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    where = json.loads(baostock.baostock())["port"]
    assert (True, f"BaoStock answers at 127.0.0.1:{where}") in said
    assert len(said) == 3
    assert baostock.stats()["baostock"]["most_at_a_time"] == 1


def test_the_doctor_says_whom_it_would_have_to_wait_for(
    db: Database, baostock: TushareServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ljwx.services.doctor.market.TURN_SECONDS", 0.1)
    place = f"127.0.0.1:{json.loads(baostock.baostock())['port']}"
    with WarehouseKeeper(WarehouseHook()).asking(f"{place} connection"):
        found = tushare()
    assert found.ok is False
    assert f"{place} connection: no turn in 0.1 s, behind PostgreSQL's process " in found.found
    assert db.turns(taken=True) == []


def test_ratios_are_those_of_tushare_and_a_row_that_comes_twice_is_stored_once(
    db: Database, baostock: TushareServer, tasks: TaskRunner
) -> None:
    tasks.variables["ljwx_training_config"] = {"samples": {"feature_groups": ["technical", "valuation"]}}
    wire = baostock.rows("daily_basic", trade_date=DAY.replace("-", ""))
    baostock.faults(**{DAILY: {"kind": "duplicates", "share": 1.0}})
    ingest(tasks, DAY, DAY)
    stored = db.rows("SELECT ts_code, pe_ttm, pb, ps_ttm, turnover, float_value FROM ljwx.valuations ORDER BY 1")
    names = ("ts_code", "pe_ttm", "pb", "ps_ttm", "turnover_rate")
    assert [tuple(row.values()) for row in stored] == sorted(
        (*(row[name] for name in names), None) for row in wire if not str(row["ts_code"]).endswith(".BJ")
    )
    assert len(stored) > 10
