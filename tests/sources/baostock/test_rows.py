"""BaoStock's rows as bars: TuShare's numbers to the last bit, and no row lost."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from random import Random

import polars as pl
import pytest

from ljwx.core.labels.tradable import locked_down
from ljwx.sources.baostock import rows, wire
from ljwx.sources.rows import Table

TRADED = {
    "date": "2026-03-03", "code": "sh.600000", "open": "10.0000", "high": "10.2000", "low": "9.9000",
    "close": "10.1000", "preclose": "10.0000", "volume": "1234500", "amount": "12468450.1200", "tradestatus": "1",
    "pctChg": "1.000000",
}  # fmt: skip
RESTED = TRADED | {"volume": "0", "amount": "0.0000", "tradestatus": "0"}


def table(given: Sequence[dict[str, str | None]]) -> Table:
    return Table(wire.DAILY.taken, [[row.get(name) for name in wire.DAILY.taken] for row in given], "daily")


def published(text: str, units: int, decimals: int) -> float:
    """Write a number in the units and with the decimals of TuShare, as decimal arithmetic has them."""
    return float((Decimal(text) / units).quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP))


def test_volumes_and_amounts_are_tushares_to_the_last_bit() -> None:
    random = Random(7)
    shares = [str(random.randrange(1, 10**9)) for _ in range(2000)]
    amounts = [f"{random.randrange(1, 10**12) / 100:.2f}00" for _ in range(2000)]
    given = [TRADED | {"volume": vol, "amount": amount} for vol, amount in zip(shares, amounts, strict=True)]
    bars = rows.bars(rows.frame_of(table(given)))
    assert bars["vol"].to_list() == [published(each, 100, 2) for each in shares]
    assert bars["amount"].to_list() == [published(each, 1000, 3) for each in amounts]


def test_a_rested_stock_has_no_bar_and_a_volume_that_is_no_number_is_kept() -> None:
    bars = rows.bars(rows.frame_of(table([RESTED, RESTED | {"volume": None}, RESTED | {"volume": "abc"}, TRADED])))
    assert bars["vol"].to_list() == [None, 12345.0]
    raw = bars["raw"].to_list()
    assert (json.loads(raw[0])["volume"], raw[1]) == ("abc", None)


def test_a_stock_that_left_the_exchange_is_in_the_list_with_its_last_day() -> None:
    basic = [
        ["sz.000003", "PT金田Ａ", "1991-07-03", "2002-06-14", "1", "0"],
        ["sh.600000", "浦发银行", "1999-11-10", None, "1", "1"],
        ["sh.000001", "上证综合指数", "1991-07-15", None, "2", "1"],
    ]
    stocks = Table(wire.STOCK_BASIC.columns, basic, "stock_basic")
    kinds = Table(wire.INDUSTRIES.columns, [["sh.600000", "J66货币金融服务"]], "industries")
    came = rows.instruments(rows.frame_of(stocks), rows.frame_of(kinds))
    assert came.rejected.is_empty()
    assert came.usable.select("ts_code", "list_status", "list_date", "delist_date").rows() == [
        ("000003.SZ", "D", date(1991, 7, 3), date(2002, 6, 14)),
        ("600000.SH", "L", date(1999, 11, 10), None),
    ]


LOCKED = TRADED | {"open": "9.6000", "high": "9.7000", "low": "9.5000", "close": "9.5000", "isST": "1"}
NARROW = {
    "main board": (LOCKED, [("600000.SH", 9.5, 10.5)]),
    "no ST": (LOCKED | {"isST": "0"}, []),
    "not said": (LOCKED | {"isST": None}, []),
    "since its limit is 10 %": (LOCKED | {"date": "2026-07-06"}, []),
    "the day before": (LOCKED | {"date": "2026-07-03"}, [("600000.SH", 9.5, 10.5)]),
    "STAR market": (LOCKED | {"code": "sh.688001"}, []),
    "ChiNext": (LOCKED | {"code": "sz.300001"}, []),
    "ChiNext of old": (LOCKED | {"code": "sz.300001", "date": "2020-08-21"}, [("300001.SZ", 9.5, 10.5)]),
    "prices outside": (LOCKED | {"low": "9.4900"}, []),
    "half a fen is rounded up": (LOCKED | {"preclose": "9.9900"}, [("600000.SH", 9.49, 10.49)]),
    "no reference": (LOCKED | {"preclose": None}, []),
    "rested": (LOCKED | {"tradestatus": "0", "volume": "0"}, []),
}


@pytest.mark.parametrize("case", NARROW)
def test_limits_of_special_treatment_are_computed_where_they_were_narrow(case: str) -> None:
    given, limits = NARROW[case]
    found = rows.narrow_limits(rows.frame_of(table([given])))
    assert found.select("ts_code", "down_limit", "up_limit").rows() == limits


def test_a_stock_at_its_narrow_limit_cannot_be_sold() -> None:
    frame = rows.frame_of(table([LOCKED]))
    bars = rows.bars(frame).join(rows.narrow_limits(frame), on=["ts_code", "session"], how="left")
    assert bars.select(locked_down()).to_series().to_list() == [True]
    without = bars.with_columns(down_limit=pl.lit(None, dtype=pl.Float64))
    assert without.select(locked_down()).to_series().to_list() == [False], "the board's limit is 10 %"


VALUED = TRADED | {"turn": "0.420000", "peTTM": "4.5", "pbMRQ": "0.47", "psTTM": "1.26"}
OF_VALUED = ("600000.SH", date(2026, 3, 3), 4.5, 0.47, 1.26, 0.42, None)
VALUATIONS: dict[str, tuple[list[dict[str, str | None]], list[tuple[object, ...]], list[list[str]]]] = {
    "as it came": ([VALUED], [OF_VALUED], []),
    "a loss, and nothing known": (
        [VALUED | {"peTTM": "-8.1", "pbMRQ": "0.000000", "psTTM": None, "turn": None}],
        [(*OF_VALUED[:2], None, None, None, None, None)], [],
    ),
    "rested": ([RESTED | {"turn": "0.000000"}], [], []),
    "nothing stated": ([TRADED], [], []),
    "twice": ([VALUED, VALUED], [OF_VALUED], []),
    "twice, in another bar": ([VALUED, VALUED | {"close": "10.0000"}], [OF_VALUED], []),
    "twice, otherwise": ([VALUED, VALUED | {"peTTM": "4.6"}], [], [["valuation:duplicate"]] * 2),
    "a text that is no number": ([VALUED | {"pbMRQ": "0.47元"}], [], [["valuation:type"]]),
    "a turnover that is no number": ([VALUED | {"turn": "--"}], [], [["valuation:type"]]),
    "not a number": ([VALUED | {"peTTM": "nan"}], [], [["valuation:infinite"]]),
    "without end": ([VALUED | {"peTTM": "-inf"}], [], [["valuation:ratio", "valuation:infinite"]]),
    "too high a turnover": ([VALUED | {"turn": "101"}], [], [["valuation:turnover"]]),
    "a code that is none": ([VALUED | {"code": "600000"}], [], [["valuation:keys"]]),
    "another day": ([VALUED | {"date": "2026-03-02"}], [], [["valuation:day"]]),
    "no word whether it traded": ([VALUED | {"tradestatus": None}], [], [["valuation:keys"]]),
    "another word": ([VALUED | {"tradestatus": "7"}], [], [["valuation:kind"]]),
}  # fmt: skip


@pytest.mark.parametrize("case", VALUATIONS)
def test_valuations_are_stored_once_or_refused_with_what_came(case: str) -> None:
    given, usable, reasons = VALUATIONS[case]
    found = rows.valuations(rows.frame_of(table(given)), [date(2026, 3, 3)])
    assert found.usable.rows() == usable
    assert found.rejected["reasons"].to_list() == reasons
    kept = [json.loads(raw, parse_constant=pytest.fail) for raw in found.rejected["raw"]]
    came = ("code", "date", "peTTM", "turn")
    as_given = [[row[name] for name in came] for row in given[: len(kept)]]
    assert [[row[name] for name in came] for row in kept] == as_given


LEVEL = {
    "date": "2026-03-03", "code": "sh.000300", "open": "3990.1000", "high": "4010.0000", "low": "3980.0000",
    "close": "4000.5000", "preclose": "3980.5970", "pctChg": "0.500000",
}  # fmt: skip
OF_LEVEL = ("000300.SH", date(2026, 3, 3), 3990.1, 4010.0, 3980.0, 4000.5, 3980.597)
LEVELS: dict[str, tuple[list[dict[str, str | None]], list[tuple[object, ...]], list[list[str]]]] = {
    "as it came": ([LEVEL], [OF_LEVEL], []),
    "a day between that nobody asked for": ([LEVEL, LEVEL | {"date": "2026-03-04"}], [OF_LEVEL], []),
    "a day outside": ([LEVEL | {"date": "2026-03-09"}], [], [["index_daily:day"]]),
    "no day": ([LEVEL | {"date": None}], [], [["index_daily:keys"]]),
    "another index": ([LEVEL | {"code": "sh.000905"}], [], [["index_daily:kind"]]),
    "twice, otherwise": ([LEVEL, LEVEL | {"close": "4000.6000"}], [], [["index_daily:duplicate"]] * 2),
    "no close": ([LEVEL | {"close": None}], [], [["index_daily:close"]]),
    "a text that is no number": ([LEVEL | {"close": "4000,5"}], [], [["index_daily:type"]]),
}


@pytest.mark.parametrize("case", LEVELS)
def test_levels_of_an_index_are_stored_once_or_refused(case: str) -> None:
    given, usable, reasons = LEVELS[case]
    columns = wire.LEVELS.columns
    came = Table(columns, [[row[name] for name in columns] for row in given], "levels")
    found = rows.index_bars(rows.frame_of(came), "000300.SH", [date(2026, 3, 3), date(2026, 3, 5)])
    assert found.usable.rows() == usable
    assert found.rejected["reasons"].to_list() == reasons


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [("000300.SH", "sh.000300"), ("399006.SZ", "sz.399006"), ("930955.CSI", None), ("899050.BJ", None)],
)
def test_an_index_has_its_code_where_baostock_has_it(ours: str, theirs: str | None) -> None:
    assert rows.index_code_of(ours) == theirs
