"""Which stocks a session of the record is about."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl

from ljwx.core.bars.codes import UNRENAMED
from ljwx.core.forward.choice import in_full, members_on, most_traded, traded_on

DAY = date(2026, 3, 20)


def bars(**amounts: list[float | None]) -> pl.DataFrame:
    """Bars of the last sessions, newest last, where a stock has an amount; close 10, vol as the amount."""
    rows = [
        {"ts_code": f"{code[1:]}.SZ", "session": DAY - timedelta(days=len(days) - 1 - at), "amount": amount}
        for code, days in amounts.items()
        for at, amount in enumerate(days)
        if amount is not None
    ]
    return pl.DataFrame(rows).with_columns(close=pl.lit(10.0), vol="amount")


def test_the_most_traded_are_those_of_many_sessions_that_traded_on_this_one() -> None:
    market = bars(s000001=[5.0, 5.0], s000002=[1.0, 8.0], s000003=[99.0, None], s000004=[1.0, 1.0])
    assert traded_on(market, DAY) == ["000001.SZ", "000002.SZ", "000004.SZ"]
    assert most_traded(market, DAY, 2, UNRENAMED) == ["000001.SZ", "000002.SZ"]
    assert most_traded(market, DAY, 1, UNRENAMED) == ["000001.SZ"]
    assert most_traded(market, DAY, 0, UNRENAMED) == []


def test_without_amounts_volume_and_close_tell() -> None:
    market = bars(s000001=[5.0], s000002=[8.0]).with_columns(amount=pl.lit(None, dtype=pl.Float64))
    assert most_traded(market, DAY, 1, UNRENAMED) == ["000002.SZ"]


def test_members_are_those_of_the_newest_list_before_the_session() -> None:
    lists = pl.DataFrame(
        {"session": [DAY - timedelta(days=40), DAY - timedelta(days=10)], "ts_code": ["000001.SZ", "000002.SZ"]}
    )
    market = bars(s000001=[1.0], s000002=[1.0])
    assert members_on(market, DAY, lists, UNRENAMED) == ["000002.SZ"]
    assert members_on(market, DAY, lists.clear(), UNRENAMED) == []


def test_the_draw_is_of_its_session_and_holds_the_watchlist() -> None:
    stocks = [f"{number:06}.SZ" for number in range(50)]
    drawn = [in_full(DAY + timedelta(days=at), stocks, ["000007.SZ", "999999.SZ"], 3) for at in range(2)]
    assert [len(each) for each in drawn] == [4, 4]
    assert drawn[0] != drawn[1]
    assert all("000007.SZ" in each for each in drawn)
    assert in_full(DAY, stocks, ["000007.SZ"], 3) == drawn[0]
