"""Evidence day by day: what days say, the capital that bets on them, and a bound for days of any kind."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from ljwx.core.evaluations import Question
from ljwx.core.evidence import (
    chance_of_rank_ics,
    daily_moves,
    follow_days,
    of_days,
    rank_differences,
    weigh_days,
)  # fmt: skip
from ljwx.core.evidence.days import LARGEST_LOSS

CALENDAR = [date(2026, 1, 5) + timedelta(at) for at in range(12)]

BARS = ("ts_code", "session", "open", "close", "adj_factor")


def question(session, code):
    return Question(f"{session}{code}", "price_direction", code, session, "up", None, "", "")


def test_a_day_is_judged_by_the_orders_of_the_sessions_before_it():
    parts = np.array([[0.1, 0.2, 0.3], [0.4, 0.5, 0.6], [np.nan] * 3, [0.7, 0.8, 0.9], [np.nan] * 3])
    assert of_days(parts)[:4] == pytest.approx([0.1 / 3, (0.4 + 0.2) / 3, (0.5 + 0.3) / 3, (0.7 + 0.6) / 3])
    assert np.isnan(of_days(parts)[4])


def test_the_capital_is_that_of_a_gambler_who_bets_four_tenths_of_three_usual_sizes_on_each_day():
    days = np.array([0.05, -0.1, 0.2, 0.04])
    capital, squares = 1.0, 10 * 0.14**2
    for at, value in enumerate(days[:3]):
        capital *= 1 + 0.4 * value / (3 * max((squares / (10 + at)) ** 0.5, 0.1))
        squares += value**2
    course = follow_days(days, np.float64(0.14), 0.05)
    assert course.log_evidence[-1] == pytest.approx(np.log(capital))


def test_a_crossing_is_confirmed_at_once_and_no_later_day_counts():
    course = follow_days(np.full(60, 0.25), np.float64(0.1), 0.05)
    crossed = int(np.argmax(course.log_evidence >= np.log(20)))
    assert course.confirmed == crossed
    assert course.counted.sum() == crossed
    assert (course.log_evidence[crossed:] == course.log_evidence[crossed]).all()


@pytest.mark.parametrize("chance", [0.02, 0.14])
@pytest.mark.parametrize(("often", "loss"), [(0.97, 0.7), (0.95, 0.4), (0.9, 0.2), (0.5, 0.1)])
def test_of_days_worse_than_nothing_at_most_one_year_in_twenty_is_confirmed_whatever_they_are_like(chance, often, loss):
    assert loss < LARGEST_LOSS
    generator = np.random.default_rng(6)
    gain = loss * (1 - often) / often
    days = np.where(generator.random((2000, 245)) < often, gain, -loss)
    found = (follow_days(days, np.float64(chance), 0.05).confirmed >= 0).mean()
    assert found <= 0.05 + 3 * (0.05 * 0.95 / 2000) ** 0.5


def test_one_session_whose_order_was_wrong_ruins_nobody():
    days = of_days(np.where(np.arange(20)[:, None] == 9, -0.95, 0.0) * np.ones(5))
    assert np.exp(follow_days(days, np.float64(0.02), 0.05).log_evidence[-1]) > 0.2


def test_days_after_a_session_that_has_none_beside_it_are_weighed_by_as_many_stocks_as_that():
    here = np.arange(100) % 5 == 0
    parts = np.where(here[:, None], 0.15, np.nan) * np.ones(5)
    values, stocks = np.where(here, 0.3, np.nan), np.where(here, 100.0, np.nan)
    expected = follow_days(of_days(parts), chance_of_rank_ics(np.full(100, 100.0)), 0.05)
    assert weigh_days(values, parts, stocks, 5, 0.05).log_evidence == expected.log_evidence[-1] > 0.5


def test_a_session_says_of_each_day_after_it_by_how_much_the_order_was_better():
    moves = np.random.default_rng(1).normal(size=(30, 2))
    signals = np.stack([moves[:, 0], -moves[:, 1]])
    (found,) = rank_differences([CALENDAR[0]] * 30, signals, moves.sum(axis=1), moves)
    rank = lambda values: np.argsort(np.argsort(values))  # noqa: E731
    crossed = np.corrcoef(rank(moves[:, 0]), rank(moves[:, 1]))[0, 1]
    assert found.days == pytest.approx([1 + crossed, crossed + 1])


def test_where_a_day_is_not_known_no_day_of_the_session_is():
    moves = np.random.default_rng(1).normal(size=(30, 2))
    (found,) = rank_differences([CALENDAR[0]] * 30, moves.T, moves.sum(axis=1), np.full((30, 2), np.nan))
    assert found.days is None


def test_moves_are_from_the_open_of_the_first_day_and_from_close_to_close_then():
    rows = [
        ("A", CALENDAR[1], 10.0, 11.0, 1.0),
        ("A", CALENDAR[2], 12.0, 6.0, 2.0),  # ex-rights: the factor doubles
        ("A", CALENDAR[3], 6.0, 3.0, 2.0),
        ("B", CALENDAR[1], 10.0, 10.0, 1.0),  # suspended on the next day
        ("B", CALENDAR[3], 12.0, 12.0, 1.0),
    ]
    bars = pl.DataFrame(rows, BARS, orient="row")
    found = daily_moves(bars, [CALENDAR[0]], CALENDAR, 3)
    asked = [question(CALENDAR[0], code) for code in "ABC"]
    assert found.of(asked) == pytest.approx(np.array([[0.1, 12 / 11 - 1, -0.5], [0.0, 0.0, 0.2], [0.0, 0.0, 0.0]]))


def test_of_a_session_whose_days_are_not_over_no_move_is_known():
    bars = pl.DataFrame([("A", CALENDAR[-1], 1.0, 1.0, 1.0)], BARS, orient="row")
    found = daily_moves(bars, [CALENDAR[-2]], CALENDAR, 3)
    assert np.isnan(found.of([question(CALENDAR[-2], "A")])).all()
