"""TuShare's tables in canonical columns, with the values of its documentation's examples."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl
import pytest

from ljwx.core.bars import canonical as frames
from ljwx.core.features.fundamentals import TABLE as FUNDAMENTALS
from ljwx.sources.rows import Table, wire_frame
from ljwx.sources.tushare import announcements, interfaces, rows

DAY, WIRE_DAY = date(2024, 6, 4), "20240604"


def wire(fields: tuple[str, ...], *given: list[Any]) -> pl.DataFrame:
    return wire_frame(Table(fields, list(given)))


def test_factors_and_limits_have_dates() -> None:
    found = rows.factors(wire(interfaces.ADJ_FACTOR, ["000001.SZ", WIRE_DAY, 108.031]), [WIRE_DAY]).usable
    assert (found.schema, found.rows()) == (frames.FACTORS, [("000001.SZ", DAY, 108.031)])
    found = rows.limits(wire(interfaces.STK_LIMIT, [WIRE_DAY, "000001.SZ", 11.0, 9.0]), [WIRE_DAY]).usable
    assert (found.schema, found.rows()) == (frames.LIMITS, [("000001.SZ", DAY, 11.0, 9.0)])


def test_suspensions_have_a_kind_and_a_timing() -> None:
    given = ["000001.SZ", WIRE_DAY, None, "S"], ["000002.SZ", WIRE_DAY, "09:30-10:00", "S"]
    found = rows.suspensions(wire(interfaces.SUSPEND, *given), [WIRE_DAY]).usable
    assert found.schema == frames.SUSPENSIONS
    assert found.rows() == [("000001.SZ", DAY, "S", None), ("000002.SZ", DAY, "S", "09:30-10:00")]


def test_instruments_have_dates() -> None:
    texts = {"ts_code": "000003.SZ", "name": "PT金田A", "market": "主板", "exchange": "SZSE", "list_status": "D"}
    values = texts | {"list_date": "19910703", "delist_date": "20020614"}
    found = rows.instruments(wire(interfaces.STOCKS, [values.get(name) for name in interfaces.STOCKS])).usable
    assert found.schema == frames.INSTRUMENTS
    assert found.row(0, named=True) == {
        **texts, "industry": None, "list_date": date(1991, 7, 3), "delist_date": date(2002, 6, 14),
    }  # fmt: skip


def test_names_have_periods() -> None:
    given = ["000004.SZ", "*ST国华", "20220506", "20230531", "20220429", "*ST"]
    found = rows.names(wire(interfaces.NAMES, given)).usable
    assert found.schema == frames.NAMES
    days = (date(2022, 5, 6), date(2023, 5, 31), date(2022, 4, 29))
    assert found.rows() == [("000004.SZ", "*ST国华", "*ST", *days)]


def test_members_are_those_of_the_index_that_was_asked_for() -> None:
    given = ["000300.SH", "600000.SH", WIRE_DAY, 0.5], ["000905.SH", "600001.SH", WIRE_DAY, 0.2]
    found = rows.members(wire(interfaces.INDEX_WEIGHT, *given), "000300.SH")
    assert found.usable.schema == frames.MEMBERS
    assert found.usable.rows() == [("000300.SH", "600000.SH", DAY, 0.5)]
    assert found.rejected["reasons"].to_list() == [["index_weight:kind"]]


def test_a_calendar_says_open_closed_or_neither_and_what_was_sent() -> None:
    given = [["SSE", "20240604", 1, None], ["SSE", "20240608", 0, None], ["SSE", "20240609", "0", None]]
    found = rows.calendar(Table(interfaces.TRADE_CAL, given))
    assert found.schema == frames.CALENDAR
    assert found["is_open"].to_list() == [True, False, None]
    assert found["raw"].to_list() == ["1", "0", '"0"']
    assert rows.calendar(Table(interfaces.TRADE_CAL, [])).schema == frames.CALENDAR


def test_valuations_are_null_for_a_loss_and_refused_where_they_cannot_be() -> None:
    good = ["000001.SZ", WIRE_DAY, 4.5, 0.47, 1.26, 0.42, 20_000_000.5]
    loss = ["000002.SZ", WIRE_DAY, None, -0.5, 0.9, 1.0, 10.0]
    wrong = ["000003.SZ", WIRE_DAY, 4.5, 0.4, 1.2, 101.0, -1.0], ["000004.SZ", WIRE_DAY, "x", 0.4, 1.2, 1.0, 1.0]
    found = rows.valuations(wire(interfaces.DAILY_BASIC, good, loss, *wrong), [WIRE_DAY])
    assert found.usable.rows() == [
        ("000001.SZ", DAY, 4.5, 0.47, 1.26, 0.42, 20_000_000.5), ("000002.SZ", DAY, None, None, 0.9, 1.0, 10.0),
    ]  # fmt: skip
    assert sorted(found.rejected["reasons"].to_list()) == [
        ["daily_basic:turnover", "daily_basic:float_value"], ["daily_basic:type"],
    ]  # fmt: skip
    assert found.rejected["session"].to_list() == [DAY, DAY]


LEVELS: dict[str, object] = {
    "ts_code": "000300.SH", "trade_date": WIRE_DAY, "open": 3580.5, "high": 3610.0, "low": 3571.25, "close": 3600.0,
    "pre_close": 3564.3564, "pct_chg": 1.0,
}  # fmt: skip
OF_INDEX: dict[str, tuple[dict[str, object], list[str]]] = {
    "as it came": ({}, []),
    "the first of all has none before": ({"pre_close": None, "pct_chg": None}, []),
    "a close alone": ({"open": None, "high": None, "low": None}, []),
    "another index": ({"ts_code": "000905.SH"}, ["index_daily:kind"]),
    "another day": ({"trade_date": "20240603"}, ["index_daily:day"]),
    "no close": ({"close": None}, ["index_daily:close"]),
    "a text": ({"close": "3600"}, ["index_daily:type"]),
    "not finite": ({"close": float("inf")}, ["index_daily:range", "index_daily:pct_chg", "index_daily:infinite"]),
    "no price": ({"low": 0.0}, ["index_daily:price"]),
    "a close above the high": ({"high": 3590.0}, ["index_daily:range"]),
    "a change that is another": ({"pct_chg": 1.02}, ["index_daily:pct_chg"]),
}


@pytest.mark.parametrize("case", OF_INDEX)
def test_levels_of_an_index_are_kept_or_refused_with_their_reasons(case: str) -> None:
    changed, reasons = OF_INDEX[case]
    given = LEVELS | changed
    found = rows.index_bars(wire(interfaces.INDEX_DAILY, list(given.values())), "000300.SH", [WIRE_DAY])
    kept = [(given["ts_code"], DAY, *(given[name] for name in ("open", "high", "low", "close", "pre_close")))]
    assert found.usable.rows() == ([] if reasons else kept)
    assert found.rejected["reasons"].to_list() == ([reasons] if reasons else [])


def test_money_flows_sum_the_large_orders() -> None:
    values = {"buy_sm_amount": 10.0, "buy_md_amount": 20.0, "buy_lg_amount": 30.0, "buy_elg_amount": 40.0}
    values |= {"sell_lg_amount": 25.0, "sell_elg_amount": 5.0}
    good = ["000001.SZ", WIRE_DAY, *(values[name] for name in interfaces.MONEYFLOW[2:])]
    wrong = ["000002.SZ", WIRE_DAY, *(-values[name] for name in interfaces.MONEYFLOW[2:])]
    found = rows.money_flows(wire(interfaces.MONEYFLOW, good, wrong), [WIRE_DAY])
    assert found.usable.rows() == [("000001.SZ", DAY, 70.0, 30.0, 100.0)]
    assert found.rejected["ts_code"].to_list() == ["000002.SZ"]


def test_what_is_announced_has_its_kind_its_quarter_and_its_day() -> None:
    figures = ["000001.SZ", "20240425", "20240331"]
    report = announcements.reports(
        wire(interfaces.FINA_INDICATOR, [*figures, None, 3.2, 5.5, -7.0], [*figures, "1", 3.1, 5.5, None])
    ).usable
    assert report.schema == FUNDAMENTALS.schema
    key = ("000001.SZ", "report", date(2024, 3, 31), date(2024, 4, 25))
    assert report.rows() == [
        (*key, False, None, 3.2, 5.5, -7.0, None, None),
        (*key, True, None, 3.1, 5.5, None, None, None),
    ]
    express = announcements.expresses(wire(interfaces.EXPRESS, [*figures, 3.3, 6.0, -6.5])).usable
    assert express.row(0) == (key[0], "express", *key[2:], False, None, 3.3, 6.0, -6.5, None, None)
    given = ["000001.SZ", "20240320", "20240331", "预增", 20.0, 35.5]
    forecast = announcements.forecasts(wire(interfaces.FORECAST, given)).usable
    assert forecast.row(0) == (
        key[0], "forecast", key[2], date(2024, 3, 20), False, "预增", None, None, None, 20.0, 35.5,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("given", "reasons"),
    [
        (["000001.SZ", None, "20240331", "0", 1.0, 1.0, 1.0], ["fina_indicator:keys"]),
        (["000001.SZ", "20240425", "20240330", "0", 1.0, 1.0, 1.0], ["fina_indicator:period"]),
        (["000001.SZ", "20240425", "20240229", "0", 1.0, 1.0, 1.0], ["fina_indicator:quarter"]),
        (["000001.SZ", "20240331", "20240331", "0", 1.0, 1.0, 1.0], ["fina_indicator:announced"]),
        (["000001.SZ", "20240425", "20240331", "2", 1.0, 1.0, 1.0], ["fina_indicator:kind"]),
        (["000001.SZ", "20240425", "20240331", "0", "x", 1.0, 1.0], ["fina_indicator:type"]),
    ],
)
def test_what_no_announcement_can_be_is_refused_by_name(given: list[Any], reasons: list[str]) -> None:
    found = announcements.reports(wire(interfaces.FINA_INDICATOR, given))
    assert found.usable.is_empty()
    assert found.rejected["reasons"].to_list() == [reasons]


def test_quarters_end_four_times_a_year() -> None:
    found = list(announcements.quarter_ends(date(2025, 3, 31), date(2026, 3, 30)))
    assert found == [date(2025, 3, 31), date(2025, 6, 30), date(2025, 9, 30), date(2025, 12, 31)]
