"""What happens to bad input, case by case: one clear line or a row in quarantine, nothing lost, nothing half-written.

Every case goes over HTTP through the real tasks: a server that answers wrongly, a token or connection that is wrong,
rows that break each of the rules, and parameters that make no range.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from ljwx.core.bars import BAR_RULES
from ljwx.exceptions import (
    BadQuery,
    BadToken,
    ConfigurationError,
    MalformedAnswer,
    NoPermission,
    NotYetPublished,
    RateLimited,
    SourceUnavailable,
)
from ljwx.hooks.tushare import TushareHook
from ljwx.hooks.warehouse import WarehouseHook
from ljwx.sources.tushare.client import TushareClient
from ljwx.sources.tushare.interfaces import ADJ_FACTOR, DAILY, NAMES, STK_LIMIT, SUSPEND
from ljwx.stages.ingest.bars import ingest_bars
from ljwx.stages.ingest.plan import plan_ingest
from ljwx_sandbox.postgres import EmbeddedPostgres
from support_chain import Database, connect, database, ingest, running_tasks
from support_tasks import TaskRunner
from support_tushare import UNLIMITED, StartMarket, TushareServer

DAY, WIRE_DAY = "2026-03-03", "20260303"
DATA = ("bars", "quarantine", "ingest_days", "suspensions", "features", "index_bars")
REAL = Path(__file__).resolve().parents[2].parent / "shared" / "realdata"


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not wait between attempts: how long a hook tries is tested with the hook."""
    monkeypatch.setattr(TushareClient.__init__, "__kwdefaults__", {**_DEFAULTS, "retry_budget": 0.0})


_DEFAULTS: dict[str, Any] = dict(TushareClient.__init__.__kwdefaults__ or {})


@pytest.fixture(scope="module")
def planned(
    postgres: EmbeddedPostgres, migrated_template: str, market_process: TushareServer
) -> Iterator[tuple[str, dict[str, str]]]:
    """A warehouse of this module's own, in which the day was planned while the server was well."""
    market_process.faults()
    with database(postgres, migrated_template) as name:
        with running_tasks() as (runner, patch):
            connect(patch, postgres.url(name))
            patch.setenv("AIRFLOW_CONN_TUSHARE_DEFAULT", market_process.connection())
            (chunk,) = runner.run(plan_ingest, partition_key=DAY)
        yield postgres.url(name), chunk


@pytest.fixture
def chunk(planned: tuple[str, dict[str, str]]) -> dict[str, str]:
    """The day as it was planned."""
    return planned[1]


