"""Samples of an index's members: of each session those of its own list, whatever is published later."""

from __future__ import annotations

import datetime as dt
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ljwx.core.datasets.build import Dataset
from ljwx.core.datasets.card import card, card_markdown
from ljwx.core.datasets.members import MEMBERS, VALID_DAYS, lists_in_force
from ljwx.core.datasets.spec import SampleSpec
from ljwx.exceptions import ConfigurationError, TooFewSessions

INDEX = {"universe": {"index": "000300.SH"}}
LEAVER, JOINER, FOREIGN = "600000.SH", "600009.SH", "00700.HK"
STAY = [f"60000{k}.SH" for k in range(1, 7)]


def listed(*lists: tuple[dt.date, list[str]]) -> pl.DataFrame:
    rows = [(day, code) for day, codes in lists for code in codes]
    return pl.DataFrame(rows, schema=MEMBERS, orient="row")


def monthly(market: Any, until: dt.date = dt.date.max) -> pl.DataFrame:
    """A list on the first session of each month; in May 2024 one stock has left and another has come."""
    months = {(day.year, day.month): day for day in reversed(market.sessions)}
    before, after = [LEAVER, FOREIGN, *STAY], [JOINER, FOREIGN, *STAY]
    days = sorted(day for day in months.values() if day <= until)
    return listed(*((day, before if day < dt.date(2024, 5, 1) else after) for day in days))


@pytest.fixture(scope="module")
def indexed(market: Any) -> Dataset:
    return market.build(members=monthly(market), **INDEX)


def keys(built: Dataset, reason: str) -> set[tuple[str, dt.date]]:
    """Stock-sessions that are left out for a reason."""
    rows = built.left_out.filter(pl.col("reason").cast(pl.String) == reason).join(built.rows, on="row")
    return set(rows.select(pl.col("ts_code").cast(pl.String), "session").rows())


def test_a_stock_that_leaves_has_samples_before_and_none_after(indexed: Dataset) -> None:
    change = dt.date(2024, 5, 1)
    sampled = indexed.index.select(pl.col("ts_code").cast(pl.String), "session")
    gone, came = (sampled.filter(ts_code=code)["session"] for code in (LEAVER, JOINER))
    assert (gone.len() > 20, came.len() > 5) == (True, True)
    assert gone.max() < change <= came.min()  # type: ignore[operator]
    assert set(sampled["ts_code"]) == {LEAVER, JOINER, *STAY}


def test_ranks_and_outcomes_are_those_among_all_stocks(indexed: Dataset, built: Dataset) -> None:
    both = indexed.samples.join(built.samples, on=["ts_code", "session", "task"], suffix="_of_all")
    assert len(both) > 100
    assert both.filter(pl.col("snapshot") != pl.col("snapshot_of_all")).is_empty()


@pytest.mark.parametrize(
    ("lists", "session", "found"),
    [
        (["2024-03-29"], "2024-03-28", None),
        (["2024-03-29"], "2024-03-29", "2024-03-29"),
        (["2024-03-29"], "2024-05-30", "2024-03-29"),
        (["2024-03-29"], "2024-05-31", None),
        (["2024-03-29", "2024-04-30"], "2024-04-29", "2024-03-29"),
        (["2024-04-30", "2024-03-29"], "2024-05-06", "2024-04-30"),
        ([], "2024-05-06", None),
    ],
)
def test_a_session_has_the_newest_list_up_to_it_for_62_days(lists: list[str], session: str, found: str | None) -> None:
    assert (dt.date(2024, 5, 30) - dt.date(2024, 3, 29)).days == VALID_DAYS
    members = listed(*((dt.date.fromisoformat(day), STAY) for day in lists))
    (row,) = lists_in_force(pl.Series([dt.date.fromisoformat(session)]), members).rows()
    assert row == (dt.date.fromisoformat(session), dt.date.fromisoformat(found) if found else None)


