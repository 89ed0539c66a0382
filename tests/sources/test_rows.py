"""Tables of JSON values as frames: what is kept, what is rejected, and that nothing is lost."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import polars as pl
import pytest

from ljwx.core.bars import FETCHED_BARS, QUARANTINE
from ljwx.sources.rows import Table, WireSchema, fetched_bars, split_valid, wire_frame

FACTORS = WireSchema("factors", ("ts_code", "trade_date"), ("trade_date",), ("adj_factor",), once=True)
DAY = date(2026, 3, 3)


def factors(*rows: list[Any]) -> pl.DataFrame:
    return wire_frame(Table(("ts_code", "trade_date", "adj_factor"), list(rows)))


def test_null_nan_and_zero_stay_apart() -> None:
    close = wire_frame(Table(("ts_code", "close"), [["a", None], ["b", float("nan")], ["c", 0.0], ["d", 3]]))["close"]
    assert close.null_count() == 1
    assert close.is_nan().to_list() == [None, True, False, False]
    assert close[2:].to_list() == [0.0, 3.0]


@pytest.mark.parametrize("value", ["9.2元", True, [2], 2**53 + 1])
def test_a_row_whose_number_is_none_keeps_itself_as_json(value: Any) -> None:
    frame = wire_frame(Table(("ts_code", "close"), [["a", 1.5], ["b", value]]))
    assert frame["close"].to_list() == [1.5, None]
    assert frame["raw"][0] is None
    assert json.loads(frame["raw"][1]) == {"ts_code": "b", "close": value}


def test_an_empty_table_has_its_columns_and_types() -> None:
    frame = wire_frame(Table(("ts_code", "close"), []))
    assert frame.schema == {"ts_code": pl.String, "close": pl.Float64, "raw": pl.String}


def test_bars_have_the_canonical_columns_whatever_the_table_has() -> None:
    table = Table(("trade_date", "ts_code", "close", "more"), [["20260303", "000001.SZ", 10.5, "x"]])
    bars = fetched_bars(wire_frame(table))
    assert bars.schema == FETCHED_BARS
    row = bars.row(0, named=True)
    assert (row["ts_code"], row["session"], row["close"], row["raw"]) == ("000001.SZ", DAY, 10.5, None)
    assert {row[name] for name in ("open", "amount", "ah_vol", "change", "unreferenced")} == {None}


def test_a_bar_of_no_day_keeps_what_it_said() -> None:
    bars = fetched_bars(wire_frame(Table(("ts_code", "trade_date", "close"), [["000001.SZ", "20260231", 10.5]])))
    assert bars["session"].to_list() == [None]
    assert json.loads(bars["raw"][0]) == {"ts_code": "000001.SZ", "trade_date": "20260231", "close": 10.5}


REJECTED: dict[str, tuple[list[list[Any]], list[list[str]]]] = {
    "a key that is missing": ([[None, "20260303", 1.0]], [["factors:keys"]]),
    "a day that is none": ([["a", "20260231", 1.0]], [["factors:type", "factors:day"]]),
    "a number that is none": ([["a", "20260303", "x"]], [["factors:type"]]),
    "a day not asked for": ([["a", "20260304", 1.0]], [["factors:day"]]),
    "two values of one key": ([["a", "20260303", 1.0], ["a", "20260303", 2.0]], [["factors:duplicate"]] * 2),
}


@pytest.mark.parametrize("case", REJECTED)
def test_a_row_that_cannot_be_used_is_rejected_with_its_reasons(case: str) -> None:
    bad, reasons = REJECTED[case]
    good = ["good", "20260303", 1.5]
    usable, rejected = split_valid(FACTORS, factors(good, *bad), ["20260303"])
    assert usable.rows() == [tuple(good)]
    assert rejected.schema == QUARANTINE
    assert rejected["reasons"].to_list() == reasons
    sent = [dict(zip(("ts_code", "trade_date", "adj_factor"), row, strict=True)) for row in bad]
    assert [json.loads(raw) for raw in rejected["raw"]] == sent


def test_equal_copies_are_one_row() -> None:
    usable, rejected = split_valid(FACTORS, factors(*[["a", "20260303", 1.0]] * 3), ["20260303"])
    assert (usable.height, rejected.height) == (1, 0)


def test_a_value_outside_of_its_kinds_is_rejected() -> None:
    schema = WireSchema("stops", ("ts_code",), (), kinds={"kind": ("S", "R")})
    wire = wire_frame(Table(("ts_code", "kind"), [["a", "S"], ["b", "X"], ["c", None]]))
    usable, rejected = split_valid(schema, wire)
    assert usable["ts_code"].to_list() == ["a", "c"]
    assert rejected.select("ts_code", "reasons").rows() == [("b", ["stops:kind"])]