@pytest.fixture
def day_db(planned: tuple[str, dict[str, str]], monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    """The warehouse before the day's bars: a copy for each case would take most of the time."""
    connect(monkeypatch, planned[0])
    yield Database(planned[0])
    Database(planned[0]).execute(f"TRUNCATE {', '.join(f'ljwx.{table}' for table in DATA)}")


def one_clear_line(error: BaseException, says: str) -> None:
    text = str(error)
    assert says in text
    assert len(text.splitlines()) == 1
    assert UNLIMITED not in text


# -- answers that cannot be used --


def literal(body: str, status: int = 200) -> dict[str, Any]:
    return {"kind": "literal", "body": body, "status": status}


def envelope(data: Any, code: Any = 0, msg: str = "") -> dict[str, Any]:
    return literal(json.dumps({"request_id": "x", "code": code, "data": data, "msg": msg, "detail": "..."}))


NONE_OF = {"fields": list(DAILY), "items": [], "has_more": False}
TROUBLE: dict[str, tuple[dict[str, Any], type[Exception], str]] = {
    "gateway time-out": ({"kind": "http_504"}, SourceUnavailable, "HTTP 504"),
    "internal server error": ({"kind": "http_500"}, SourceUnavailable, "HTTP 500"),
    "redirect elsewhere": ({"kind": "redirect"}, SourceUnavailable, "HTTP 302"),
    "too many requests": (literal("{}", 429), SourceUnavailable, "HTTP 429"),
    "connection broken off": ({"kind": "dropped"}, SourceUnavailable, "no answer from"),
    "no answer in time": ({"kind": "hang"}, SourceUnavailable, "read time-out"),
    "server says try later": ({"kind": "server_error"}, SourceUnavailable, "服务器错误"),
    "server says internal error": ({"kind": "system_error"}, SourceUnavailable, "系统内部错误"),
    "server says unknown error": ({"kind": "unknown_error"}, SourceUnavailable, "系统未知错误"),
    "code nobody has seen": (envelope(None, 31337, "?"), SourceUnavailable, "31337"),
    "JSON cut in the middle": ({"kind": "truncated"}, MalformedAnswer, "not a JSON object"),
    "a page of HTML": ({"kind": "not_json"}, MalformedAnswer, "not a JSON object"),
    "an empty body": (literal(""), MalformedAnswer, "(0 bytes) is not a JSON object"),
    "a list": (literal("[]"), MalformedAnswer, "not a JSON object"),
    "endless nesting": (literal("[" * 50_000), MalformedAnswer, "not a JSON object"),
    "no code": (literal('{"data": null}'), MalformedAnswer, "has no code"),
    "a code that is a text": (envelope(NONE_OF, "0"), MalformedAnswer, "has no code"),
    "no data": (envelope(None), MalformedAnswer, "has no data"),
    "no fields": (envelope({"items": []}), MalformedAnswer, "has no fields"),
    "no items": (envelope({"fields": list(DAILY)}), MalformedAnswer, "has no items"),
    "items that are objects": (envelope(NONE_OF | {"items": [{"close": 1}]}), MalformedAnswer, "row 0 has not 13"),
    "a row too short": ({"kind": "wrong_width"}, MalformedAnswer, "row 0 has not 13 values"),
    "a column missing": ({"kind": "missing_field", "column": "close"}, MalformedAnswer, "column close was asked for"),
    "has_more that is a text": (envelope(NONE_OF | {"has_more": "no"}), MalformedAnswer, "no truth value"),
    "an empty page with more": ({"kind": "empty_more"}, MalformedAnswer, "says that more follow"),
    "the same page for ever": (
        envelope(NONE_OF | {"items": [["x"] * len(DAILY)], "has_more": True}), MalformedAnswer, "repeats the one",
    ),
    "minute used up": ({"kind": "old_rate_limit"}, RateLimited, "每分钟最多访问"),
    "hour used up": ({"kind": "hour_limit"}, RateLimited, "10次/小时"),
    "token without daily": ({"kind": "old_no_permission"}, NoPermission, "没有权限"),
    "too many addresses": ({"kind": "ip_limit"}, NoPermission, "IP数量超限"),
    "parameters refused": (envelope(None, 50101, "查询数据失败，请确认参数！"), BadQuery, "50101"),
    "interface unknown to the server": (envelope(None, -1, "请指定正确的接口名"), BadQuery, "请指定正确的接口名"),
    "token withdrawn": (envelope(None, 40101, "您的token不对，请确认。"), BadToken, "您的token不对"),
}  # fmt: skip


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("name", TROUBLE)
def test_an_answer_that_cannot_be_used_is_one_clear_error_and_writes_nothing(
    day_db: Database,
    market: TushareServer,
    tasks: TaskRunner,
    chunk: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    name: str,
) -> None:
    fault, kind, says = TROUBLE[name]
    if fault["kind"] == "hang":
        monkeypatch.setenv("AIRFLOW_CONN_TUSHARE_DEFAULT", market.connection(read_timeout=0.5))
    market.faults(daily=fault)
    before = day_db.state(*DATA)
    with pytest.raises(kind) as raised:
        tasks.run(ingest_bars, chunk)
    assert type(raised.value) is kind
    one_clear_line(raised.value, says)
    assert day_db.state(*DATA) == before


@pytest.mark.usefixtures("quick")
def test_the_day_is_whole_when_the_trouble_is_over(
    day_db: Database, market: TushareServer, tasks: TaskRunner, chunk: dict[str, str]
) -> None:
    market.faults(daily={"kind": "truncated", "count": 1})
    with pytest.raises(MalformedAnswer):
        tasks.run(ingest_bars, chunk)
    assert tasks.run(ingest_bars, chunk)["inserted"] == len(day_rows(market))
    assert len(WarehouseHook().complete_sessions()) == 1


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("api", ["adj_factor", "stk_limit", "suspend_d"])
def test_trouble_with_a_side_interface_is_not_taken_for_a_small_tier(
    day_db: Database, market: TushareServer, tasks: TaskRunner, chunk: dict[str, str], api: str
) -> None:
    market.faults(**{api: {"kind": "http_504"}})
    with pytest.raises(SourceUnavailable, match=f"{api}: no answer"):
        tasks.run(ingest_bars, chunk)
    assert {table: day_db.value(f"SELECT count(*) FROM ljwx.{table}") for table in DATA} == dict.fromkeys(DATA, 0)


# -- rows that break a rule --


@dataclass(frozen=True)
class Broken:
    """What is wrong with the first row of the day, and the rule that must be named.

    :param change: column → value laid over the row.
    :param copy: column → value laid over a second copy of it.
    :param halted: whether the source says that the stock was suspended.
    :param listed: when the stock was listed, if not long before.
    """

    rule: str
    change: dict[str, Any] = field(default_factory=dict)
    copy: dict[str, Any] = field(default_factory=dict)
    halted: bool = False
    listed: date | None = None


HARD: dict[str, Broken] = {
    "code without an exchange": Broken("keys", {"ts_code": "000001"}),
    "no code": Broken("keys", {"ts_code": None}),
    "no date": Broken("keys", {"trade_date": None}),
    "a date that is none": Broken("keys", {"trade_date": "20260231"}),
    "a price as a text": Broken("types", {"close": "9.2元"}),
    "a price in quotation marks": Broken("types", {"close": "9.2"}),
    "a truth value for a volume": Broken("types", {"vol": True}),
    "a number beyond all floats": Broken("types", {"ah_vol": 10**400}),
    "a price that is null": Broken("types", {"open": None}),
    "a price that is not a number": Broken("types", {"high": float("nan")}),
    "an infinite volume": Broken("types", {"vol": float("inf")}),
    "an amount that is null": Broken("types", {"amount": None}),
    "a price of zero": Broken("positive", {"low": 0.0}),
    "a negative volume": Broken("positive", {"vol": -1.0}),
    "high below low": Broken("order", {"high": 0.01}),
    "close above high": Broken("order", {"close": 9999.0}),
    "change that is not close - pre_close": Broken("change", {"change": 55.5}),
    "volume in shares": Broken("units", {"vol": 1e9}),
    "amount in CNY": Broken("units", {"amount": 1e12}),
    "a high above the limit": Broken("limits", {"high": 9999.0}),
    "the same key with other values": Broken("duplicate", copy={"open": 0.01}),
    "a session after the run": Broken("future", {"trade_date": "20260304"}),
    "a Sunday": Broken("closed_day", {"trade_date": "20260301"}),
    "a code that nobody knows": Broken("unlisted", {"ts_code": "999999.SZ"}),
    "a stock not yet listed": Broken("unlisted", listed=date(2026, 3, 4)),
    "a row without volume of a stock suspended all day": Broken("suspended", {"vol": 0.0, "amount": 0.0}, halted=True),
}


def day_rows(market: TushareServer) -> list[dict[str, Any]]:
    wanted = ",".join(DAILY)
    return sorted(market.rows("daily", trade_date=WIRE_DAY, fields=wanted), key=lambda row: str(row["ts_code"]))


def serve(market: TushareServer, rows: list[dict[str, Any]], **others: Any) -> None:
    """Let the next answer of `daily` be these rows."""
    items = [[row[name] for name in DAILY] for row in rows]
    fault = envelope({"fields": list(DAILY), "items": items, "has_more": False})
    market.faults(daily=fault | {"count": 1}, **others)


def stored_codes(day_db: Database) -> list[str]:
    return sorted(day_db.column("SELECT ts_code FROM ljwx.bars"))


@pytest.mark.parametrize("name", HARD)
def test_a_row_that_breaks_a_rule_is_in_quarantine_with_its_reasons_and_nothing_is_lost(
    day_db: Database, market: TushareServer, tasks: TaskRunner, chunk: dict[str, str], name: str
) -> None:
    case, rows = HARD[name], day_rows(market)
    first = rows[0]["ts_code"]
    sent = [rows[0] | case.change, *([rows[0] | case.copy] if case.copy else []), *rows[1:]]
    serve(market, sent, **({"suspend_d": halt(first)} if case.halted else {}))
    expected = not case.halted and case.listed is None
    with listed_on(day_db, first, case.listed):
        if expected:
            with pytest.raises(NotYetPublished) as short:
                tasks.run(ingest_bars, chunk)
            one_clear_line(short.value, f"1 session(s) are incomplete: {DAY}: ")
        else:
            tasks.run(ingest_bars, chunk)
    refused = day_db.rows("SELECT reasons, raw FROM ljwx.quarantine ORDER BY quarantine_id")
    assert stored_codes(day_db) == [row["ts_code"] for row in rows[1:]]
    assert len(refused) == len(sent) - len(rows[1:])
    assert all(case.rule in row["reasons"] for row in refused)
    for column, value in case.change.items():
        assert [same_value(row["raw"], column, value) for row in refused] == [True]
    assert day_db.column("SELECT complete FROM ljwx.ingest_days") == [not expected]
    assert len(WarehouseHook().complete_sessions()) == int(not expected)


def halt(code: str) -> dict[str, Any]:
    columns = ["ts_code", "trade_date", "suspend_timing", "suspend_type"]
    return envelope({"fields": columns, "items": [[code, WIRE_DAY, None, "S"]], "has_more": False})


@contextmanager
def listed_on(db: Database, code: str, day: date | None) -> Iterator[None]:
    """Let a stock have been listed on another day."""
    (was,) = db.column("SELECT list_date FROM ljwx.current_instruments WHERE ts_code = %s", code)
    update = "UPDATE ljwx.instruments SET list_date = %s WHERE ts_code = %s"
    db.execute(update, day or was, code)
    yield
    db.execute(update, was, code)


def same_value(raw: dict[str, Any], column: str, value: Any) -> bool:
    """Whether the stored row holds the value as it came; a date that is one may be stored as such."""
    if column == "trade_date" and column not in raw:
        return (raw["session"] or "").replace("-", "") == (value or "")
    return raw[column] is None if value is None else str(raw[column]) == str(value)


def test_every_hard_rule_has_a_case() -> None:
    elsewhere = {"reference", "repeated"}  # TuShare gives pre_close itself; see test_bars_tencent, test_suspended
    tried = {case.rule for case in HARD.values()} | elsewhere
    assert {rule.name for rule in BAR_RULES if rule.severity == "hard"} == tried


UNFACTORED: dict[str, dict[str, Any]] = {
    "factors partly published": {"kind": "partial", "share": 0.5},
    "factors late": {"kind": "late"},
    "factors that are no numbers": {"kind": "wrong_types", "column": "adj_factor", "share": 0.5},
}


@pytest.mark.parametrize("name", UNFACTORED)
def test_bars_without_their_factors_are_kept_and_flagged_and_the_day_waits_for_them(
    day_db: Database, market: TushareServer, tasks: TaskRunner, chunk: dict[str, str], name: str
) -> None:
    rows = day_rows(market)
    market.faults(adj_factor=UNFACTORED[name] | {"count": 1})
    with pytest.raises(NotYetPublished) as short:
        tasks.run(ingest_bars, chunk)
    flagged = day_db.value("SELECT count(*) FROM ljwx.bars WHERE 'no_factor' = ANY (flags) AND adj_factor IS NULL")
    assert flagged > 1
    one_clear_line(short.value, f"{DAY}: {len(rows)} of {len(rows)} bars, 0 in quarantine, {flagged} without a factor")
    assert day_db.rows("SELECT complete, received, unfactored, missing FROM ljwx.ingest_days") == [
        {"complete": False, "received": len(rows), "unfactored": flagged, "missing": []}
    ]
    assert stored_codes(day_db) == [row["ts_code"] for row in rows]
    assert tasks.run(ingest_bars, chunk)["revised"] == flagged
    assert len(WarehouseHook().complete_sessions()) == 1


SOFT: dict[str, tuple[dict[str, Any], dict[str, dict[str, Any]], str]] = {
    "factor moves without ex-right": ({}, {"adj_factor": {"kind": "glitch", "share": 0.5, "count": 1}}, "factor_move"),
    "percentage that does not fit": ({"pct_chg": 55.5}, {}, "pct_chg"),
    "nothing traded": ({"vol": 0.0, "amount": 0.0}, {}, "no_trade"),
    "reference that no factor explains": ({"pre_close": None}, {}, "ex_right"),
}  # fmt: skip


@pytest.mark.parametrize("name", SOFT)
def test_an_odd_row_is_kept_and_flagged(
    day_db: Database, market: TushareServer, tasks: TaskRunner, chunk: dict[str, str], name: str
) -> None:
    change, faults, flag = SOFT[name]
    rows = day_rows(market)
    if "pre_close" in change:
        reference = round(rows[0]["pre_close"] * 0.995, 2)
        claims = {"change": round(rows[0]["close"] - reference, 2), "pct_chg": None}
        change = {"pre_close": reference, **claims}
    if change:
        serve(market, [rows[0] | change, *rows[1:]])
    else:
        market.faults(**faults)
    assert tasks.run(ingest_bars, chunk) == {
        "sessions": 1,
        "inserted": len(rows),
        "revised": 0,
        "quarantined": 0,
        "withdrawn": 0,
        "index_bars": 1,
        "index_bars_revised": 0,
    }
    flagged = day_db.column("SELECT ts_code FROM ljwx.bars WHERE %s = ANY (flags) ORDER BY 1", flag)
    assert flagged == [rows[0]["ts_code"]] if change else len(flagged) > 1
    assert stored_codes(day_db) == [row["ts_code"] for row in rows]


def side(api_name: str, *items: list[Any]) -> dict[str, Any]:
    columns = {"stk_limit": STK_LIMIT, "adj_factor": ADJ_FACTOR, "suspend_d": SUSPEND, "namechange": NAMES}[api_name]
    return envelope({"fields": list(columns), "items": list(items), "has_more": False})


SIDE_ROWS: dict[str, tuple[str, list[list[Any]], str]] = {
    "a limit as a text": ("stk_limit", [[WIRE_DAY, "000001.SZ", "9.9", 8.1]], "type"),
    "two limits": (
        "stk_limit",
        [[WIRE_DAY, "000001.SZ", 999.0, 0.1], [WIRE_DAY, "000001.SZ", 998.0, 0.1]],
        "duplicate",
    ),
    "a limit of nobody": ("stk_limit", [[WIRE_DAY, None, 9.9, 8.1]], "keys"),
    "a limit of another day": ("stk_limit", [["20260304", "000001.SZ", 9.9, 8.1]], "day"),
    "a kind of suspension that nobody knows": ("suspend_d", [["000001.SZ", WIRE_DAY, None, "X"]], "kind"),
    "a suspension on a day that is none": ("suspend_d", [["000001.SZ", "20260231", None, "S"]], "type"),
}


@pytest.mark.parametrize("name", SIDE_ROWS)
def test_a_row_of_a_side_interface_that_cannot_be_used_is_in_quarantine_as_it_came(
    day_db: Database, market: TushareServer, tasks: TaskRunner, chunk: dict[str, str], name: str
) -> None:
    api, items, reason = SIDE_ROWS[name]
    market.faults(**{api: side(api, *items)})
    assert tasks.run(ingest_bars, chunk)["quarantined"] == sum(
        item[0] == WIRE_DAY or item[1] == WIRE_DAY for item in items
    )
    refused = day_db.rows("SELECT reasons, raw FROM ljwx.quarantine ORDER BY quarantine_id")
    assert len(refused) == len(items)
    assert all(f"{api}:{reason}" in row["reasons"] for row in refused)
    fields = STK_LIMIT if api == "stk_limit" else SUSPEND
    assert [row["raw"] for row in refused] == [dict(zip(fields, item, strict=True)) for item in items]
    assert stored_codes(day_db) == [row["ts_code"] for row in day_rows(market)]
    assert day_db.column("SELECT quarantined FROM ljwx.ingest_days") == [0]
    assert day_db.value("SELECT count(*) FROM ljwx.suspensions") == 0


def test_factors_that_contradict_each_other_are_refused_both_and_the_day_waits(
    day_db: Database, market: TushareServer, tasks: TaskRunner, chunk: dict[str, str]
) -> None:
    factors = market.rows("adj_factor", trade_date=WIRE_DAY)
    items = [[row[name] for name in ADJ_FACTOR] for row in factors]
    code = day_rows(market)[0]["ts_code"]
    market.faults(adj_factor=side("adj_factor", *items, [code, WIRE_DAY, 77.0]) | {"count": 1})
    with pytest.raises(NotYetPublished, match="1 without a factor"):
        tasks.run(ingest_bars, chunk)
    refused = day_db.rows("SELECT ts_code, reasons FROM ljwx.quarantine")
    assert refused == [{"ts_code": code, "reasons": ["adj_factor:duplicate"]}] * 2


def test_a_corrected_suspension_is_kept_beside_the_one_before(
    day_db: Database, market: TushareServer, tasks: TaskRunner, chunk: dict[str, str]
) -> None:
    for timing in ("09:30-10:00", "09:30-11:00", "09:30-11:00"):
        market.faults(suspend_d=side("suspend_d", ["000001.SZ", WIRE_DAY, timing, "S"]))
        tasks.run(ingest_bars, chunk)
    assert day_db.column("SELECT timing FROM ljwx.suspensions ORDER BY first_seen") == ["09:30-10:00", "09:30-11:00"]


def test_names_without_a_usable_date_are_in_quarantine_once(
    db: Database, market: TushareServer, tasks: TaskRunner
) -> None:
    good = ["000001.SZ", "平安银行", "20120802", None, "20120801", "改名"]
    bad = [["000002.SZ", "万科A", None, None, None, None], ["000003.SZ", "*ST金田", "20010101", "2001-13", None, "*ST"]]
    market.faults(namechange=side("namechange", good, *bad))
    for _ in range(2):
        tasks.run(plan_ingest, partition_key=DAY)
    assert db.column("SELECT name FROM ljwx.names") == ["平安银行"]
    refused = db.rows("SELECT session, reasons, raw FROM ljwx.quarantine ORDER BY quarantine_id")
    assert [row["reasons"] for row in refused] == [["namechange:keys"], ["namechange:type"]]
    assert [row["raw"] for row in refused] == [dict(zip(NAMES, row, strict=True)) for row in bad]


def test_equal_copies_of_a_row_are_one_bar_and_the_rest_in_quarantine(
    day_db: Database, market: TushareServer, tasks: TaskRunner, chunk: dict[str, str]
) -> None:
    rows = day_rows(market)
    serve(market, [*rows, rows[0]])
    assert tasks.run(ingest_bars, chunk)["quarantined"] == 1
    assert stored_codes(day_db) == [row["ts_code"] for row in rows]
    assert day_db.rows("SELECT ts_code, reasons FROM ljwx.quarantine") == [
        {"ts_code": rows[0]["ts_code"], "reasons": ["duplicate"]}
    ]


# -- connections and parameters --

CONNECTIONS: dict[str, tuple[dict[str, Any], type[Exception], str]] = {
    "no token": ({"password": None}, ConfigurationError, "put the TuShare token in its password"),
    "a token nobody knows": ({"password": "nobody"}, BadToken, "您的token不对"),
    "a scheme that is none": ({"schema": "ftp"}, ConfigurationError, "schema must be https or http, not 'ftp'"),
    "a host with a path": ({"host": "http://127.0.0.1/x"}, ConfigurationError, "host must be a bare name"),
    "an extra misspelt": ({"extra": {"read_timout": 3}}, ConfigurationError, "unknown extra 'read_timout'"),
    "a time-out that is none": (
        {"extra": {"read_timeout": "soon"}},
        ConfigurationError,
        "a number above 0, not 'soon'",
    ),
    "nobody at the address": ({"port": 1}, SourceUnavailable, "no answer from http://127.0.0.1:1/"),
}


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("name", CONNECTIONS)
def test_a_wrong_connection_is_one_clear_error_and_writes_nothing(
    db: Database, market: TushareServer, tasks: TaskRunner, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    change, kind, says = CONNECTIONS[name]
    monkeypatch.setenv("AIRFLOW_CONN_TUSHARE_DEFAULT", json.dumps(json.loads(market.connection()) | change))
    with pytest.raises(kind) as raised:
        tasks.run(plan_ingest, partition_key=DAY)
    one_clear_line(raised.value, says)
    assert set(db.counts().values()) == {0}


QUERIES: dict[str, tuple[str, dict[str, Any], type[Exception], str]] = {
    "a date that is none": ("daily", {"trade_date": "20241332"}, BadQuery, "50101"),
    "an offset too far": ("daily", {"trade_date": WIRE_DAY, "offset": 100_001}, BadQuery, "50101"),
    "an offset that is none": ("daily", {"offset": "x"}, BadQuery, "offset must be a number, not 'x'"),
    "nothing asked for": ("daily", {}, BadQuery, "必填参数"),
    "no index named": ("index_daily", {}, BadQuery, "必填参数"),
    "an interface misspelt": ("dialy", {}, BadQuery, "请指定正确的接口名"),
}


@pytest.mark.parametrize("name", QUERIES)
def test_a_wrong_query_is_refused_once_and_clearly(market: TushareServer, name: str) -> None:
    api, params, kind, says = QUERIES[name]
    with pytest.raises(kind) as raised:
        TushareHook().query(api, fields=("ts_code",), **params)
    one_clear_line(raised.value, says)


# -- the real bars --


@pytest.fixture(scope="module")
def replay(start_market: StartMarket, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TushareServer]:
    if not REAL.is_dir():
        pytest.skip("no real bars beside the repository")
    tokens = tmp_path_factory.mktemp("replay") / "tokens.json"
    # The folder has no suspensions, limits or names, and lists 5,418 stocks for its 120: these say nothing here.
    apis = ["daily", "adj_factor", "trade_cal"]
    tokens.write_text(json.dumps({UNLIMITED: {"apis": apis}}), encoding="utf-8")
    with start_market("--replay", str(REAL), "--token-file", str(tokens)) as server:
        yield server


def test_the_real_bars_of_a_year_are_all_kept_and_the_factor_glitch_is_flagged(
    db: Database, replay: TushareServer, tasks: TaskRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    import polars as pl

    monkeypatch.setenv("AIRFLOW_CONN_TUSHARE_DEFAULT", replay.connection())
    ingest(tasks, "2024-01-02", "2024-12-31")
    assert db.value("SELECT count(*) FROM ljwx.bars") == 28_728
    assert db.value("SELECT count(*) FROM ljwx.quarantine") == 0
    assert db.value("SELECT count(*) FROM ljwx.ingest_days WHERE complete") == 242
    assert db.column("SELECT DISTINCT absent FROM ljwx.ingest_days") == [
        ["namechange", "stk_limit", "stock_basic", "suspend_d"]
    ]
    factors = pl.read_csv(REAL / "adj_factor_2024_120.csv.gz", schema_overrides={"trade_date": pl.String})
    on = {day: factors.filter(pl.col("trade_date") == day) for day in ("20240624", "20240625")}
    joined = on["20240624"].join(on["20240625"], on="ts_code", suffix="_then")
    moved = (pl.col("adj_factor_then") - pl.col("adj_factor")).abs()
    glitched = joined.filter(moved.is_between(1e-5, 6e-4))["ts_code"].sort().to_list()
    flagged = "SELECT ts_code FROM ljwx.bars WHERE session = %s AND 'factor_move' = ANY (flags) ORDER BY 1"
    assert db.column(flagged, date(2024, 6, 25)) == glitched
    assert len(glitched) == 107
    # A stock that stops is missing on the first day, where nothing tells why, and expected no more after it.
    missing = db.rows("SELECT session, unnest(missing) AS ts_code FROM ljwx.ingest_days ORDER BY 2, 1")
    present = {(row["ts_code"], row["session"]) for row in db.rows("SELECT ts_code, session FROM ljwx.bars")}
    days = sorted(day for day in db.column("SELECT session FROM ljwx.ingest_days"))
    stops = [
        {"session": today, "ts_code": code}
        for code in sorted({code for code, _ in present})
        for before, today in pairwise(days)
        if (code, before) in present and (code, today) not in present
    ]
    assert missing == stops
    gaps = sum((code, day) not in present for code in {code for code, _ in present} for day in days)
    assert 0 < len(missing) < gaps
