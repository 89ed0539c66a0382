"""BaostockHook against a real server: rows, errors within their time-outs, and what its connection may say."""

from __future__ import annotations

import json
import pickle
import socket
import time
from collections.abc import Iterator
from datetime import date
from types import SimpleNamespace
from typing import Any

import pytest

from ljwx.exceptions import (
    BadToken,
    ConfigurationError,
    MalformedAnswer,
    NoPermission,
    SourceError,
    SourceUnavailable,
)
from ljwx.hooks.baostock import BaostockHook
from ljwx.provider import get_provider_info
from ljwx_sandbox.baostock.tables import BASIC_FIELDS
from ljwx_sandbox.baostock.wire import answer, record
from support_tushare import TushareServer

DAY, SUNDAY = date(2026, 3, 3), date(2026, 3, 1)
KEY = "bs-" + "Ab3" * 10


@pytest.fixture
def hook(tushare_server: TushareServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[BaostockHook]:
    made = connected(monkeypatch, tushare_server.baostock())
    yield made
    made.close()


def connected(monkeypatch: pytest.MonkeyPatch, connection: str, **settings: Any) -> BaostockHook:
    monkeypatch.setenv("AIRFLOW_CONN_TUSHARE_DEFAULT", connection)
    return BaostockHook(**{"retry_budget": 0.0, **settings})


def test_a_day_of_the_market_is_one_call_and_has_tushares_rows(
    hook: BaostockHook, tushare_server: TushareServer
) -> None:
    before = tushare_server.stats()["baostock"]["calls"].get("query_daily_history_k_AStock", 0)
    rows = [dict(zip(table.fields, row, strict=True)) for table in [hook.daily(DAY)] for row in table.rows]
    assert tushare_server.stats()["baostock"]["calls"]["query_daily_history_k_AStock"] == before + 1
    theirs = {
        row["ts_code"]: row
        for row in tushare_server.rows("daily", trade_date=f"{DAY:%Y%m%d}")
        if not row["ts_code"].endswith(".BJ")
    }
    ours = {f"{row['code'][3:]}.{row['code'][:2].upper()}": row for row in rows if row["tradestatus"] == "1"}
    assert ours.keys() == theirs.keys()
    names = {"open": "open", "preclose": "pre_close", "close": "close"}
    for code, row in ours.items():
        assert {each: float(row[each]) for each in names} == {one: theirs[code][two] for one, two in names.items()}
        assert float(row["volume"]) == theirs[code]["vol"] * 100
        assert abs(float(row["amount"]) - theirs[code]["amount"] * 1000) < 0.5
    assert any(not row["amount"].endswith(".0000") for row in ours.values()), "amounts have fen"


def test_a_day_without_trading_has_no_rows(hook: BaostockHook) -> None:
    assert hook.daily(SUNDAY).rows == []


def test_the_columns_may_come_in_any_order(hook: BaostockHook, tushare_server: TushareServer) -> None:
    plain = hook.daily(DAY)
    tushare_server.faults(query_daily_history_k_AStock={"kind": "shuffled"})
    assert hook.daily(DAY) == plain


# -- what goes wrong --

FAULTS: dict[str, tuple[dict[str, Any], type[SourceError], str]] = {
    "wrong bytes": ({"kind": "bad_crc"}, MalformedAnswer, "cannot be unpacked|cut short|not UTF-8|checksum"),
    "cut short": ({"kind": "truncated"}, SourceUnavailable, "time-out"),
    "closed at once": ({"kind": "closed"}, SourceUnavailable, "closed without an answer"),
    "closed half-way": ({"kind": "dropped"}, SourceUnavailable, r"closed after \d+ bytes"),
    "another program": ({"kind": "not_json"}, MalformedAnswer, "does not begin with a head"),
    "wrong width": ({"kind": "wrong_width"}, MalformedAnswer, "row 0 has not 18 values"),
    "no such column": ({"kind": "missing_field", "column": "preclose"}, MalformedAnswer, "column preclose"),
    "banned": ({"kind": "banned"}, NoPermission, "banned this address"),
    "not logged in": ({"kind": "not_logged_in"}, SourceUnavailable, "code 10001001"),
    "silence": ({"kind": "hang"}, SourceUnavailable, "time-out"),
}


@pytest.mark.parametrize("case", FAULTS)
def test_trouble_is_one_clear_error_within_the_time_out(
    case: str, tushare_server: TushareServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    fault, error, message = FAULTS[case]
    hook = connected(monkeypatch, tushare_server.baostock(read_timeout=4 if message == "time-out" else 60))
    tushare_server.faults(query_daily_history_k_AStock=fault)
    began = time.monotonic()
    with pytest.raises(error, match=f"^query_daily_history_k_AStock: .*({message})"):
        hook.daily(DAY)
    assert time.monotonic() - began < 30


def test_waiting_for_the_limit_costs_nothing_of_the_seconds_for_repeats(
    tushare_server: TushareServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [0.0]

    class Limiter:
        def acquire(self, _api_name: str, _limit: int | None) -> None:
            clock[0] += 62.0

    monkeypatch.setattr("ljwx.sources.transport.time", SimpleNamespace(monotonic=lambda: clock[0]))
    hook = connected(
        monkeypatch, tushare_server.baostock(), limiter=Limiter(), sleep=lambda _seconds: None, retry_budget=20.0
    )
    tushare_server.faults(query_daily_history_k_AStock={"kind": "closed", "count": 1})
    assert hook.daily(DAY).rows
    assert clock == [4 * 62.0], "a login and a query, twice"
    hook.daily(DAY)
    assert clock == [6 * 62.0], "a block of queries has a connection of its own"
    hook.close()


@pytest.mark.parametrize(("kind", "error"), [("login_refused", BadToken), ("banned", NoPermission)])
def test_a_refused_login_is_not_tried_again(
    kind: str, error: type[SourceError], tushare_server: TushareServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    delays: list[float] = []
    hook = connected(monkeypatch, tushare_server.baostock(), retry_budget=30.0, sleep=delays.append)
    tushare_server.faults(login={"kind": kind})
    with pytest.raises(error, match=r"^login: "):
        hook.daily(DAY)
    assert delays == []


def test_a_wrong_checksum_of_an_answer_that_is_not_packed_is_noticed(
    tushare_server: TushareServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook = connected(monkeypatch, tushare_server.baostock())
    tushare_server.faults(query_trade_dates={"kind": "bad_crc"})
    with pytest.raises(MalformedAnswer, match=r"^query_trade_dates: the answer's checksum is wrong"):
        hook.client.trade_dates(SUNDAY, DAY)


@pytest.mark.parametrize("kind", ["closed", "not_logged_in", "bad_crc"])
def test_what_heals_is_repeated_on_a_new_connection(
    kind: str, tushare_server: TushareServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    delays: list[float] = []
    hook = connected(monkeypatch, tushare_server.baostock(), retry_budget=30.0, sleep=delays.append)
    tushare_server.faults(query_daily_history_k_AStock={"kind": kind, "count": 2})
    assert len(hook.daily(DAY)) > 100
    assert len(delays) == 2


def test_a_server_that_always_says_logged_out_ends_in_an_error(
    tushare_server: TushareServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    delays: list[float] = []
    hook = connected(monkeypatch, tushare_server.baostock(), retry_budget=5.0, sleep=delays.append)
    tushare_server.faults(query_daily_history_k_AStock={"kind": "not_logged_in"})
    with pytest.raises(SourceUnavailable, match="10001001"):
        hook.daily(DAY)
    assert 2 <= len(delays) <= 6


def test_no_server_is_no_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        given = json.dumps({"conn_type": "baostock", "host": "127.0.0.1", "port": unused.getsockname()[1]})
        with pytest.raises(SourceUnavailable, match=r"no connection to 127.0.0.1:\d+ \(Connection refused\)"):
            connected(monkeypatch, given).daily(DAY)


# -- pages --


def test_a_list_comes_in_pages(hook: BaostockHook, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = hook.client.stock_basic()
    monkeypatch.setattr("ljwx.sources.baostock.wire.PAGE_ROWS", 100)
    assert hook.client.stock_basic() == whole
    assert len(whole) > 200


def test_a_list_without_an_end_is_an_error(
    hook: BaostockHook, tushare_server: TushareServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = ("sh.600000", "x", "1999-11-10", "", "1", "1")
    parts = ["0", "success", "query_stock_basic", "anonymous", "1", "2", record([row, row]), "", ""]
    told = answer("46", *parts, ",".join(BASIC_FIELDS)).decode()
    tushare_server.faults(query_stock_basic={"kind": "literal", "body": told})
    monkeypatch.setattr("ljwx.sources.baostock.wire.PAGE_ROWS", 2)
    with pytest.raises(MalformedAnswer, match="page 2 repeats the one before"):
        hook.client.stock_basic()


# -- the connection --


def test_an_empty_connection_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    endpoint = connected(monkeypatch, '{"conn_type": "baostock"}').client.endpoint
    assert (endpoint.place, endpoint.timeouts, endpoint.key) == ("public-api.baostock.com:10030", (5.0, 30.0), None)


def test_a_key_goes_to_its_own_server_and_into_no_text(monkeypatch: pytest.MonkeyPatch) -> None:
    hook = connected(monkeypatch, json.dumps({"conn_type": "baostock", "password": KEY}))
    assert hook.client.endpoint.place == "vip-api.baostock.com:10030"
    assert KEY not in repr(hook.client.endpoint)
    assert KEY.encode() not in pickle.dumps(hook)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"password": "my-secret"}, "its password is no API key"),
        ({"host": "http://somewhere/x"}, "host must be a bare name"),
        ({"extra": {"stocks": ["000001.SZ"]}}, "unknown extra 'stocks'"),
        ({"extra": {"read_timeout": -1}}, "read_timeout must be a number above 0"),
    ],
)
def test_a_wrong_connection_is_named_without_its_password(
    given: dict[str, Any], says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook = connected(monkeypatch, json.dumps({"conn_type": "baostock", **given}))
    with pytest.raises(ConfigurationError, match=f"connection tushare_default: .*{says}") as raised:
        _ = hook.client
    assert "my-secret" not in str(raised.value)
    assert hook.test_connection() == (False, str(raised.value))


def test_the_connection_test_says_what_came_of_it(hook: BaostockHook, tushare_server: TushareServer) -> None:
    assert hook.test_connection() == (True, f"BaoStock answers at 127.0.0.1:{tushare_server.baostock_port}")
    tushare_server.faults(login={"kind": "banned"})
    fine, says = hook.test_connection()
    assert not fine
    assert "banned this address" in says


def test_the_provider_names_the_hook() -> None:
    (kind,) = (each for each in get_provider_info()["connection-types"] if each["connection-type"] == "baostock")
    assert kind["hook-class-name"] == f"{BaostockHook.__module__}.{BaostockHook.__name__}"
    assert set(kind["conn-fields"]) == {"calls_per_minute", "connect_timeout", "read_timeout"}
