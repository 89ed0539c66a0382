"""Every fault of the sandbox TuShare does what its name says, for as many calls as it was told."""

from __future__ import annotations

import json
from typing import Any

import pytest
import requests

from support_tushare import UNLIMITED, TushareServer

DAY = "20240516"
BODY = {"api_name": "daily", "token": UNLIMITED, "params": {"trade_date": DAY}, "fields": ""}


def _post(server: TushareServer, timeout: float = 10) -> requests.Response:
    return requests.post(server.url, json=BODY, timeout=timeout, allow_redirects=False)


@pytest.mark.parametrize(("kind", "status"), [("http_504", 504), ("http_500", 500), ("redirect", 302)])
def test_a_status_fault_ends_after_its_count(tushare_server: TushareServer, kind: str, status: int) -> None:
    tushare_server.faults(daily={"kind": kind, "count": 2})
    assert [_post(tushare_server).status_code for _ in range(3)] == [status, status, 200]


def test_a_fault_spoils_only_its_interface(tushare_server: TushareServer) -> None:
    tushare_server.faults(adj_factor={"kind": "http_504"})
    assert _post(tushare_server).status_code == 200


def test_a_star_fault_spoils_every_interface(tushare_server: TushareServer) -> None:
    tushare_server.faults(**{"*": {"kind": "http_504"}})
    assert _post(tushare_server).status_code == 504


def test_hang_answers_nothing_in_time(tushare_server: TushareServer) -> None:
    tushare_server.faults(daily={"kind": "hang", "count": 1})
    with pytest.raises(requests.ReadTimeout):
        _post(tushare_server, timeout=0.3)
    assert _post(tushare_server).json()["code"] == 0


def test_truncated_is_half_a_json(tushare_server: TushareServer) -> None:
    tushare_server.faults(daily={"kind": "truncated"})
    answer = _post(tushare_server)
    assert (answer.status_code, answer.text[:14]) == (200, '{"request_id":')
    with pytest.raises(ValueError, match=r"Unterminated|Expecting"):
        json.loads(answer.content)


def test_dropped_breaks_off_before_the_promised_length(tushare_server: TushareServer) -> None:
    tushare_server.faults(daily={"kind": "dropped"})
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        _post(tushare_server)


def test_not_json_and_literal_are_given_as_they_are(tushare_server: TushareServer) -> None:
    tushare_server.faults(daily={"kind": "not_json"})
    assert _post(tushare_server).text == "<html>网关忙</html>"
    tushare_server.faults(daily={"kind": "literal", "body": '{"code":0}', "status": 200})
    assert _post(tushare_server).json() == {"code": 0}


@pytest.mark.parametrize(
    ("kind", "code", "text"),
    [
        ("server_error", -1, "服务器错误，请稍后再试！"),
        ("system_error", -1, "系统内部错误"),
        ("unknown_error", -1, "系统未知错误"),
        ("ip_limit", -1, "您的IP数量超限，最大数量为5个！"),
        ("old_rate_limit", 40203, "抱歉，您每分钟最多访问该接口500次，权限的具体详情访问："),
        ("old_hour_limit", 40203, "每小时最多访问该接口10次"),
        ("hour_limit", 40203, "频率超限(10次/小时)"),
        ("old_no_permission", -2002, "抱歉，您没有权限访问该接口，权限的具体详情访问："),
    ],
)
def test_a_business_fault_has_the_recorded_text(tushare_server: TushareServer, kind: str, code: int, text: str) -> None:
    tushare_server.faults(daily={"kind": kind})
    envelope = _post(tushare_server).json()
    assert envelope["code"] == code
    assert text in envelope["msg"]


def _spoiled(server: TushareServer, api: str, **fault: Any) -> tuple[Any, Any]:
    good = server.post(api, trade_date=DAY)["data"]
    server.faults(**{api: fault})
    return good, server.post(api, trade_date=DAY)["data"]


def test_partial_gives_a_share_of_the_rows(tushare_server: TushareServer) -> None:
    good, bad = _spoiled(tushare_server, "daily", kind="partial", share=0.3)
    assert 0.15 < len(bad["items"]) / len(good["items"]) < 0.45
    assert all(row in good["items"] for row in bad["items"])


def test_late_leaves_out_the_newest_session(tushare_server: TushareServer) -> None:
    _, bad = _spoiled(tushare_server, "adj_factor", kind="late")
    assert bad["items"] == []
    rows = tushare_server.rows("adj_factor", ts_code="000001.SZ", start_date="20240513", end_date=DAY)
    assert [row["trade_date"] for row in rows] == ["20240515", "20240514", "20240513"]


def test_glitch_moves_the_fourth_decimal_of_some_factors(tushare_server: TushareServer) -> None:
    good, bad = _spoiled(tushare_server, "adj_factor", kind="glitch", share=0.2)
    moves = [abs(new[2] - old[2]) for old, new in zip(good["items"], bad["items"], strict=True)]
    assert 0 < sum(move > 0 for move in moves) < len(moves) / 2
    assert max(moves) < 0.00031


def test_wrong_types_nulls_and_duplicates_touch_some_rows(tushare_server: TushareServer) -> None:
    _, bad = _spoiled(tushare_server, "daily", kind="wrong_types", column="close", share=0.5)
    assert {type(row[5]) for row in bad["items"]} == {str, float}
    tushare_server.faults()
    good, bad = _spoiled(tushare_server, "daily", kind="nulls", column="vol", share=0.5)
    assert {type(row[9]) for row in bad["items"]} == {type(None), float}
    tushare_server.faults()
    good, bad = _spoiled(tushare_server, "daily", kind="duplicates", share=0.5)
    assert bad["items"][: len(good["items"])] == good["items"]
    assert len(bad["items"]) > len(good["items"])


def test_wrong_width_missing_field_and_empty_more(tushare_server: TushareServer) -> None:
    _, bad = _spoiled(tushare_server, "daily", kind="wrong_width")
    assert [len(row) for row in bad["items"][:2]] == [10, 11]
    tushare_server.faults()
    _, bad = _spoiled(tushare_server, "daily", kind="missing_field", column="close")
    assert "close" not in bad["fields"]
    assert {len(row) for row in bad["items"]} == {10}
    tushare_server.faults()
    _, bad = _spoiled(tushare_server, "daily", kind="empty_more")
    assert (bad["items"], bad["has_more"]) == ([], True)


@pytest.mark.parametrize("given", [{"daily": {"kind": "gremlin"}}, {"daily": {"kind": "late", "x": 1}}, [1]])
def test_an_unknown_fault_is_refused(tushare_server: TushareServer, given: object) -> None:
    answer = requests.put(f"{tushare_server.url}/_sandbox/faults", json=given, timeout=60)
    assert answer.status_code == 400
    assert answer.text.startswith("faults: ")
