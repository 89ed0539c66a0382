"""TencentHook against a real server: bars, pages, errors, and what its connection may say."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

from ljwx.exceptions import (
    BadQuery,
    ConfigurationError,
    MalformedAnswer,
    RateLimited,
    SourceError,
    SourceUnavailable,
)
from ljwx.hooks.tencent import TencentHook
from ljwx.sources.tencent.client import PAGE_ROWS, PATH
from ljwx.sources.tencent.references import EARLIER_ROWS
from support_bars import REAL
from support_tushare import StartMarket, TushareServer

START, END = date(2024, 5, 6), date(2024, 5, 31)
STOCK = "000001.SZ"
GOOD = ["2026-03-03", "10.000", "10.100", "10.200", "9.900", "1000.000"]


@pytest.fixture
def hook(tushare_server: TushareServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[TencentHook]:
    made = connected(monkeypatch, tushare_server.connection(conn_type="tencent", stocks=[STOCK, "600000.SH"]))
    yield made
    made.close()


def connected(monkeypatch: pytest.MonkeyPatch, connection: str, **settings: Any) -> TencentHook:
    monkeypatch.setenv("AIRFLOW_CONN_TUSHARE_DEFAULT", connection)
    return TencentHook(**{"retry_budget": 0.0, **settings})


def body(*rows: list[Any], symbol: str = "sz000001", **node: Any) -> bytes:
    return json.dumps({"code": 0, "msg": "", "data": {symbol: {"day": list(rows), **node}}}).encode()


def quote(trades: str, at: str = "20260303161400") -> dict[str, list[str]]:
    fields = [""] * 88
    fields[30], fields[35] = at, trades
    return {"sz000001": fields}


# -- what comes back --


def test_bars_are_tushares_but_for_what_k_lines_lack(hook: TencentHook, tushare_server: TushareServer) -> None:
    table = hook.daily(START, END)
    assert table.fields == (
        "ts_code", "trade_date", "open", "high", "low", "close", "pre_close", "vol", "unreferenced",
    )  # fmt: skip
    dates = {"start_date": f"{START:%Y%m%d}", "end_date": f"{END:%Y%m%d}"}
    theirs = [row for code in (STOCK, "600000.SH") for row in tushare_server.rows("daily", ts_code=code, **dates)]
    expected = [[row[name] for name in table.fields[:-1]] for row in theirs]
    assert [row[:-1] for row in table.rows] == sorted(expected)
    assert {row[-1] for row in table.rows} == {None}
    assert len(table) > 30


def test_star_volumes_become_lots(tushare_server: TushareServer, monkeypatch: pytest.MonkeyPatch) -> None:
    star = next(row["ts_code"] for row in tushare_server.rows("stock_basic") if row["ts_code"].startswith("688"))
    hook = connected(monkeypatch, tushare_server.connection(conn_type="tencent", stocks=[star]))
    (theirs,) = tushare_server.rows("daily", ts_code=star, trade_date="20260601")
    (row,) = hook.daily(date(2026, 6, 1), date(2026, 6, 1)).rows
    assert row[7] == theirs["vol"] > 0


def test_a_long_range_comes_in_pages(hook: TencentHook, tushare_server: TushareServer) -> None:
    before = tushare_server.stats()["calls"].get("fqkline", 0)
    first, last = date(2024, 1, 1), date(2026, 11, 20)
    rows = hook.client.bars(STOCK, first, last)
    theirs = tushare_server.rows("daily", ts_code=STOCK, start_date="20240101", end_date="20261120")
    assert [row[1] for row in rows] == sorted(row["trade_date"] for row in theirs)
    assert len(rows) > PAGE_ROWS
    assert tushare_server.stats()["calls"]["fqkline"] - before == 2


def test_the_row_before_a_range_is_there_after_any_suspension(hook: TencentHook) -> None:
    line = hook.client.kline(STOCK, START, END)
    earlier = [row for row in line.rows if row.session < START]
    assert len(earlier) >= EARLIER_ROWS


def test_a_stocks_first_bar_has_no_reference(hook: TencentHook, tushare_server: TushareServer) -> None:
    rows = hook.client.bars(STOCK, date(2023, 12, 1), date(2024, 1, 31))
    assert rows[0][6:9:2] == [None, "no bar before this one"]
    assert all(row[6] is not None and row[8] is None for row in rows[1:])


def test_a_bar_quoted_while_its_day_trades_is_left_for_later(
    tushare_server: TushareServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook = connected(monkeypatch, tushare_server.connection(conn_type="tencent", stocks=[STOCK]))
    rows = [["2026-03-02", *GOOD[1:]], GOOD]
    for at, days in (("20260303143000", ["20260302"]), ("20260303161400", ["20260302", "20260303"])):
        answer = body(*rows, qt=quote("10.10/1000/1010000", at)).decode()
        tushare_server.faults(fqkline={"kind": "literal", "body": answer})
        assert [row[1] for row in hook.client.bars(STOCK, date(2026, 3, 1), date(2026, 3, 3))] == days


def test_real_bars_and_their_references_come_back_from_a_replay(
    monkeypatch: pytest.MonkeyPatch, start_tushare: StartMarket
) -> None:
    if not REAL.is_dir():
        pytest.skip("no real bars beside the repository")
    first, last = date(2024, 1, 1), date(2024, 12, 31)
    with start_tushare("--replay", str(REAL)) as server:
        days = server.rows("daily", trade_date="20240603")
        stocks = sorted(row["ts_code"] for row in days)[::6]
        hook = connected(monkeypatch, server.connection(conn_type="tencent", stocks=stocks))
        for stock in stocks:
            rows, dates = hook.client.bars(stock, first, last), {"start_date": "20240101", "end_date": "20241231"}
            real = sorted(server.rows("daily", ts_code=stock, **dates), key=lambda row: str(row["trade_date"]))
            assert [[*row[1:6], row[7]] for row in rows] == [[row[name] for name in PRICED] for row in real]
            assert [row[6] for row in rows[1:]] == [row["pre_close"] for row in real[1:]]


PRICED = ("trade_date", "open", "high", "low", "close", "vol")


# -- what goes wrong --

BAD_BODIES = {
    "nothing": (b"", MalformedAnswer, "not a JSON object"),
    "html": (b"<html>busy</html>", MalformedAnswer, "not a JSON object"),
    "half": (body(GOOD)[:40], MalformedAnswer, "not a JSON object"),
    "a list": (b"[]", MalformedAnswer, "not a JSON object"),
    "deep": (b"[" * 100_000, MalformedAnswer, "not a JSON object"),
    "an assignment": (b"kline_day=" + body(GOOD), MalformedAnswer, "not a JSON object"),
    "param error": (b'{"code":1,"msg":"param error","data":[]}', BadQuery, "'param error'"),
    "no code": (b'{"data":{}}', BadQuery, "code None"),
    "no data": (b'{"code":0,"msg":""}', MalformedAnswer, "has no data"),
    "unknown stock": (b'{"code":0,"msg":"","data":[]}', BadQuery, "does not know this stock"),
    "stock without a node": (body(symbol="sh600000"), BadQuery, "does not know this stock"),
    "empty node": (b'{"code":0,"msg":"","data":{"sz000001":[]}}', BadQuery, "does not know this stock"),
    "a text for a node": (b'{"code":0,"msg":"","data":{"sz000001":"x"}}', MalformedAnswer, "has no data"),
    "adjusted rows only": (b'{"code":0,"data":{"sz000001":{"qfqday":[]}}}', MalformedAnswer, "no unadjusted"),
    "short row": (body(GOOD[:5]), MalformedAnswer, "has not 6 values"),
    "row that is none": (body({"date": "2026-03-03"}), MalformedAnswer, "has not 6 values"),  # type: ignore[arg-type]
    "wrong date": (body(["20260333", *GOOD[1:]]), MalformedAnswer, "not a date"),
    "no date": (body([None, *GOOD[1:]]), MalformedAnswer, "not a date"),
    "a day twice": (body(GOOD, GOOD), MalformedAnswer, "not in order"),
    "newest first": (body(GOOD, ["2026-03-02", *GOOD[1:]]), MalformedAnswer, "not in order"),
    "other units": (body(GOOD, qt=quote("10.10/100000/1010000")), MalformedAnswer, "volumes are of 1 shares"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD_BODIES)
def test_a_bad_body_is_one_error_that_names_the_stock(
    case: str, hook: TencentHook, tushare_server: TushareServer
) -> None:
    given, error, message = BAD_BODIES[case]
    tushare_server.faults(fqkline={"kind": "literal", "body": given.decode()})
    with pytest.raises(error, match=f"^000001.SZ: .*{message}"):
        hook.daily(START, END)


@pytest.mark.parametrize(
    ("fault", "error", "message"),
    [
        ({"kind": "http_500"}, SourceUnavailable, "HTTP 500"),
        ({"kind": "http_504"}, SourceUnavailable, "HTTP 504"),
        ({"kind": "redirect"}, SourceUnavailable, "HTTP 302"),
        ({"kind": "dropped"}, SourceUnavailable, "no answer from http://127.0.0.1"),
        ({"kind": "truncated"}, MalformedAnswer, "not a JSON object"),
        ({"kind": "not_json"}, MalformedAnswer, "not a JSON object"),
        ({"kind": "literal", "status": 501}, RateLimited, "HTTP 501"),
        ({"kind": "literal", "status": 429}, RateLimited, "HTTP 429"),
    ],
)
def test_trouble_on_the_way_is_classified(
    fault: dict[str, Any], error: type[SourceError], message: str, hook: TencentHook, tushare_server: TushareServer
) -> None:
    tushare_server.faults(fqkline=fault)
    with pytest.raises(error, match=f"000001.SZ: .*{message}"):
        hook.daily(START, END)


def test_silence_ends_with_the_time_out(tushare_server: TushareServer, monkeypatch: pytest.MonkeyPatch) -> None:
    given = tushare_server.connection(conn_type="tencent", stocks=[STOCK], read_timeout=0.2)
    tushare_server.faults(fqkline={"kind": "hang", "count": 1})
    with pytest.raises(SourceUnavailable, match="read time-out"):
        connected(monkeypatch, given).daily(START, END)


def test_no_server_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        where = {"host": "127.0.0.1", "port": unused.getsockname()[1], "schema": "http"}
        given = json.dumps({"conn_type": "tencent", **where, "extra": {"stocks": [STOCK]}})
        with pytest.raises(SourceUnavailable, match="ConnectionError"):
            connected(monkeypatch, given).daily(START, END)


def test_what_heals_is_repeated_within_the_budget(
    tushare_server: TushareServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    delays: list[float] = []
    given = tushare_server.connection(conn_type="tencent", stocks=[STOCK])
    hook = connected(monkeypatch, given, retry_budget=30.0, sleep=delays.append)
    tushare_server.faults(fqkline={"kind": "http_500", "count": 2})
    assert len(hook.daily(START, END)) > 15
    assert len(delays) == 2
    assert delays[0] <= 0.5
    tushare_server.faults(fqkline={"kind": "literal", "body": '{"code":1,"msg":"param error"}'})
    with pytest.raises(BadQuery):
        hook.daily(START, END)
    assert len(delays) == 2


def test_a_server_that_ignores_the_end_is_noticed(hook: TencentHook, tushare_server: TushareServer) -> None:
    late = [[f"2025-{month:02d}-{day:02d}", *GOOD[1:]] for month in (1, 2) for day in range(1, 29)]
    tushare_server.faults(fqkline={"kind": "literal", "body": body(*late).decode()})
    with pytest.raises(MalformedAnswer, match="rows after 2024-05-31"):
        hook.daily(START, END)


def test_rows_after_the_end_are_not_of_the_range(hook: TencentHook, tushare_server: TushareServer) -> None:
    rows = [[f"2024-{month:02d}-{day:02d}", *GOOD[1:]] for month, day in ((5, 30), (5, 31), (6, 3), (6, 4))]
    tushare_server.faults(fqkline={"kind": "literal", "body": body(*rows).decode()})
    assert [row[1] for row in hook.client.bars(STOCK, START, END)] == ["20240530", "20240531"]


def test_each_request_asks_the_limiter(tushare_server: TushareServer, monkeypatch: pytest.MonkeyPatch) -> None:
    class Limiter:
        def __init__(self) -> None:
            self.asked: list[tuple[str, int | None]] = []

        def acquire(self, api_name: str, limit: int | None) -> None:
            self.asked.append((api_name, limit))

    limiter = Limiter()
    given = tushare_server.connection(conn_type="tencent", stocks=[STOCK, "600000.SH"], calls_per_minute=77)
    connected(monkeypatch, given, limiter=limiter).daily(START, END)
    assert limiter.asked == [("fqkline", 77)] * 2


# -- the connection --


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"extra": {}}, "name the stocks to fetch in its extra"),
        ({"extra": {"stocks": []}}, "name the stocks"),
        ({"extra": {"stocks": " "}}, "name the stocks"),
        ({"extra": {"stocks": 7}}, "name the stocks"),
        ({"extra": {"stocks": [STOCK, "sz000002"]}}, "sz000002 in its extra stocks is not a code"),
        ({"extra": {"stocks": [STOCK, 600000]}}, "600000 in its extra stocks"),
        ({"extra": {"stocks": [STOCK], "token": "x"}}, "unknown extra 'token'"),
        ({"extra": {"stocks": [STOCK], "read_timeout": "soon"}}, "read_timeout must be a number above 0"),
        ({"schema": "ftp"}, "schema must be https or http"),
        ({"host": "https://box/x"}, "host must be a bare name"),
    ],
)
def test_a_wrong_connection_is_one_clear_error(
    changes: dict[str, Any], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = {"conn_type": "tencent", "host": "127.0.0.1", "extra": {"stocks": [STOCK]}, **changes}
    with pytest.raises(ConfigurationError, match=message):
        connected(monkeypatch, json.dumps(given)).daily(START, END)


def test_a_missing_connection_says_what_to_create(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigurationError, match="connection nowhere is not defined; create one of type tencent"):
        _ = TencentHook("nowhere").stocks


@pytest.mark.parametrize("stocks", [["600000.SH", STOCK, STOCK], "600000.SH, 000001.SZ", "000001.SZ\n600000.SH"])
def test_stocks_are_a_list_or_a_text(stocks: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    given = json.dumps({"conn_type": "tencent", "extra": {"stocks": stocks}})
    assert connected(monkeypatch, given).stocks == (STOCK, "600000.SH")


def test_https_and_the_known_host_are_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    hook = connected(monkeypatch, json.dumps({"conn_type": "tencent", "extra": {"stocks": [STOCK]}}))
    address = hook.client.endpoint.address
    assert address.url == "https://web.ifzq.gtimg.cn"
    assert address.timeouts == (5.0, 30.0)


def test_the_connection_test_says_what_came_of_it(hook: TencentHook, tushare_server: TushareServer) -> None:
    fine, said = hook.test_connection()
    assert fine
    assert said.endswith("the newest bar of 000001.SZ is of 2026-11-20")
    tushare_server.faults(fqkline={"kind": "http_500"})
    assert hook.test_connection() == (False, f"000001.SZ: no answer from {tushare_server.url}{PATH} (HTTP 500)")


def test_airflow_learns_of_the_connection_type() -> None:
    from ljwx.provider import get_provider_info

    (kind,) = (each for each in get_provider_info()["connection-types"] if each["connection-type"] == "tencent")
    assert kind["hook-class-name"] == f"{TencentHook.__module__}.{TencentHook.__name__}"
    fields = {"stocks", "calls_per_minute", "connect_timeout", "read_timeout", "verify", "proxy"}
    assert set(kind["conn-fields"]) == fields
