"""The sandbox's k-line endpoint, spoken to as public programs speak to the real one."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import requests

from support_tushare import StartMarket, TushareServer

SYMBOL, STOCK = "sz000001", "000001.SZ"
PATH = "/appstock/app/fqkline/get"
REAL = Path(__file__).resolve().parents[2].parent / "shared" / "realdata"


def get(server: TushareServer, param: str, **more: str) -> requests.Response:
    return requests.get(server.url + PATH, params={"param": param, **more}, timeout=30)


def node(server: TushareServer, param: str) -> dict[str, Any]:
    answer = get(server, param).json()
    assert (answer["code"], answer["msg"]) == (0, "")
    found: dict[str, Any] = answer["data"][param.split(",")[0]]
    return found


def iso(day: str) -> str:
    return f"{day[:4]}-{day[4:6]}-{day[6:]}"


def with_ex_rights(server: TushareServer) -> tuple[str, list[dict[str, Any]]]:
    """A stock that announced both cash and shares, and its bars in time order."""
    for stock in server.rows("stock_basic"):
        symbol = stock["ts_code"][-2:].lower() + stock["ts_code"][:6]
        events = [row[6]["FHcontent"] for row in node(server, f"{symbol},day,,,2000,")["day"] if len(row) > 6]
        if any("转" in event for event in events) and len(events) > 1:
            bars = server.rows("daily", ts_code=stock["ts_code"])
            return symbol, sorted(bars, key=lambda row: str(row["trade_date"]))
    raise AssertionError("no stock with ex-rights")


def test_rows_are_texts_with_the_close_before_the_high(tushare_server: TushareServer) -> None:
    (told,) = tushare_server.rows("daily", ts_code=STOCK, trade_date="20240516")
    (row,) = node(tushare_server, f"{SYMBOL},day,2024-05-16,2024-05-16,640,")["day"]
    prices = [f"{told[name]:.3f}" for name in ("open", "close", "high", "low")]
    assert row[:6] == ["2024-05-16", *prices, f"{told['vol']:.3f}"]


def test_count_end_and_start_choose_the_newest_rows_in_time_order(tushare_server: TushareServer) -> None:
    bars = tushare_server.rows("daily", ts_code=STOCK, start_date="20240401", end_date="20240531")
    days = sorted(iso(row["trade_date"]) for row in bars)
    for asked, expected in {
        ",2024-05-31,5,": days[-5:],
        "2024-04-01,2024-05-31,640,": days,
        "2024-04-01,2024-05-31,3,": days[-3:],
    }.items():
        rows = node(tushare_server, f"{SYMBOL},day,{asked}")["day"]
        assert [row[0] for row in rows] == expected


def test_ex_right_days_carry_a_seventh_element_that_gives_the_reference(tushare_server: TushareServer) -> None:
    symbol, bars = with_ex_rights(tushare_server)
    rows = {row[0]: row for row in node(tushare_server, f"{symbol},day,,,2000,")["day"]}
    seen = 0
    for before, bar in pairwise(bars):
        row = rows[iso(bar["trade_date"])]
        if abs(bar["pre_close"] - before["close"]) < 0.005:
            assert len(row) == 6
            continue
        event = row[6]
        assert set(event) == {"nd", "fh_sh", "djr", "cqr", "FHcontent"}
        assert event["cqr"] == row[0]
        cash = sum(float(each) for each in re.findall(r"10派([\d.]+)元", event["FHcontent"])) / 10
        shares = sum(float(each) for each in re.findall(r"10转([\d.]+)股", event["FHcontent"])) / 10
        assert abs((before["close"] - cash) / (1 + shares) - bar["pre_close"]) <= 0.005 + 1e-9
        assert float(event["fh_sh"]) == pytest.approx(10 * cash)
        seen += 1
    assert seen >= 2


def test_adjusted_series_close_the_gaps_affinely(tushare_server: TushareServer) -> None:
    symbol, _ = with_ex_rights(tushare_server)
    raw = node(tushare_server, f"{symbol},day,,,640,")["day"]
    forward = node(tushare_server, f"{symbol},day,,,640,qfq")["qfqday"]
    backward = node(tushare_server, f"{symbol},day,,,640,hfq")["hfqday"]
    assert [row[0] for row in raw] == [row[0] for row in forward] == [row[0] for row in backward]
    assert forward[-1][1:5] == raw[-1][1:5]
    assert backward[-1][1:5] != raw[-1][1:5]
    at = max(number for number, row in enumerate(raw) if len(row) > 6)
    content = raw[at][6]["FHcontent"]
    cash = sum(float(each) for each in re.findall(r"派([\d.]+)元", content)) / 10
    shares = sum(float(each) for each in re.findall(r"转([\d.]+)股", content)) / 10
    assert forward[at][1:5] == raw[at][1:5]
    expected = (float(raw[at - 1][2]) - cash) / (1 + shares)
    assert float(forward[at - 1][2]) == pytest.approx(expected, abs=0.0006)


def test_star_volumes_are_shares_and_the_quote_bears_witness(tushare_server: TushareServer) -> None:
    codes = [row["ts_code"] for row in tushare_server.rows("stock_basic")]
    for prefix, shares in (("688", 1), ("600", 100), ("300", 100), ("920", 100)):
        code = next(each for each in codes if each.startswith(prefix))
        symbol = code[-2:].lower() + code[:6]
        found = node(tushare_server, f"{symbol},day,,,1,")
        (row,), quote = found["day"], found["qt"][symbol]
        price, volume, amount = (float(part) for part in quote[35].split("/"))
        assert quote[30][:8] == row[0].replace("-", "")
        assert float(row[5]) == float(quote[6]) == volume
        assert amount / (price * volume) == pytest.approx(shares, rel=0.2)
        (told,) = tushare_server.rows("daily", ts_code=code, trade_date=quote[30][:8])
        assert volume * shares == pytest.approx(told["vol"] * 100)


def test_too_large_a_count_is_refused_or_cut(tushare_server: TushareServer) -> None:
    assert get(tushare_server, f"{SYMBOL},day,,,2001,").json()["msg"] == "param error"
    assert len(node(tushare_server, f"{SYMBOL},day,,,2000,")["day"]) > 640
    symbol, _ = with_ex_rights(tushare_server)
    assert len(node(tushare_server, f"{symbol},day,,,801,qfq")["qfqday"]) == 640


@pytest.mark.parametrize(
    "param", ["", SYMBOL, f"{SYMBOL},m5,,,5,", f"{SYMBOL},day,,,x,", f"{SYMBOL},day,yesterday,,5,"]
)
def test_what_is_no_request_is_refused(tushare_server: TushareServer, param: str) -> None:
    answer = get(tushare_server, param)
    assert (answer.status_code, answer.json()["code"], answer.json()["msg"]) == (200, 1, "param error")


def test_an_unknown_stock_has_no_data_and_an_empty_range_no_rows(tushare_server: TushareServer) -> None:
    assert get(tushare_server, "sz999999,day,,,5,").json() == {"code": 0, "msg": "", "data": []}
    assert node(tushare_server, f"{SYMBOL},day,2024-05-04,2024-05-05,5,")["day"] == []


def test_a_variable_is_put_before_the_answer(tushare_server: TushareServer) -> None:
    text = get(tushare_server, f"{SYMBOL},day,2024-01-01,2024-12-31,640,qfq", _var="kline_dayqfq2024", r="0.123").text
    name, _, rest = text.partition("=")
    assert name == "kline_dayqfq2024"
    assert json.loads(rest)["code"] == 0


def test_faults_and_statistics_reach_the_endpoint(tushare_server: TushareServer) -> None:
    before = tushare_server.stats()["calls"].get("fqkline", 0)
    tushare_server.faults(fqkline={"kind": "late", "count": 1})
    assert node(tushare_server, f"{SYMBOL},day,,2024-05-16,3,")["day"][-1][0] == "2024-05-15"
    tushare_server.faults(fqkline={"kind": "http_504", "count": 1})
    assert get(tushare_server, f"{SYMBOL},day,,,3,").status_code == 504
    assert get(tushare_server, f"{SYMBOL},day,,,3,").status_code == 200
    assert tushare_server.stats()["calls"]["fqkline"] - before == 3


@pytest.fixture(scope="module")
def replayed(start_tushare: StartMarket) -> Iterator[TushareServer]:
    if not REAL.is_dir():
        pytest.skip("no real bars beside the repository")
    with start_tushare("--replay", str(REAL)) as server:
        yield server


def test_replayed_bars_announce_the_cash_that_gives_their_reference(replayed: TushareServer) -> None:
    """000001.SZ paid 7.19 per ten shares on 2024-06-14."""
    rows = {row[0]: row for row in node(replayed, f"{SYMBOL},day,2024-05-01,2024-06-30,640,")["day"]}
    assert [day for day, row in rows.items() if len(row) > 6] == ["2024-06-14"]
    (told,) = replayed.rows("daily", ts_code=STOCK, trade_date="20240614")
    paid = round(float(rows["2024-06-13"][2]) - told["pre_close"], 2)
    assert rows["2024-06-14"][6]["fh_sh"] == f"{10 * paid:g}"
    assert paid == 0.72
