"""Detectors of change: their course by hand, and how seldom they ring when nothing has changed."""

from math import log

import numpy as np
import pytest

from ljwx.core.evidence.detecting import bets_on_fall, bets_on_rise, detect


def test_each_session_adds_one_and_multiplies_by_its_bet():
    found = detect(np.full((3, 1), log(2)), needed=100)
    assert np.exp(found.log_evidence) == pytest.approx([2, 6, 14])
    assert found.alarms == ()
    assert found.began == 0


def test_it_rings_once_it_has_what_is_needed_and_begins_anew():
    found = detect(np.full((5, 1), log(2)), needed=10)
    assert found.alarms == (2,)
    assert np.exp(found.log_evidence) == pytest.approx([2, 6, 14, 2, 6])


def test_gamblers_of_sessions_that_are_bound_are_added_and_bets_are_averaged():
    bets = np.log([[2.0, 4.0], [2.0, 4.0], [2.0, 4.0]])
    # The first gambler has 2, 4, then 6, 20; the second 2, 4.
    assert np.exp(detect(bets, 1e9, memory=2).log_evidence) == pytest.approx([3, 6, (6 + 20 + 2 + 4) / 2])


def test_what_began_is_the_session_from_which_the_bets_won_most():
    bets = np.log(np.array([1.5, 0.5, 0.5, 1.5, 0.8, 1.5, 1.5]))[:, None]
    assert detect(bets, 1e9).began == 3
    assert detect(np.log(np.full((4, 1), 0.9)), 1e9).began is None


def test_a_bet_on_a_fall_is_cut_at_both_sides_and_says_nothing_of_no_value():
    bets = bets_on_fall(np.array([0.1, -9.0, 9.0, np.nan, -0.05]), level=0.1, sizes=np.full(5, 0.1))
    assert np.exp(bets[:, 0]) == pytest.approx([1, 1.3, 0.7, 1, 1.3])
    assert np.exp(bets_on_fall(np.array([0.025]), 0.1, np.array([0.1]))) == pytest.approx(
        np.array([[1 + 0.3 / 2, 1 + 0.6 / 2, 1 + 0.9 / 2]])
    )


def test_a_bet_on_a_rise_wins_nothing_in_the_mean_at_its_level():
    won = np.exp(bets_on_rise(np.array([0.0, 1.0, 0.1, np.nan]), level=0.1))
    assert won[0] == pytest.approx([0.9, 0.75, 0.5])
    assert 0.9 * won[0] + 0.1 * won[1] == pytest.approx([1, 1, 1])
    assert won[2:] == pytest.approx(np.ones((2, 3)))


@pytest.mark.parametrize("tails", [2, 30])
def test_the_mean_time_to_a_false_alarm_is_as_long_as_it_says(tails):
    generator, alarms = np.random.default_rng(2), 0
    for _ in range(20):
        values = 0.05 + 0.1 * generator.standard_t(tails, size=1000)
        alarms += len(detect(bets_on_fall(values, 0.05, np.full(1000, 0.1)), needed=100).alarms)
    assert 0 < alarms <= 20 * 1000 / 100


def test_a_fall_by_one_size_is_found_in_a_few_weeks():
    generator = np.random.default_rng(3)
    for _ in range(10):
        values = np.append(generator.normal(0.1, 0.1, 100), generator.normal(0.0, 0.1, 60))
        found = detect(bets_on_fall(values, 0.1, np.full(160, 0.1)), needed=500)
        assert found.alarms
        assert 100 < found.alarms[0] < 140
