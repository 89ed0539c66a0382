"""TushareHook against a real server: answers, errors, paging, secrecy."""

from __future__ import annotations

import copy
import json
import logging
import math
import os
import pickle
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from ljwx.exceptions import (
    BadQuery,
    BadToken,
    ConfigurationError,
    MalformedAnswer,
    NoPermission,
    RateLimited,
    SourceError,
    SourceUnavailable,
)
from ljwx.hooks.tushare import TushareHook
from support_tushare import REPOSITORY, StartMarket, TushareServer

DAY = "20240516"
TOKEN = "sandbox-unlimited"
CLOSE = ("ts_code", "close")


class Sleeper:
    """Stands in for waiting, and remembers how long it would have been."""

    def __init__(self) -> None:
        self.delays: list[float] = []

    def __call__(self, seconds: float) -> None:
        self.delays.append(seconds)


@pytest.fixture
def sleeper() -> Sleeper:
    return Sleeper()


@pytest.fixture
def hook(tushare_server: TushareServer, monkeypatch: pytest.MonkeyPatch, sleeper: Sleeper) -> Iterator[TushareHook]:
    monkeypatch.setenv("AIRFLOW_CONN_TUSHARE_DEFAULT", tushare_server.connection())
    made = TushareHook(sleep=sleeper, retry_budget=3.0)
    yield made
    made.close()


def _connect(monkeypatch: pytest.MonkeyPatch, connection: str, **settings: Any) -> TushareHook:
    monkeypatch.setenv("AIRFLOW_CONN_TUSHARE_DEFAULT", connection)
    return TushareHook(retry_budget=0.0, **settings)


# -- what the verbs return --


def test_daily_asks_for_the_after_hours_columns(hook: TushareHook, tushare_server: TushareServer) -> None:
    table = hook.daily("20260706")
    assert table.fields[-2:] == ("ah_vol", "ah_amount")
    assert len(table) == len(tushare_server.rows("daily", trade_date="20260706"))
    assert any(row[-2] is not None for row in table.rows)


def test_each_verb_names_its_columns(hook: TushareHook) -> None:
    assert hook.adj_factor(DAY).fields == ("ts_code", "trade_date", "adj_factor")
    assert hook.stk_limit(DAY).fields == ("trade_date", "ts_code", "up_limit", "down_limit")
    assert hook.suspend_d(DAY).fields == ("ts_code", "trade_date", "suspend_timing", "suspend_type")
    assert hook.namechange(ts_code="000001.SZ").fields[-1] == "change_reason"
    calendar = hook.trade_cal("20240501", "20240531")
    assert (len(calendar), calendar.fields[2]) == (31, "is_open")


def test_lists_of_members_are_asked_for_by_index_and_dates(hook: TushareHook) -> None:
    table = hook.index_weight("000300.SH", "20240501", "20240630")
    assert table.fields == ("index_code", "con_code", "trade_date", "weight")
    assert {row[2] for row in table.rows} == {"20240531", "20240628"}
    assert hook.index_weight("999999.SH", "20240101", "20261120").rows == []


def test_stock_basic_has_every_list_state(hook: TushareHook, tushare_server: TushareServer) -> None:
    table = hook.stock_basic()
    at = table.fields.index("list_status")
    assert {row[at] for row in table.rows} == {"L", "D"}
    assert len(table) > len(tushare_server.rows("stock_basic"))


@pytest.mark.parametrize("answer", ["none", "one state", "refused"])
def test_a_server_that_takes_one_list_state_is_asked_for_each(
    hook: TushareHook, tushare_server: TushareServer, answer: str
) -> None:
    every, calls = hook.stock_basic(), tushare_server.stats()["calls"]["stock_basic"]
    at = every.fields.index("list_status")
    listed = [row for row in every.rows if row[at] == "L"]
    data = {"fields": list(every.fields), "items": listed if answer == "one state" else [], "has_more": False}
    body = {"code": 50101 if answer == "refused" else 0, "data": data, "msg": "查询数据失败，请确认参数！"}
    tushare_server.faults(stock_basic={"kind": "literal", "body": json.dumps(body), "count": 1})
    assert sorted(map(str, hook.stock_basic().rows)) == sorted(map(str, every.rows))
    assert tushare_server.stats()["calls"]["stock_basic"] - calls == (4 if answer == "one state" else 5)


