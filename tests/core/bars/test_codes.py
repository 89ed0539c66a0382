"""Rows of a renamed stock together, and each under its own code again."""

from __future__ import annotations

from datetime import date

import polars as pl

from ljwx.core.bars import UNRENAMED, Codes

DAYS = [date(2025, 9, 29), date(2025, 9, 30), date(2025, 10, 9)]
OLD, NEW, OTHER = "430047.BJ", "920047.BJ", "000001.SZ"
RENAMED = Codes({OLD: NEW})


def bars(*rows: tuple[str, date, float]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema={"ts_code": pl.String, "session": pl.Date, "close": pl.Float64}, orient="row")


SERIES = bars((OTHER, DAYS[0], 1.0), (OLD, DAYS[0], 2.0), (OLD, DAYS[1], 3.0), (NEW, DAYS[2], 4.0))


def test_renames_may_follow_one_another_and_a_circle_ends() -> None:
    steps = pl.DataFrame({"ts_code": ["a", "b", "x", "y", "z"], "renamed_to": ["b", "c", "y", "x", None]})
    codes = Codes.of(steps)
    assert {code: codes.stock_of(code) for code in "abcz"} == {"a": "c", "b": "c", "c": "c", "z": "z"}
    assert codes.all_of(["b", "z"]) == ["a", "b", "c", "z"]


def test_a_renamed_stock_is_one_and_every_row_gets_its_own_code_back() -> None:
    stocks = RENAMED.as_stocks(SERIES)
    assert stocks.filter(ts_code=NEW)["close"].to_list() == [2.0, 3.0, 4.0]
    made = stocks.select("ts_code", "session", doubled=pl.col("close") * 2)
    assert RENAMED.as_traded(made, stocks).sort("ts_code", "session").rows() == [
        (OTHER, DAYS[0], 2.0), (OLD, DAYS[0], 4.0), (OLD, DAYS[1], 6.0), (NEW, DAYS[2], 8.0),
    ]  # fmt: skip


def test_a_session_that_came_under_both_codes_counts_once_by_the_newest() -> None:
    stocks = RENAMED.as_stocks(pl.concat([SERIES, bars((NEW, DAYS[1], 3.5))]))
    assert stocks.filter(ts_code=NEW)["close"].to_list() == [2.0, 3.5, 4.0]
    assert RENAMED.as_traded(stocks, stocks).filter(session=DAYS[1])["ts_code"].to_list() == [NEW]


def test_without_renames_a_frame_is_what_it_was() -> None:
    assert UNRENAMED.as_stocks(SERIES) is SERIES
    assert UNRENAMED.as_traded(SERIES, SERIES) is SERIES


def test_a_renamed_stock_is_listed_since_its_first_code_and_delisted_with_its_newest() -> None:
    listed = pl.DataFrame(
        {
            "ts_code": [OLD, NEW, OTHER],
            "list_date": [date(2020, 7, 27), date(2025, 10, 9), date(1991, 4, 3)],
            "delist_date": [date(2025, 10, 9), None, None],
        }
    )
    assert RENAMED.listed(listed).rows() == [(OTHER, date(1991, 4, 3), None), (NEW, date(2020, 7, 27), None)]