def test_sessions_without_a_valid_list_are_left_out_by_their_own_reason(market: Any) -> None:
    lists = listed((market.sessions[80], [LEAVER, *STAY]))
    asked = {"tasks": ("technical_analysis",), **INDEX}
    built = market.build(members=lists, **asked)
    last = market.sessions[80] + dt.timedelta(days=VALID_DAYS)
    without = keys(built, "no_index_list")
    bars = market.bars.select("ts_code", "session").rows()
    assert without == {row for row in bars if not market.sessions[80] <= row[1] <= last}
    assert keys(built, "not_in_universe") == {
        row for row in bars if row not in without and row[0] not in {LEAVER, *STAY}
    }
    counted = built.exclusions.filter(reason="no_index_list")["count"].to_list()
    assert counted == [len(without)]


@settings(max_examples=12, deadline=None)
@given(at=st.integers(70, 140), members=st.sets(st.integers(0, 9), min_size=1))
def test_no_list_of_a_later_day_changes_who_is_a_member_before(market: Any, at: int, members: set[int]) -> None:
    day = market.sessions[at]
    lists = monthly(market)
    before = lists.filter(pl.col("session") < day)
    changed = pl.concat([before, listed((day, [f"60000{k}.SH" for k in members]))])
    told = [rows_of(market, each) for each in (lists, before, changed)]
    earlier = pl.col("session") < day
    assert told[0].filter(earlier).equals(told[1].filter(earlier))
    assert told[0].filter(earlier).equals(told[2].filter(earlier))
    now = told[2].filter(pl.col("session") == day)
    assert set(now.filter("member")["ts_code"]) <= {f"60000{k}.SH" for k in members}
    assert now["listed_on"].unique().to_list() == [day]


def rows_of(market: Any, members: pl.DataFrame) -> pl.DataFrame:
    from ljwx.core.datasets.members import with_membership

    return with_membership(market.bars.select("ts_code", "session"), members)


def test_equal_lists_make_the_same_dataset_in_whatever_order_they_come(market: Any, indexed: Dataset) -> None:
    again = market.build(members=monthly(market).reverse(), **INDEX)
    assert again.index.equals(indexed.index)
    assert again.exclusions.equals(indexed.exclusions)


def test_without_an_index_lists_are_not_looked_at(market: Any, built: Dataset) -> None:
    again = market.build(members=monthly(market))
    assert again.index.equals(built.index)
    assert again.members is None


@pytest.mark.parametrize(
    ("members", "says"),
    [
        (
            None,
            r"no samples .*: no_index_list \d+; run ljwx_daily_ingest over the dates, .* TuShare with 2,000 points$",
        ),
        (
            listed((dt.date(2024, 4, 1), [FOREIGN])),
            r"no samples .*: no_index_list \d+, not_in_universe \d+; run .*$",
        ),
    ],
)
def test_an_index_that_leaves_nothing_is_refused_with_what_to_do(
    market: Any, members: pl.DataFrame | None, says: str
) -> None:
    with pytest.raises(ConfigurationError, match=says) as refused:
        market.build(members=members, **INDEX)
    assert refused.type is ConfigurationError


def test_lists_of_too_few_sessions_are_no_reason_to_wait(market: Any) -> None:
    """The sessions are mature: what is missing are lists, and they come by an ingest only."""
    with pytest.raises(
        ConfigurationError, match=r"sessions have samples of every task: .* no_index_list \d+.*; run "
    ) as no:
        market.build(members=listed((market.sessions[138], STAY)), **INDEX)
    assert not issubclass(no.type, TooFewSessions)


def test_the_card_tells_the_index_and_the_lists_in_use(
    indexed: Dataset, built: Dataset, market: Any, prompts: Any
) -> None:
    spec = SampleSpec(**INDEX)
    told = card(indexed, spec, prompts)["index"]
    sessions = indexed.index["session"]
    days = monthly(market)["session"].unique().sort().to_list()
    first, last = (max(day for day in days if day <= session) for session in (sessions.min(), sessions.max()))
    lists = [day for day in days if first <= day <= last]
    assert told == {
        "code": "000300.SH", "lists": len(lists), "first": str(first), "last": str(last), "members": 9, "smallest": 8,
        "largest": 8,
    }  # fmt: skip
    line = f"Members of 000300.SH as of each session: {len(lists)} lists, {first} to {last}, 8 to 8 stocks each, 9 "
    assert line in card_markdown(card(indexed, spec, prompts))
    plain = card(built, SampleSpec(), prompts)
    assert plain["index"] is None
    assert "Members of" not in card_markdown(plain)
