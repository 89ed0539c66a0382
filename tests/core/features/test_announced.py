"""What companies announced, as of a session: values worked out by hand, and nothing before it could be known."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ljwx.core.features.announced import with_first_day
from ljwx.core.features.fundamentals import FACTS, LATEST, TABLE
from ljwx.core.features.fundamentals.outlook import OUTLOOK

SINCE = date(2026, 1, 5)
"""The day from which on the table was filled."""
Q3, YEAR, Q1 = date(2025, 9, 30), date(2025, 12, 31), date(2026, 3, 31)
COLUMNS = {**TABLE.schema, "revision": pl.Int32(), "seen": pl.Date(), "since": pl.Date()}


def row(kind: str, period: date, announced: date, roe: float | None = None, **given: Any) -> dict[str, Any]:
    given |= {"kind": kind, "period": period, "announced": announced, "roe": roe}
    first = {"ts_code": "a", "corrected": False, "revision": 1, "since": SINCE, "seen": max(announced, SINCE)}
    return {**dict.fromkeys(COLUMNS), **first, **given}


def told(rows: list[dict[str, Any]], sessions: list[date], ts_code: str = "a") -> pl.DataFrame:
    stocks = pl.DataFrame({"ts_code": ts_code, "session": sessions}, schema_overrides={"session": pl.Date})
    return TABLE.as_of(pl.DataFrame(rows, schema=COLUMNS), stocks, None)


def days_of(roe: float, *rows: dict[str, Any], first: date = date(2026, 1, 1), count: int = 400) -> tuple[date, date]:
    """The first and the last day on which a return on equity is told; it must be told on each between them."""
    days = [first + timedelta(days=n) for n in range(count)]
    found = told(list(rows), days).filter(roe=roe)["session"].to_list()
    assert found == [found[0] + timedelta(days=n) for n in range(len(found))]
    return found[0], found[-1]


def test_figures_are_told_from_the_day_after_their_announcement_until_they_are_too_old() -> None:
    announced = date(2026, 4, 24)
    expected = announced + timedelta(days=1), announced + timedelta(days=LATEST)
    assert days_of(8.0, row("report", YEAR, announced, 8.0)) == expected


def test_what_was_seen_late_is_told_from_then_on_and_what_was_filled_in_from_its_announcement_on() -> None:
    late = row("report", YEAR, date(2026, 4, 24), 8.0, seen=date(2026, 5, 6))
    assert days_of(8.0, late)[0] == date(2026, 5, 6)
    before = row("report", Q3, SINCE - timedelta(days=2), 6.0, seen=date(2026, 3, 2))
    assert days_of(6.0, before)[0] == SINCE - timedelta(days=1)


def test_a_correction_is_told_from_the_day_on_which_it_was_seen() -> None:
    day, seen = SINCE - timedelta(days=60), SINCE + timedelta(days=30)
    first = row("report", Q3, day, 6.0, seen=SINCE)
    again = row("report", Q3, day, 5.5, revision=2, seen=seen)
    marked = row("report", Q3, day, 5.0, corrected=True, seen=seen + timedelta(days=7))
    assert days_of(6.0, first, again, marked, first=day)[1] == seen - timedelta(days=1)
    assert days_of(5.5, first, again, marked) == (seen, seen + timedelta(days=6))
    assert days_of(5.0, first, again, marked)[0] == seen + timedelta(days=7)
    alone = days_of(5.0, row("report", Q3, day, 5.0, corrected=True, seen=SINCE), first=day)
    assert alone[0] == SINCE, "the source does not say when it corrected what it no longer has"


def test_the_newest_period_counts_and_of_one_period_the_report() -> None:
    express = row("express", YEAR, date(2026, 2, 10), 8.2)
    report = row("report", YEAR, date(2026, 4, 24), 8.0)
    quarter = row("report", Q1, date(2026, 4, 24), 2.0)
    corrected = row("report", YEAR, date(2026, 6, 12), 7.0)
    rows = express, report, quarter, corrected
    assert days_of(8.2, *rows) == (date(2026, 2, 11), date(2026, 4, 24))
    assert days_of(2.0, *rows)[0] == date(2026, 4, 25)
    found = told(list(rows), [date(2026, 6, 15), date(2026, 4, 24) + timedelta(days=LATEST + 1)])
    assert found["roe"].to_list() == [2.0, 7.0], "an older quarter, announced later, is told when the newer is too old"
    assert told(list(rows[:2]), [date(2026, 4, 24), date(2026, 4, 25)])["roe"].to_list() == [8.2, 8.0]


def test_what_a_row_says_is_told_as_it_was_worked_out_by_hand() -> None:
    report = row("report", YEAR, date(2026, 4, 24), 8.04, revenue_growth=12.4, profit_growth=-5.6)
    forecast = row("forecast", date(2026, 6, 30), date(2026, 5, 4), profit_low=20.0, profit_high=31.0, outlook="略增")
    found = told([report, forecast], [date(2026, 5, 8)])
    assert found.select(pl.exclude("ts_code", "session")).row(0, named=True) == {
        "roe": 8.04, "roe_quarter": 4.0, "revenue_growth": 12.4, "profit_growth": -5.6, "roe_industry": None,
        "figures_age": 14.0, "profit_forecast": 25.5, "outlook_code": 7.0,
    }  # fmt: skip
    numbers = {fact.name: found.select(fact.expr()).item() for fact in FACTS}
    assert numbers == {
        "roe": 8.0, "quarter": 4, "revenue": 12, "profit": -6, "roe_industry": None, "age": 14, "forecast": 26,
    }  # fmt: skip
    assert found.select(OUTLOOK.word()).item() == "略增"


@pytest.mark.parametrize(
    ("outlook", "word"),
    [("预增", "预增"), ("首亏", "首亏"), ("续盈", "续盈"), ("不确定", "未明示"), (None, None)],
)
def test_a_forecast_has_the_exchanges_word(outlook: str | None, word: str | None) -> None:
    found = told([row("forecast", Q1, date(2026, 4, 4), outlook=outlook)], [date(2026, 4, 7)])
    assert found.select(OUTLOOK.word()).item() == word
    assert found["profit_forecast"].to_list() == [None], "no range was given"


def test_a_forecast_is_told_until_figures_of_its_quarter_are_known() -> None:
    forecast = row("forecast", YEAR, date(2026, 1, 20), profit_low=20.0, profit_high=30.0, outlook="预增")
    before = row("report", Q3, date(2025, 10, 28), 6.0)
    express = row("express", YEAR, date(2026, 2, 10), 8.2)
    days = [date(2026, 1, 20), date(2026, 1, 21), date(2026, 2, 10), date(2026, 2, 11)]
    found = told([forecast, before, express], days)
    assert found["profit_forecast"].to_list() == [None, 25.0, 25.0, None]
    assert found["outlook_code"].to_list() == [None, 8.0, 8.0, None]


def test_the_return_on_equity_is_ranked_among_the_industry_as_of_the_session() -> None:
    codes, day = list("abcdef"), date(2026, 4, 28)
    rows = [row("report", Q1, date(2026, 4, 20 + n), float(n), ts_code=code) for n, code in enumerate(codes)]
    stocks = pl.DataFrame({"ts_code": codes * 2, "session": [day] * 6 + [date(2026, 4, 24)] * 6})
    industries = pl.DataFrame({"ts_code": codes, "industry": "银行", "start_date": [SINCE] * 6})
    found = TABLE.as_of(pl.DataFrame(rows, schema=COLUMNS), stocks, industries)
    ranks = dict(found.filter(session=day).select("ts_code", "roe_industry").iter_rows())
    assert ranks == {"a": 17, "b": 34, "c": 50, "d": 67, "e": 84, "f": 100}
    assert found.filter(session=date(2026, 4, 24))["roe_industry"].null_count() == 6, "four are known then"


def test_a_stock_that_announced_nothing_has_nulls_and_keeps_what_it_came_with() -> None:
    stocks = pl.DataFrame({"ts_code": ["b", "a"], "session": [Q1, Q1], "traded": ["old", "a"]})
    found = TABLE.as_of(pl.DataFrame([], schema=COLUMNS), stocks, None)
    assert found.select("ts_code", "traded").rows() == [("a", "a"), ("b", "old")]
    assert found.select(TABLE.makes).null_count().row(0) == (2,) * len(TABLE.makes)


dates = st.integers(0, 500).map(lambda n: date(2025, 7, 1) + timedelta(days=n))
figures = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(["report", "express", "forecast"]),
        "period": st.sampled_from([Q3, YEAR, Q1]),
        "announced": dates,
        "wait": st.integers(0, 40),
        "corrected": st.booleans(),
        "revision": st.integers(1, 2),
        "roe": st.sampled_from([1.0, 2.0, 3.0, 4.0]),
        "profit_low": st.sampled_from([10.0, 20.0]),
    }
)


@settings(deadline=None, max_examples=25)
@given(drawn=st.lists(figures, max_size=8), session=dates)
def test_nothing_is_known_before_it_was_announced_and_seen(drawn: list[dict[str, Any]], session: date) -> None:
    """Remade as of then, with only the rows that were there: the same; and the same whatever older rows there are."""
    rows = [row(**{"seen": each["announced"] + timedelta(days=each["wait"]), **each}) for each in drawn]
    rows = [{name: each[name] for name in COLUMNS} | {"profit_high": each["profit_low"]} for each in rows]

    def known_then(each: dict[str, Any]) -> bool:
        backfilled = each["announced"] < SINCE
        return bool(each["announced"] < session and (backfilled or each["seen"] <= session))

    changed = [
        each if known_then(each) else {**each, "roe": 99.0, "profit_low": 99.0, "outlook": "预增"} for each in rows
    ]
    recent = [each for each in rows if each["announced"] >= session - timedelta(days=LATEST)]
    worlds = {"a": rows, "b": changed, "c": recent}
    every = [{**each, "ts_code": code} for code, world in worlds.items() for each in world]
    stocks = pl.DataFrame({"ts_code": list(worlds), "session": [session] * 3})
    found = TABLE.as_of(pl.DataFrame(every, schema=COLUMNS), stocks, None).select(TABLE.makes)
    assert found.row(0) == found.row(1) == found.row(2)


def test_the_first_day_is_that_of_the_source_for_what_came_before_the_table_was_filled() -> None:
    rows = [
        row("report", Q3, date(2025, 10, 28), seen=date(2026, 6, 1)),
        row("report", Q1, date(2026, 4, 28), seen=date(2026, 4, 28)),
        row("report", Q1, date(2026, 4, 28), seen=date(2026, 6, 1), ts_code="b"),
    ]
    found = with_first_day(pl.DataFrame(rows, schema=COLUMNS))["from"].to_list()
    assert found == [date(2025, 10, 29), date(2026, 4, 29), date(2026, 6, 1)]