def test_pages_are_joined_past_the_cap(hook: TushareHook, tushare_server: TushareServer) -> None:
    calls = tushare_server.stats()["calls"].get("daily", 0)
    table = hook.daily(start_date="20240501", end_date="20240612")
    assert tushare_server.stats()["calls"]["daily"] - calls == 2
    assert 6000 < len(table) < 12_000
    assert len({(row[0], row[1]) for row in table.rows}) == len(table)


def test_a_limit_among_the_params_means_one_page(hook: TushareHook) -> None:
    assert len(hook.daily(DAY, limit=7)) == 7


def test_columns_come_in_the_order_asked_whatever_the_server_sends(
    hook: TushareHook, tushare_server: TushareServer
) -> None:
    _literal(tushare_server, {"fields": ["close", "x", "ts_code"], "items": [[1.5, 0, "000001.SZ"]], "has_more": False})
    assert hook.query("daily", fields=CLOSE).rows == [["000001.SZ", 1.5]]


def test_null_nan_and_zero_stay_apart(hook: TushareHook, tushare_server: TushareServer) -> None:
    body = '{"code":0,"data":{"fields":["v"],"items":[[null],[NaN],[0.0],[3]],"has_more":false},"msg":""}'
    tushare_server.faults(daily={"kind": "literal", "body": body})
    table = hook.query("daily", fields=["v"])
    assert table.rows[0] == [None]
    assert math.isnan(table.rows[1][0])
    assert table.rows[2:] == [[0.0], [3]]


def test_a_day_without_bars_is_an_empty_table_with_its_columns(hook: TushareHook) -> None:
    table = hook.daily("20240518")
    assert (len(table), table.fields[:2]) == (0, ("ts_code", "trade_date"))


# -- errors --


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("old_rate_limit", RateLimited),
        ("hour_limit", RateLimited),
        ("old_no_permission", NoPermission),
        ("ip_limit", NoPermission),
    ],
)
def test_errors_that_waiting_here_cannot_heal_are_raised_at_once(
    hook: TushareHook, tushare_server: TushareServer, sleeper: Sleeper, fault: str, kind: type[SourceError]
) -> None:
    tushare_server.faults(daily={"kind": fault, "count": 1})
    with pytest.raises(kind):
        hook.daily(DAY)
    assert sleeper.delays == []


def test_bad_query_and_bad_token_come_from_the_server_itself(
    hook: TushareHook, tushare_server: TushareServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(BadQuery, match="50101"):
        hook.daily("20241332")
    with pytest.raises(BadQuery, match="请指定正确的接口名"):
        hook.query("dialy", fields=CLOSE)
    with pytest.raises(BadQuery, match="name the fields"):
        hook.query("daily", fields=())
    with pytest.raises(BadQuery, match="offset must be a number, not 'x'"):
        hook.daily(DAY, offset="x")
    with pytest.raises(BadToken, match="您的token不对"):
        _connect(monkeypatch, tushare_server.connection("nobody-s-token")).daily(DAY)
    with pytest.raises(NoPermission, match="adj_factor"):
        _connect(monkeypatch, tushare_server.connection("sandbox-120")).adj_factor(DAY)


def test_the_tier_s_own_limit_is_raised_with_its_unit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, start_tushare: StartMarket
) -> None:
    tokens = tmp_path / "tokens.json"
    tokens.write_text('{"slow": {"per_minute": 1}}')
    with start_tushare("--stocks", "3", "--origin", "2026-01-01", "--token-file", str(tokens)) as server:
        hook = _connect(monkeypatch, server.connection("slow"))
        hook.daily("20260302")
        with pytest.raises(RateLimited) as caught:
            hook.daily("20260303")
    assert (caught.value.unit, caught.value.wait_seconds) == ("minute", 65.0)


