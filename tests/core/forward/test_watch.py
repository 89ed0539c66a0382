"""The watch over what serves; `make bench` draws the simulated years large."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from ljwx.core.forward.watch import (
    FALSE_ALARMS,
    class_distances,
    level_of,
    standing_rank_ics,
    strange_shares,
    watch_coverage,
    watch_shares,
    watch_skill,
)


@pytest.fixture
def quiet(looks, watched_years):
    """A year in which nothing changes."""
    return watched_years.Quiet(looks.Year(stocks=300, looks=362))


def test_all_checks_together_may_raise_one_false_alarm_a_year():
    assert sum(FALSE_ALARMS.values()) == pytest.approx(1)


def test_a_year_without_a_change_is_quiet(quiet, watched_years):
    seen = [each for seed in range(6) for each in watched_years.all_watched(quiet, seed)]
    assert {each.check for each in seen} == set(FALSE_ALARMS)
    assert sum(len(each.alarms) for each in seen) <= 6


def test_skill_that_is_lost_is_found_within_sixty_sessions(quiet, watched_years):
    found = watched_years.sessions_to_find(quiet, 8)
    assert sum(each is not None for each in found) >= 6


def test_answers_stand_for_h_sessions_and_each_day_tells_on_all_of_them():
    generator = np.random.default_rng(1)
    signals, opened, closed = generator.normal(size=(3, 4, 25))
    signals[2, :10] = np.nan
    got = standing_rank_ics(signals, opened, closed, horizon=2)
    assert np.isnan(got[0])
    assert got[1] == pytest.approx(spearmanr(signals[0], opened[1]).statistic)
    assert got[2] == pytest.approx(
        (spearmanr(signals[1], opened[2]).statistic + spearmanr(signals[0], closed[2]).statistic) / 2
    )
    assert got[3] == pytest.approx(spearmanr(signals[1], closed[3]).statistic)  # 15 stocks are no order


def test_skill_that_was_not_shown_cannot_be_lost():
    generator = np.random.default_rng(4)
    reference = generator.normal(-0.05, 0.05, 120)
    assert watch_skill({"": reference}, {"": np.full(60, -0.5)}, {"": 0.05}, 5) is None
    short = np.append(np.full(59, 0.1), np.full(61, np.nan))
    assert watch_skill({"": short}, {"": np.full(60, -0.5)}, {"": 0.05}, 5) is None


def test_the_level_is_twice_the_worst_stretch_of_the_reference():
    shares = np.zeros(100)
    shares[50:70] = 0.1
    assert level_of(shares) == pytest.approx(0.2)
    assert level_of(np.zeros(100)) == 0.02
    assert level_of(np.append(np.zeros(59), np.full(61, np.nan))) is None
    assert level_of(np.full(20, 0.03)) == pytest.approx(0.06)


def test_a_feature_in_another_unit_is_named_and_its_day_found():
    generator = np.random.default_rng(6)
    good, broken = generator.normal(size=(2, 150, 100))
    broken[130:] *= 100
    series = {name: strange_shares(each, 120) for name, each in (("rsi_14", good), ("vol_ratio", broken))}
    got = watch_shares("inputs", {n: s[:120] for n, s in series.items()}, {n: s[120:] for n, s in series.items()})
    assert got is not None
    assert (got.what, got.began) == ("vol_ratio", 10)
    assert got.alarms
    assert got.mean > 0.9


def test_a_missing_number_is_strange():
    values = np.tile(np.arange(100.0), (3, 1))
    values[2, :30] = np.nan
    # Of 0 … 99 the quantiles of 1 % and 99 % leave out 0 and 99; the last row lacks 30 of which 0 was strange anyhow.
    assert strange_shares(values, 2).tolist() == [0.02, 0.02, 0.31]
    assert strange_shares(np.full((3, 4), np.nan), 2).tolist() == [1, 1, 1]


def test_class_shares_are_held_against_their_mean():
    shares = np.array([[0.4, 0.6], [0.6, 0.4], [0.9, 0.1]])
    assert class_distances(shares, 2) == pytest.approx([0.1, 0.1, 0.4])


def test_gaps_in_the_record_ring_after_some_sessions():
    quiet = np.full(40, 0.01)
    assert watch_coverage(quiet, 0.05).alarms == ()
    got = watch_coverage(np.append(quiet, np.ones(5)), 0.05)
    assert got.alarms
    assert got.began in (40, 44, 43, 42, 41)
    assert got.what == ""


def test_what_rang_goes_on_ringing_until_twenty_sessions_are_as_they_should_be():
    gaps = np.concatenate([np.full(40, 0.01), np.ones(5), np.full(15, 0.01)])
    still = watch_coverage(gaps, 0.05)
    assert still.rang == still.alarms[0] >= 40
    over = watch_coverage(np.append(gaps, np.full(30, 0.01)), 0.05)
    assert (over.alarms, over.rang) == (still.alarms, None)


def test_skill_that_stays_lost_is_one_incident_however_often_its_detector_rings():
    generator = np.random.default_rng(3)
    reference = generator.normal(0.1, 0.05, 120)
    got = watch_skill({"": reference}, {"": generator.normal(0, 0.05, 240)}, {"": 0.05}, 1)
    assert got is not None
    assert len(got.alarms) > 3
    assert got.rang == got.alarms[0]


def test_stocks_that_were_not_asked_about_are_not_strange():
    values = np.tile(np.arange(100.0), (3, 1))
    values[2, 50:] = np.nan
    asked = np.ones(values.shape, dtype=np.bool_)
    asked[2, 50:] = False
    assert strange_shares(values, 2, asked).tolist() == [0.02, 0.02, 0.02]
    asked[2] = False
    assert np.isnan(strange_shares(values, 2, asked)[2])
