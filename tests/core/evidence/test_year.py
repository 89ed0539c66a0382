"""A year looked at daily, drawn small: chance does not promote, skill is found. `make bench` draws it large.

With the error rate that the product promises, more false promotions than allowed here come in one of a thousand runs.
"""

from datetime import timedelta

import numpy as np
import pytest
from benchmarks.years import Ranked, drawn, market_of, rank_ics_of, ranked
from scipy.stats import binom

from ljwx.core.evidence import rank_differences

TRIALS = 60


def most(rate: float) -> float:
    """The largest share of the trials that a true rate explains, but for one run in a thousand."""
    return float(binom.ppf(0.999, TRIALS, rate)) / TRIALS


@pytest.mark.parametrize("luck", [0.0, 0.1])
def test_an_equal_challenger_is_hardly_ever_promoted_on_any_day_of_a_year(looks, luck):
    assert looks.share_of_one(looks.Year(stocks=40, luck=luck), 0.05, 0.05, trials=TRIALS) <= most(0.05)


def test_nor_is_any_of_those_that_come_every_ten_sessions(looks):
    assert looks.share_of_any(looks.Year(stocks=40, luck=0.1), 0.05, 0.05, every=10, trials=TRIALS) <= most(0.05)


def test_a_challenger_two_points_worse_is_not_promoted(looks):
    assert looks.share_of_one(looks.Year(stocks=40, luck=0.1), 0.1, 0.1 - 2 * looks.POINT, trials=TRIALS) <= most(0.01)


def test_a_year_of_worse_challengers_does_not_make_the_champion_worse(looks):
    assert looks.share_of_any(
        looks.Year(stocks=40, luck=0.1), 0.1, 0.1 - 3 * looks.POINT, every=10, trials=TRIALS
    ) <= most(0.05)


def test_nor_does_a_year_of_training_again_take_all_skill_from_a_proven_line(looks):
    assert looks.share_of_retrained(looks.Year(luck=0.1), 0.1, trials=20) <= float(binom.ppf(0.999, 20, 0.05)) / 20


def test_an_edge_of_a_tenth_on_a_hundred_stocks_is_found_within_a_year(looks):
    assert looks.share_of_one(looks.Year(stocks=100), 0.0, 0.1, trials=TRIALS) >= 0.9


@pytest.mark.parametrize(("alpha", "least"), [("FIFTH", 0.75), ("TENTH", 0.6)])
def test_most_of_such_edges_are_found_by_one_that_holds_a_part_of_the_error_rate(looks, alpha, least):
    assert looks.share_of_one(looks.Year(stocks=100), 0.0, 0.1, getattr(looks, alpha), trials=20) >= least


def test_an_edge_of_a_twentieth_on_three_hundred_stocks_is_found_within_a_year(looks):
    assert looks.share_of_one(looks.Year(stocks=300), 0.0, 0.05, trials=20) >= 0.75


def test_behind_a_sealed_window_an_equal_challenger_is_not_promoted_either(looks):
    lag, before = looks.BEHIND[1000]
    assert looks.share_of_one(looks.Year(stocks=25, lag=lag, before=before), 0.05, 0.05, trials=20) <= 0.2


def test_behind_a_sealed_window_an_edge_is_found_after_it_and_never_before(looks):
    lag, before = looks.BEHIND[500]
    behind = looks.Year(lag=lag, before=before)
    assert looks.share_of_one(behind, 0.0, 0.3, trials=4) == 1
    too_early = looks.Year(lag=lag, before=before, looks=lag)
    assert looks.share_of_one(too_early, 0.0, 0.3, trials=4) == 0


def test_what_sessions_say_is_what_the_package_makes_of_signals_and_returns(looks):
    year = looks.Year(stocks=30, looks=40)
    signals, outcomes, daily = market_of(year, [0.1, 0.2], seed=3)
    days = [looks.FIRST + timedelta(at) for at in range(40)]
    moves = np.stack([daily[later : later + 40] for later in range(5)], axis=-1).reshape(-1, 5)
    rows = [day for day in days for _ in range(30)]
    made = rank_differences(rows, signals[::-1].reshape(2, -1), outcomes.ravel(), moves)
    years = ranked(year, [0.1, 0.2], seed=3)
    gap = Ranked(years.ics[1] - years.ics[0], years.days[1] - years.days[0])
    for ours, theirs in zip(looks.said(days, gap, slice(0, 40), 30), made, strict=True):
        assert (ours.session, ours.bound, ours.stocks) == (theirs.session, theirs.bound, theirs.stocks)
        assert [ours.value, *ours.days] == pytest.approx([theirs.value, *theirs.days])


@pytest.mark.parametrize(("sessions", "lag", "before"), [(60, None, 0), (50, 12, 10)])
def test_the_gate_asked_at_every_look_promotes_in_the_same_years(looks, sessions, lag, before):
    year = looks.Year(stocks=25, looks=sessions, lag=lag, before=before)
    years = drawn(year, (0.0, 0.3), 3)
    promoted = looks.promoted(year, years, [0], [0.05])
    assert 0 < promoted.sum() < 3
    for at, expected in enumerate(promoted):
        pair = Ranked(years.ics[at, ::-1], years.days[at, ::-1])
        decisions = [looks.decided(year, pair, 0, 0.05, look) for look in range(year.sessions)]
        assert any(each.verdict == "promoted" for each in decisions) == expected


def test_answerers_have_on_average_the_rank_correlation_that_was_asked_for(looks):
    ics = np.concatenate([rank_ics_of(looks.Year(stocks=200), [0.0, 0.1], seed) for seed in range(8)], axis=1)
    assert ics.mean(axis=1) == pytest.approx([0.0, 0.1], abs=0.012)


def test_luck_is_shared_within_a_session_and_over_the_horizon(looks):
    ics = np.stack([rank_ics_of(looks.Year(stocks=300, luck=0.1), [0.0], seed)[0] for seed in range(30)])
    assert 0.07 < (ics.var() - 1 / 299) ** 0.5 < 0.1
    next_but_one = np.mean([np.corrcoef(row[:-2], row[2:])[0, 1] for row in ics])
    after_it = np.mean([np.corrcoef(row[:-5], row[5:])[0, 1] for row in ics])
    assert next_but_one > 0.2
    assert abs(after_it) < 0.2
