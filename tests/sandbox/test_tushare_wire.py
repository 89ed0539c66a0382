"""The wire of the sandbox TuShare, byte for byte where bytes were observed."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from types import ModuleType

import pytest
import requests

from support_tushare import UNLIMITED, TushareServer

DAILY = ["ts_code", "trade_date", "open", "high", "low", "close", "pre_close", "change", "pct_chg", "vol", "amount"]
DAY = "20240516"


def _post(server: TushareServer, body: object, path: str = "/") -> requests.Response:
    return requests.post(server.url + path, json=body, timeout=30)


def _request(**changes: object) -> dict[str, object]:
    return {"api_name": "daily", "token": UNLIMITED, "params": {"trade_date": DAY}, "fields": "", **changes}


def test_success_has_the_observed_envelope(tushare_server: TushareServer) -> None:
    text = _post(tushare_server, _request(params={"ts_code": "000001.SZ", "trade_date": DAY})).text
    envelope = json.loads(text)
    assert list(envelope) == ["request_id", "code", "data", "msg", "detail"]
    assert list(envelope["data"]) == ["fields", "items", "has_more", "count"]
    assert (envelope["code"], envelope["msg"], envelope["detail"]) == (0, "", "...")
    assert (envelope["data"]["count"], envelope["data"]["has_more"]) == (0, False)
    assert len(envelope["data"]["items"]) == 1


def test_error_has_null_data_and_unescaped_chinese(tushare_server: TushareServer) -> None:
    answer = _post(tushare_server, _request(token="nobody"))
    assert answer.status_code == 200
    assert '"code":40101,"data":null,"msg":"您的token不对，请确认。","detail":""}' in answer.content.decode("utf-8")


def test_floats_keep_their_point_and_is_open_is_an_int(tushare_server: TushareServer) -> None:
    volume = _post(tushare_server, _request(fields="vol")).text
    assert ".0]" in volume
    assert ".0" not in _post(tushare_server, _request(api_name="trade_cal", fields="is_open", params={})).text


def test_both_paths_give_the_same_rows(tushare_server: TushareServer) -> None:
    plain = _post(tushare_server, _request()).json()["data"]
    assert plain == _post(tushare_server, _request(api_name=""), "/dataapi/daily").json()["data"]
    assert len(plain["items"]) > 200


def test_unknown_null_and_empty_params_are_ignored(tushare_server: TushareServer) -> None:
    odd = {"trade_date": DAY, "ts_code": None, "start_date": "", "ts_type_name": "x", "limit": None, "offset": ""}
    assert (
        _post(tushare_server, _request(params=odd)).json()["data"] == _post(tushare_server, _request()).json()["data"]
    )


@pytest.mark.parametrize(
    ("api", "params", "hidden"),
    [
        ("daily", {"trade_date": DAY}, ["ah_vol", "ah_amount"]),
        ("stock_basic", {}, ["exchange", "list_status", "delist_date", "is_hs", "fullname"]),
        ("stk_limit", {"trade_date": DAY}, ["pre_close"]),
    ],
)
def test_hidden_columns_come_only_when_named(
    tushare_server: TushareServer, api: str, params: dict[str, str], hidden: list[str]
) -> None:
    default = tushare_server.post(api, **params)["data"]["fields"]
    assert not set(hidden) & set(default)
    named = tushare_server.post(api, fields=",".join(["ts_code", *hidden]), **params)["data"]["fields"]
    assert named == ["ts_code", *hidden]


def test_default_columns_are_the_documented_ones(tushare_server: TushareServer) -> None:
    assert tushare_server.post("daily", trade_date=DAY)["data"]["fields"] == DAILY
    index = tushare_server.post("index_daily", ts_code="000001.SH")["data"]["fields"]
    assert index[:3] == ["ts_code", "trade_date", "close"]


def test_rows_of_one_code_come_newest_first(tushare_server: TushareServer) -> None:
    days = [row["trade_date"] for row in tushare_server.rows("daily", ts_code="000001.SZ")]
    assert len(days) > 500
    assert days == sorted(set(days), reverse=True)
    assert days[0] <= "20261120"


def test_a_list_of_codes_and_a_range_choose_rows(tushare_server: TushareServer) -> None:
    rows = tushare_server.rows("adj_factor", ts_code="000001.SZ,600000.SH", start_date="20251230", end_date="20260105")
    assert {row["ts_code"] for row in rows} == {"000001.SZ", "600000.SH"}
    assert {row["trade_date"] for row in rows} == {"20251230", "20251231", "20260101", "20260102", "20260105"}


@pytest.mark.parametrize(("api", "cap"), [("daily", 6000), ("daily_basic", 6000), ("stk_limit", 5800)])
def test_results_are_cut_at_the_cap_and_pages_join_without_gap(
    tushare_server: TushareServer, api: str, cap: int
) -> None:
    span = {"start_date": "20240501", "end_date": "20240612", "fields": "trade_date,ts_code"}
    first = tushare_server.post(api, **span)["data"]
    assert len(first["items"]) == cap
    assert first["has_more"] is True
    second = tushare_server.post(api, offset=cap, **span)["data"]
    assert second["has_more"] is False
    rows = [tuple(row) for row in first["items"] + second["items"]]
    assert len(set(rows)) == len(rows)
    by_day = [
        (row["trade_date"], row["ts_code"])
        for day in sorted({row[0] for row in rows}, reverse=True)
        for row in tushare_server.rows(api, trade_date=day)
    ]
    assert rows == by_day


def test_limit_and_offset_page_within_the_cap(tushare_server: TushareServer) -> None:
    whole = tushare_server.post("daily", trade_date=DAY)["data"]["items"]
    part = tushare_server.post("daily", trade_date=DAY, offset="10", limit=5)["data"]
    assert part["items"] == whole[10:15]
    assert part["has_more"] is True
    end = tushare_server.post("daily", trade_date=DAY, offset=len(whole) - 2, limit=5)["data"]
    assert (end["items"], end["has_more"]) == (whole[-2:], False)
    beyond = tushare_server.post("daily", trade_date=DAY, offset=len(whole))["data"]
    assert (beyond["items"], beyond["has_more"]) == ([], False)


@pytest.mark.parametrize(
    ("changes", "code", "text"),
    [
        ({"params": {"trade_date": DAY, "offset": 100_001}}, 50101, "查询数据失败，请确认参数！"),
        ({"params": {"trade_date": DAY, "limit": "many"}}, 50101, "查询数据失败"),
        ({"params": {"trade_date": "20241332"}}, 50101, "查询数据失败"),
        ({"params": {"trade_date": "2024-05-16"}}, 50101, "查询数据失败"),
        ({"params": [1]}, 50101, "查询数据失败"),
        ({"params": {}}, 40101, "必填参数, trade_date"),
        ({"api_name": "index_daily", "params": {}}, 40101, "必填参数, ts_code"),
        ({"api_name": "index_weight", "params": {"trade_date": DAY}}, 40101, "必填参数, index_code"),
        ({"token": "sandbox-120", "api_name": "index_weight"}, 40203, "抱歉，您没有接口(index_weight)访问权限"),
        ({"api_name": "dialy"}, -1, "请指定正确的接口名"),
        ({"token": ""}, 40101, "您的token不对，请确认。"),
        ({"token": "sandbox-120", "api_name": "adj_factor"}, 40203, "抱歉，您没有接口(adj_factor)访问权限，权限的"),
    ],
)  # fmt: skip
def test_bad_requests_get_their_code_and_text(
    tushare_server: TushareServer, changes: dict[str, object], code: int, text: str
) -> None:
    envelope = _post(tushare_server, _request(**changes)).json()
    assert envelope["code"] == code
    assert text in envelope["msg"]
    assert envelope["data"] is None


def test_the_highest_offset_allowed_is_no_error(tushare_server: TushareServer) -> None:
    assert tushare_server.post("daily", trade_date=DAY, offset=100_000)["code"] == 0


def test_a_body_that_is_not_json_is_a_bad_query(tushare_server: TushareServer) -> None:
    answer = requests.post(tushare_server.url, data=b"token=1", timeout=60)
    assert (answer.status_code, answer.json()["code"]) == (200, 50101)


def test_nothing_is_served_after_its_today(tushare_server: TushareServer) -> None:
    assert tushare_server.rows("daily", trade_date="20261123") == []
    assert tushare_server.rows("daily", trade_date="20261120") != []
    assert tushare_server.rows("daily", trade_date="20231229") == []


_CLIENT = """
import json, sys
import tushare as ts
url, token = sys.argv[1:]
api = ts.pro_api(token)
api._DataApi__http_url = url + "/dataapi"
calls = {
    "daily": {"trade_date": "20240516"},
    "adj_factor": {"trade_date": "20240516"},
    "daily_basic": {"trade_date": "20240516"},
    "stock_basic": {"list_status": "L"},
    "trade_cal": {"exchange": "SSE", "start_date": "20240501", "end_date": "20240531"},
    "suspend_d": {"start_date": "20240501", "end_date": "20240531"},
    "stk_limit": {"trade_date": "20240516"},
    "namechange": {"ts_code": "000001.SZ"},
    "index_daily": {"ts_code": "000001.SH", "start_date": "20240501", "end_date": "20240531"},
    "index_weight": {"index_code": "000300.SH", "start_date": "20240501", "end_date": "20240531"},
}
shapes = {name: list(getattr(api, name)(**params).shape) for name, params in calls.items()}
bar = ts.pro_bar("000001.SZ", api=api, adj="hfq", start_date="20240501", end_date="20240531")
shapes["pro_bar"] = list(bar.shape)
try:
    api.query("no_such_thing")
except Exception as error:
    shapes["error"] = str(error)
print(json.dumps(shapes))
"""


def test_the_official_client_works_unchanged(
    tushare_server: TushareServer, tmp_path: Path, programs: ModuleType
) -> None:
    done = programs.run(
        [sys.executable, "-c", _CLIENT, tushare_server.url, "sandbox-5000"],
        capture_output=True, text=True, env={**os.environ, "HOME": str(tmp_path)}, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    shapes = json.loads(done.stdout.splitlines()[-1])
    assert shapes.pop("error") == "请指定正确的接口名"
    columns = {name: shape[1] for name, shape in shapes.items()}
    assert columns == {
        "daily": 11, "adj_factor": 3, "daily_basic": 18, "stock_basic": 10, "trade_cal": 4, "suspend_d": 4,
        "stk_limit": 4, "namechange": 6, "index_daily": 11, "index_weight": 4, "pro_bar": 11,
    }  # fmt: skip
    assert all(shape[0] > 0 for shape in shapes.values())
    assert (shapes["trade_cal"][0], shapes["index_daily"][0], shapes["pro_bar"][0]) == (31, 23, 23)
    assert not (tmp_path / "tk.csv").exists()