# -- trouble on the way: repeated within a budget --


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("http_504", SourceUnavailable),
        ("http_500", SourceUnavailable),
        ("redirect", SourceUnavailable),
        ("dropped", SourceUnavailable),
        ("server_error", SourceUnavailable),
        ("system_error", SourceUnavailable),
        ("unknown_error", SourceUnavailable),
        ("truncated", MalformedAnswer),
        ("not_json", MalformedAnswer),
        ("wrong_width", MalformedAnswer),
        ("missing_field", MalformedAnswer),
        ("empty_more", MalformedAnswer),
    ],
)
def test_trouble_heals_by_repeating_and_is_raised_when_it_stays(
    hook: TushareHook, tushare_server: TushareServer, sleeper: Sleeper, fault: str, kind: type[SourceError]
) -> None:
    good = tushare_server.post("daily", trade_date=DAY, fields=",".join(CLOSE))["data"]["items"]
    tushare_server.faults(daily={"kind": fault, "count": 2})
    assert hook.query("daily", fields=CLOSE, trade_date=DAY).rows == good
    assert len(sleeper.delays) == 2
    tushare_server.faults(daily={"kind": fault})
    with pytest.raises(kind):
        hook.query("daily", fields=CLOSE, trade_date=DAY)


def test_delays_grow_with_jitter_and_stay_within_the_budget(
    tushare_server: TushareServer, monkeypatch: pytest.MonkeyPatch, sleeper: Sleeper
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_TUSHARE_DEFAULT", tushare_server.connection())
    tushare_server.faults(daily={"kind": "http_504"})
    with pytest.raises(SourceUnavailable):
        TushareHook(sleep=sleeper, retry_budget=60.0).daily(DAY)
    bounds = [min(8.0, 0.5 * 2**n) for n in range(len(sleeper.delays))]
    assert all(bound / 2 <= delay <= bound for delay, bound in zip(sleeper.delays, bounds, strict=True))
    assert 30 < sum(sleeper.delays) <= 60


def test_a_server_that_hangs_ends_in_a_time_out(tushare_server: TushareServer, monkeypatch: pytest.MonkeyPatch) -> None:
    tushare_server.faults(daily={"kind": "hang"})
    hook = _connect(monkeypatch, tushare_server.connection(read_timeout=0.3))
    with pytest.raises(SourceUnavailable, match="read time-out"):
        hook.daily(DAY)


class OwnServer(ThreadingHTTPServer):
    """A server of this test's own: counts connections, and can let the body through byte by byte.

    :param pause: seconds before each byte of the body; 0 sends it at once.
    """

    daemon_threads = False  # so that closing the server waits for its handlers
    body = json.dumps({"code": 0, "msg": "", "data": {"fields": ["ts_code"], "items": [["x"]] * 500}}).encode()

    def __init__(self, pause: float) -> None:
        super().__init__(("127.0.0.1", 0), OwnHandler)
        self.pause = pause
        self.connections = 0
        self.sent: list[int] = []

    def connection(self) -> str:
        extra = {"read_timeout": 0.5 if self.pause else 60}
        place = {"host": "127.0.0.1", "port": self.server_port, "schema": "http"}
        return json.dumps({"conn_type": "tushare", "password": "x", "extra": extra, **place})


class OwnHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: OwnServer

    def setup(self) -> None:
        super().setup()
        self.server.connections += 1

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("content-length", str(len(OwnServer.body)))
        self.end_headers()
        sent, step = 0, 1 if self.server.pause else len(OwnServer.body)
        try:
            while sent < len(OwnServer.body):
                time.sleep(self.server.pause)
                self.wfile.write(OwnServer.body[sent : sent + step])
                sent += step
        except OSError:
            self.close_connection = True
        self.server.sent.append(sent)

    def log_message(self, *_: Any) -> None:
        """Be silent."""


@contextmanager
def own_server(pause: float) -> Iterator[OwnServer]:
    with OwnServer(pause) as server:
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        yield server
        server.shutdown()
        serving.join(10)
        server.server_close()  # waits until each handler has seen that its client hung up


def test_a_server_that_trickles_cannot_outlast_the_budget(monkeypatch: pytest.MonkeyPatch, sleeper: Sleeper) -> None:
    """Each byte comes well within the time-out of a read; the whole answer would take minutes."""
    with own_server(pause=0.02) as server:
        monkeypatch.setenv("AIRFLOW_CONN_TUSHARE_DEFAULT", server.connection())
        hook = TushareHook(sleep=sleeper, retry_budget=1.0)
        with pytest.raises(SourceUnavailable, match="read time-out"):
            hook.query("daily", fields=("ts_code",))
        hook.close()
    assert 1 <= server.connections <= 2
    assert max(server.sent) < len(OwnServer.body) / 4


def test_a_connection_is_used_for_many_queries(monkeypatch: pytest.MonkeyPatch) -> None:
    with own_server(pause=0.0) as server:
        hook = _connect(monkeypatch, server.connection())
        assert [len(hook.query("daily", fields=("ts_code",))) for _ in range(3)] == [500] * 3
        assert server.connections == 1
        hook.close()


def test_a_closed_port_is_unavailable_and_names_the_address(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: refused
        port = taken.getsockname()[1]
        hook = _connect(monkeypatch, TushareServer(f"http://127.0.0.1:{port}").connection())
        with pytest.raises(SourceUnavailable, match=f"http://127.0.0.1:{port}/ .*ConnectionError"):
            hook.daily(DAY)
        ok, message = hook.test_connection()
    assert not ok
    assert str(port) in message


def _literal(server: TushareServer, data: object, code: object = 0) -> None:
    body = json.dumps({"request_id": "1", "code": code, "data": data, "msg": "", "detail": "..."})
    server.faults(daily={"kind": "literal", "body": body})


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("", "not a JSON object"),
        ("[]", "not a JSON object"),
        ("[" * 100_000, "not a JSON object"),
        ("null", "not a JSON object"),
        ("{}", "has no code"),
        ('{"code": "0", "data": {}}', "has no code"),
        ('{"code": true, "data": {}}', "has no code"),
        ('{"code": 0, "data": null}', "has no data"),
        ('{"code": 0, "data": {}}', "has no fields"),
        ('{"code": 0, "data": {"fields": "close", "items": []}}', "has no fields"),
        ('{"code": 0, "data": {"fields": [1], "items": []}}', "has no fields"),
        ('{"code": 0, "data": {"fields": ["ts_code", "close"]}}', "has no items"),
        ('{"code": 0, "data": {"fields": ["ts_code", "close"], "items": [], "has_more": "no"}}', "no truth value"),
        ('{"code": 0, "data": {"fields": ["ts_code", "close"], "items": [["x", 1], ["x"]]}}', "row 1 has not 2"),
        ('{"code": 0, "data": {"fields": ["ts_code", "close"], "items": [{"x": 1}]}}', "row 0 has not 2"),
        ('{"code": 0, "data": {"fields": ["ts_code"], "items": []}}', "column close was asked for"),
        ('{"code": 0, "data": {"fields": ["ts_code", "close"], "items": [], "has_more": true}}', "more follow"),
        ('{"code": 0, "data": {"fields": ["ts_code", "close"], "items": [["x", 1]], "has_more": true}}', "repeats"),
    ],
)
def test_an_envelope_that_cannot_be_believed_is_malformed(
    tushare_server: TushareServer, monkeypatch: pytest.MonkeyPatch, body: str, says: str
) -> None:
    tushare_server.faults(daily={"kind": "literal", "body": body})
    hook = _connect(monkeypatch, tushare_server.connection())
    with pytest.raises(MalformedAnswer, match=says):
        hook.query("daily", fields=CLOSE, trade_date=DAY)


