"""What sessions say about the days after them, from stored bars: noted, given a rule that stays, and weighed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from ljwx.core.promotions import Against
from support_chain import whole_day
from support_lines import DAYS, HORIZON, OTHER, STOCKS, Market

KNOWN = range(36, 106)


def with_bars(market: Market, days: range) -> None:
    """Write bars of which each session's outcome moves the h days after it, from their opens."""
    summed = np.cumsum(market.excess, axis=0) / 100
    levels = 10 * np.exp(np.cumsum(summed[HORIZON:] - summed[:-HORIZON], axis=0))  # of the day HORIZON + 1 first
    plain = {"high": 99.0, "low": 0.1, "pre_close": 10.0, "vol": 1e4, "amount": 1e5, "adj_factor": 1.0}
    absent = dict.fromkeys(("ah_vol", "ah_amount", "up_limit", "down_limit"))
    codes = [f"{stock:06d}.SZ" for stock in range(STOCKS)]
    for day in days:
        before, close = levels[day - HORIZON - 2 : day - HORIZON]
        bars = pl.DataFrame({"session": DAYS[day], "ts_code": codes, "open": before, "close": close})
        bars = bars.with_columns(
            **{name: pl.lit(value, dtype=pl.Float64) for name, value in (plain | absent).items()},
            flags=pl.lit([], dtype=pl.List(pl.String)),
        )
        counts = {"expected": STOCKS, "received": STOCKS}
        market.warehouse.save_day(1, replace(whole_day(DAYS[day]), **counts), bars)


@pytest.fixture
def pair(sessions_of_lines: Market):
    """A challenger with skill, and a champion without any."""
    new, old = sessions_of_lines.model("new"), sessions_of_lines.model("old", OTHER)
    sessions_of_lines.answers(new, 0.5, KNOWN, seed=2)
    sessions_of_lines.answers(old, 0.0, KNOWN, seed=3)
    return new, old


def test_where_bars_are_there_lines_are_weighed_by_the_days_after_sessions(sessions_of_lines: Market, pair) -> None:
    market = sessions_of_lines
    with_bars(market, range(KNOWN[0] + 1, KNOWN[-1] + HORIZON + 1))
    judged = market.judged(*pair, last=KNOWN[-1] + HORIZON)
    assert isinstance(judged.champion, Against)
    assert judged.champion.ranking.by_day
    assert judged.champion.ranking.confirmed
    assert judged.alone.ranking.by_day
    stored = market.db.rows("SELECT statistic, value, days FROM ljwx.line_evidence ORDER BY session")
    assert {row["days"] is None for row in stored if row["statistic"] != "rank_ic"} == {True}
    days = np.array([row["days"] for row in stored if row["statistic"] == "rank_ic"])
    assert days.shape == (
        6 * len(KNOWN),
        HORIZON,
    )  # three claims of two tasks
    assert (days.mean(axis=0) > 0.1).all()
    assert {row.by_day for row in judged.record.compared if row.measure == "rank_ic"} == {True}


def test_a_pair_that_began_before_its_days_were_known_goes_on_session_by_session(
    sessions_of_lines: Market, pair
) -> None:
    market, half = sessions_of_lines, KNOWN[len(KNOWN) // 2]
    before = market.judged(*pair, last=half)
    assert isinstance(before.champion, Against)
    assert not before.champion.ranking.by_day
    with_bars(market, range(half - HORIZON, KNOWN[-1] + HORIZON + 1))
    after = market.judged(*pair, last=KNOWN[-1] + HORIZON)
    assert isinstance(after.champion, Against)
    assert not after.champion.ranking.by_day
    assert after.champion.ranking.sessions > before.champion.ranking.sessions
    noted = "SELECT DISTINCT session, days IS NOT NULL AS known FROM ljwx.line_evidence WHERE statistic = 'rank_ic'"
    assert {row["known"] for row in market.db.rows(noted)} == {False, True}


def test_a_session_whose_days_lack_bars_counts_for_nothing_where_days_count(sessions_of_lines: Market, pair) -> None:
    market = sessions_of_lines
    lacking = KNOWN[20]
    with_bars(market, range(KNOWN[0] + 1, lacking))
    with_bars(market, range(lacking + 1, KNOWN[-1] + HORIZON + 1))
    judged = market.judged(*pair, last=KNOWN[-1] + HORIZON)
    assert isinstance(judged.champion, Against)
    assert judged.champion.ranking.by_day
    without = market.db.column(
        "SELECT DISTINCT session FROM ljwx.line_evidence WHERE statistic = 'rank_ic' AND days IS NULL ORDER BY session"
    )
    assert without == DAYS[lacking - HORIZON : lacking]
