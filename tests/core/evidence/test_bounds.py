"""What the best tests find within a year, who know everything before: the gate's power is held against it."""

from statistics import NormalDist

import pytest
from benchmarks.bounds import Known, known_of, power
from benchmarks.years import Year

SHARED_LUCK = Known(0.05, 0.1405, (0.625, 0.371, 0.198, 0.077), 5, 245)
"""Of an edge of 0.05 on 300 stocks with a shared luck of 0.1, from 600 simulated years."""


def test_without_overlap_the_best_test_is_that_of_a_mean():
    alone = Known(0.05, 0.2, (), 1, 100)
    assert power(alone, 0.05, draws=10).best == pytest.approx(NormalDist().cdf(2.5 - NormalDist().inv_cdf(0.95)))


def test_with_much_shared_luck_the_best_test_finds_a_twentieth_and_bets_in_turn_cannot_in_four_of_five_years():
    found = power(SHARED_LUCK, 0.05, draws=2000)
    assert found.best == pytest.approx(0.908, abs=0.005)
    assert found.oracle == pytest.approx(0.80, abs=0.03)
    assert found.in_turn == pytest.approx(0.73, abs=0.03)


def test_a_tenth_of_the_error_rate_is_too_little_for_every_test():
    found = power(SHARED_LUCK, 0.005, draws=500)
    assert found.in_turn < found.oracle < found.best < 0.7


def test_spread_and_overlap_are_read_from_the_simulated_year():
    known = known_of(Year(stocks=100, luck=0.0), 0.1, trials=4)
    assert known.spread == pytest.approx((2 / 99) ** 0.5, rel=0.1)
    assert known.overlap == pytest.approx([0.8**lag * (1 - lag / 5) for lag in range(1, 5)], abs=0.12)