# -- limiter --


class Ledger:
    def __init__(self) -> None:
        self.asked: list[tuple[str, int | None]] = []

    def acquire(self, api_name: str, limit: int | None) -> None:
        self.asked.append((api_name, limit))


def test_the_limiter_is_asked_before_every_request(
    tushare_server: TushareServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = Ledger()
    hook = _connect(monkeypatch, tushare_server.connection(calls_per_minute=200), limiter=ledger)
    hook.daily(start_date="20240501", end_date="20240612")
    hook.stock_basic()
    assert ledger.asked == [("daily", 200)] * 2 + [("stock_basic", 50)]
    tushare_server.faults(daily={"kind": "http_504", "count": 1})
    monkeypatch.setenv("AIRFLOW_CONN_TUSHARE_DEFAULT", tushare_server.connection())
    retrying, ledger.asked = TushareHook(limiter=ledger, sleep=Sleeper(), retry_budget=9.0), []
    retrying.daily(DAY)
    assert ledger.asked == [("daily", None)] * 2


# -- connections --


def test_a_generic_connection_serves_as_well(tushare_server: TushareServer, monkeypatch: pytest.MonkeyPatch) -> None:
    hook = _connect(monkeypatch, tushare_server.connection(conn_type="generic"))
    assert len(hook.daily(DAY)) > 200


def test_the_default_endpoint_is_https(monkeypatch: pytest.MonkeyPatch) -> None:
    hook = _connect(monkeypatch, json.dumps({"conn_type": "tushare", "password": TOKEN}))
    endpoint = hook.client.endpoint
    assert endpoint.url == "https://api.tushare.pro/"
    assert endpoint.address.timeouts == (5.0, 30.0)
    assert TOKEN not in repr(endpoint)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"password": None}, "connection tushare_default: put the TuShare token in its password"),
        ({"schema": "ftp"}, "schema must be https or http, not 'ftp'"),
        ({"host": "http://api.tushare.pro/x"}, "host must be a bare name"),
        ({"extra": {"read_timout": 3}}, "unknown extra 'read_timout'; known are"),
        ({"extra": {"read_timeout": "soon"}}, "extra read_timeout must be a number above 0, not 'soon'"),
        ({"extra": {"calls_per_minute": -1}}, "extra calls_per_minute must be a number above 0"),
    ],
)
def test_a_wrong_connection_says_what_to_correct(
    monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], says: str
) -> None:
    connection = {"conn_type": "tushare", "password": TOKEN, "host": "127.0.0.1", **changes}
    hook = _connect(monkeypatch, json.dumps(connection))
    with pytest.raises(ConfigurationError, match=says):
        hook.daily(DAY)
    ok, message = hook.test_connection()
    assert not ok
    assert says.split(";")[0] in message


