"""What real sources do oddly, as options of the simulated market; without them it is the market that it was."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from ljwx_sandbox.tushare.interfaces import cut_page
from ljwx_sandbox.tushare.market import SimulatedMarket
from ljwx_sandbox.tushare.oddities.renames import Rename
from ljwx_sandbox.tushare.sessions import SessionList
from ljwx_sandbox.tushare.simulated import SimulatedSource
from ljwx_sandbox.tushare.universe import MarketSpec
from ljwx_sandbox.tushare.wire import Query

ORIGIN, BEFORE, DAY, LATER = date(2026, 1, 1), date(2026, 1, 9), date(2026, 1, 12), date(2026, 3, 2)
PLAIN = MarketSpec(36, 1, 0.0, ORIGIN)
RESTLESS = replace(PLAIN, suspend_rate=3.0)
TREATED = replace(PLAIN, st_rate=0.5)
RENAMED = replace(PLAIN, renames=(Rename("000003.SZ", "001872.SZ", DAY, "沙盒港口"),), bse_day=DAY)
SPAN = {"start_date": "20260105", "end_date": "20260116"}
Row = dict[str, Any]


def rows(spec: MarketSpec, today: date, api: str, columns: str, **given: str) -> list[Row]:
    source = SimulatedSource(SimulatedMarket(spec, SessionList()), last=today)
    codes = tuple(given["ts_code"].split(",")) if "ts_code" in given else ()
    query = Query(codes, given.get("start_date", ""), given.get("end_date", "99991231"), given)
    names = columns.split()
    found, _ = cut_page(source.blocks(api, query), names, 0, None)
    return [dict(zip(names, row, strict=True)) for row in found]


def days_of(spec: MarketSpec, today: date, code: str) -> list[str]:
    return sorted(row["trade_date"] for row in rows(spec, today, "daily", "trade_date", ts_code=code, **SPAN))


def test_until_its_day_nobody_knows_of_a_rename() -> None:
    codes = {row["ts_code"] for row in rows(RENAMED, BEFORE, "stock_basic", "ts_code")}
    assert {"000003.SZ", "830001.BJ", "430002.BJ"} <= codes
    assert not codes & {"001872.SZ", "920001.BJ", "920002.BJ"}
    assert rows(RENAMED, BEFORE, "bse_mapping", "o_code") == []
    assert days_of(RENAMED, BEFORE, "920001.BJ") == []


def test_after_it_the_old_codes_are_listed_no_more_and_the_mapping_has_those_of_beijing() -> None:
    listed = {row["ts_code"]: row for row in rows(RENAMED, LATER, "stock_basic", "ts_code name list_date")}
    assert not listed.keys() & {"000003.SZ", "830001.BJ", "430002.BJ"}
    before = {row["ts_code"]: row["list_date"] for row in rows(RENAMED, BEFORE, "stock_basic", "ts_code list_date")}
    assert (listed["001872.SZ"]["name"], listed["001872.SZ"]["list_date"]) == ("沙盒港口", before["000003.SZ"])
    mapping = rows(RENAMED, LATER, "bse_mapping", "o_code n_code list_date")
    assert {(row["o_code"], row["n_code"]) for row in mapping} == {
        ("830001.BJ", "920001.BJ"), ("430002.BJ", "920002.BJ"),
    }  # fmt: skip
    assert {row["list_date"] for row in mapping} == {before["830001.BJ"], before["430002.BJ"]}
    assert [row["o_code"] for row in rows(RENAMED, LATER, "bse_mapping", "o_code", n_code="920002.BJ")] == ["430002.BJ"]


def test_the_names_of_a_renamed_stock_go_on_under_its_new_code() -> None:
    names = rows(RENAMED, LATER, "namechange", "name start_date end_date", ts_code="001872.SZ")
    assert [(row["name"], row["end_date"]) for row in names] == [("沙盒港口", None), ("沙盒专用10", "20260111")]
    assert names[0]["start_date"] == "20260112"
    assert rows(RENAMED, LATER, "namechange", "name", ts_code="000003.SZ") == []


@pytest.mark.parametrize("history", ["new", "old"])
def test_history_is_served_under_one_code_or_the_other_and_is_the_same(history: Any) -> None:
    spec = replace(RENAMED, history=history)
    old, new = days_of(spec, LATER, "830001.BJ"), days_of(spec, LATER, "920001.BJ")
    assert bool(old) is (history == "old")
    assert all(day < "20260112" for day in old)
    assert min(new) < "20260112" if history == "new" else min(new) == "20260112"
    columns = "trade_date open high low close pre_close vol amount"
    mine = rows(spec, LATER, "daily", columns, ts_code="830001.BJ,920001.BJ", **SPAN)
    assert mine == rows(PLAIN, LATER, "daily", columns, ts_code="920001.BJ", **SPAN)


def test_a_rename_of_no_stock_of_the_market_is_refused() -> None:
    with pytest.raises(ValueError, match="one of the two must be a stock of the market"):
        SimulatedMarket(replace(PLAIN, renames=(Rename("999999.SZ", "999998.SZ", DAY),)), SessionList())
    with pytest.raises(ValueError, match="is no rename; write OLD=NEW@YYYY-MM-DD"):
        Rename.read("000003.SZ@2026-01-12")


def test_suspensions_and_bars_contradict_each_other_in_the_share_that_is_asked_for() -> None:
    spec, keys = replace(RESTLESS, odd_suspensions=0.1), "ts_code trade_date"
    plain, odd = (rows(each, LATER, "daily", f"{keys} vol amount close") for each in (RESTLESS, spec))
    assert all(row in odd for row in plain)
    extra = [row for row in odd if row not in plain]
    assert {row["vol"] > 0 for row in extra} == {True, False}
    assert all(row["amount"] == 0 for row in extra if row["vol"] == 0)
    halted, said = (rows(each, LATER, "suspend_d", keys, suspend_type="S") for each in (RESTLESS, spec))
    wrong = [row for row in said if row not in halted]
    traded = {(row["ts_code"], row["trade_date"]) for row in plain}
    assert wrong
    assert {(row["ts_code"], row["trade_date"]) for row in wrong} <= traded
    assert len(wrong) / len(traded) == pytest.approx(0.1, abs=0.05)


def test_untidy_names_stay_open_and_two_begin_on_one_day() -> None:
    columns, later = "ts_code name start_date end_date ann_date", date(2027, 6, 30)
    tidy, untidy = (rows(replace(TREATED, untidy_names=each), later, "namechange", columns) for each in (False, True))
    treated = {row["ts_code"] for row in tidy if "ST" in row["name"]}
    assert treated
    plain = [row for row in untidy if row["ts_code"] in treated and row["name"].startswith("沙盒")]
    assert {row["end_date"] for row in plain} == {None}
    for code in treated:
        began = [row for row in untidy if row["ts_code"] == code and "ST" in row["name"]]
        also = [row for row in untidy if row["ts_code"] == code and row["name"].startswith("临时")]
        assert [row["start_date"] for row in also] == [began[0]["start_date"]]
        assert also[0]["ann_date"] < began[0]["ann_date"]
