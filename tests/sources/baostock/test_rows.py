"""BaoStock's rows as bars: TuShare's numbers to the last bit, and no row lost."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from random import Random

from ljwx.sources.baostock import rows, wire
from ljwx.sources.rows import Table

TRADED = {
    "date": "2026-03-03", "code": "sh.600000", "open": "10.0000", "high": "10.2000", "low": "9.9000",
    "close": "10.1000", "preclose": "10.0000", "volume": "1234500", "amount": "12468450.1200", "tradestatus": "1",
    "pctChg": "1.000000",
}  # fmt: skip
RESTED = TRADED | {"volume": "0", "amount": "0.0000", "tradestatus": "0"}


def table(given: Sequence[dict[str, str | None]]) -> Table:
    return Table(wire.DAILY.columns, [[row.get(name) for name in wire.DAILY.columns] for row in given], "daily")


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