def test_an_undefined_connection_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AIRFLOW_CONN_NOWHERE", raising=False)
    hook = TushareHook("nowhere")
    with pytest.raises(ConfigurationError, match="connection nowhere is not defined; create one"):
        hook.daily(DAY)
    assert hook.test_connection()[0] is False


def test_test_connection_tells_a_good_token_from_a_bad_one(
    hook: TushareHook, tushare_server: TushareServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert hook.test_connection() == (True, f"TuShare answers at {tushare_server.url}/")
    tushare_server.faults(daily={"kind": "old_rate_limit"})
    ok, message = hook.test_connection()
    assert ok
    assert "limit is used up" in message
    tushare_server.faults()
    bad, message = _connect(monkeypatch, tushare_server.connection("wrong-token-xyz")).test_connection()
    assert not bad
    assert "您的token不对" in message
    assert "wrong-token-xyz" not in message


# -- secrecy --

SECRET = "s3cr3t-0123456789-token"


def _everything(error: BaseException) -> str:
    """Write an exception with all that hangs on it: causes, contexts, arguments, attributes."""
    parts, chain = [], [error]
    while chain:
        each = chain.pop()
        parts += [str(each), repr(each), repr(each.args), repr(vars(each))]
        parts += [repr(getattr(getattr(each, "request", None), "body", ""))]
        chain += [linked for linked in (each.__cause__, each.__context__) if linked is not None]
    return "\n".join(parts)


@pytest.mark.parametrize(
    "fault", ["http_504", "hang", "dropped", "truncated", "echo", "server_error", "refused", "wrong_width"]
)
def test_the_token_is_in_no_log_and_no_exception(
    tushare_server: TushareServer,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    fault: str,
) -> None:
    if fault == "echo":
        body = json.dumps({"code": -1, "data": None, "msg": f"服务器错误，请稍后再试！{SECRET}"})
        tushare_server.faults(daily={"kind": "literal", "body": body})
    elif fault != "refused":
        tushare_server.faults(daily={"kind": fault})
    server = TushareServer("http://127.0.0.1:9") if fault == "refused" else tushare_server
    # As a server that echoes sees it: a token that the sandbox knows would give no error of its own.
    token = TOKEN if fault == "wrong_width" else SECRET
    monkeypatch.setenv(
        "AIRFLOW_CONN_TUSHARE_DEFAULT", server.connection(token, read_timeout=0.3 if fault == "hang" else 60)
    )
    hook = TushareHook(sleep=Sleeper(), retry_budget=2.0)
    with caplog.at_level(logging.DEBUG), pytest.raises((SourceUnavailable, MalformedAnswer)) as caught:
        hook.daily(DAY)
    probe = hook.test_connection()
    output = capfd.readouterr()
    logged = caplog.text + output.out + output.err
    assert "next attempt in" in logged
    shown = (repr(hook), repr(hook.get_conn()), repr(hook.client), str(probe))
    for text in (_everything(caught.value), logged, *shown):
        assert token not in text


def test_the_token_is_in_no_pickle_and_the_copy_still_works(hook: TushareHook) -> None:
    rows = hook.daily(DAY).rows
    for original in (hook, hook.get_conn()):
        assert TOKEN.encode() not in pickle.dumps(original)
    hook.retry_budget = 1.5
    twin = copy.deepcopy(TushareHook())
    assert twin.daily(DAY).rows == rows
    again = pickle.loads(pickle.dumps(TushareHook(retry_budget=1.5)))
    assert again.retry_budget == 1.5
    assert again.daily(DAY).rows == rows
    assert repr(again) == "TushareHook(tushare_conn_id='tushare_default')"


def test_probing_the_lent_client_sends_nothing(hook: TushareHook, tushare_server: TushareServer) -> None:
    api, before = hook.get_conn(), tushare_server.stats()["total"]
    copy.copy(api)
    copy.deepcopy(api)
    pickle.loads(pickle.dumps(api))
    for name in ("__len__", "__iter__", "_repr_html_", "__array__", "_ipython_display_"):
        assert not hasattr(api, name)
    assert tushare_server.stats()["total"] == before


# -- the lent client --


def test_the_lent_client_returns_frames_like_the_package_s(hook: TushareHook, tushare_server: TushareServer) -> None:
    api = hook.get_conn()
    frame = api.daily(trade_date=DAY)
    data = tushare_server.post("daily", trade_date=DAY)["data"]
    assert list(frame.columns) == data["fields"]
    assert frame.to_numpy().tolist() == data["items"]
    assert list(api.query("daily", fields="close, ts_code", trade_date=DAY).columns) == ["close", "ts_code"]
    with pytest.raises(BadQuery):
        api.no_such_interface()


_PRO_BAR = """
import sys
import tushare as ts
from ljwx.hooks.tushare import TushareHook
bar = ts.pro_bar("000001.SZ", api=TushareHook().get_conn(), adj="hfq", start_date="20240501", end_date="20240531")
print(list(bar.columns)[:3], len(bar))
"""


def test_pro_bar_runs_on_the_lent_client(tushare_server: TushareServer, tmp_path: Path, programs: ModuleType) -> None:
    environment = {
        **os.environ,
        "HOME": str(tmp_path),
        "AIRFLOW_HOME": str(tmp_path / "airflow"),
        "PYTHONPATH": os.pathsep.join([str(REPOSITORY / "plugins"), str(REPOSITORY / "sandbox")]),
        "AIRFLOW_CONN_TUSHARE_DEFAULT": tushare_server.connection(),
    }
    done = programs.run([sys.executable, "-c", _PRO_BAR], capture_output=True, text=True, env=environment, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "['ts_code', 'trade_date', 'open'] 23"
    assert not (tmp_path / "tk.csv").exists()
