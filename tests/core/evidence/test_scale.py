"""The unit of a session's difference: from what was known before its outcome, and no more than the bound."""

import numpy as np
import pytest

from ljwx.core.evidence import as_shares, chance_of_rank_ics, usual_bounds

USUAL = 3.0


def test_the_first_sessions_have_the_bound_of_what_chance_shows():
    generator = np.random.default_rng(1)
    orders = np.argsort(generator.random((2, 40_000, 50)), axis=2)
    centred = orders - 24.5
    ics = (centred[0] * centred[1]).sum(axis=1) / (50 * (50**2 - 1) / 12)  # Spearman's formula for no ties
    bound = usual_bounds(np.full(8, 0.3), chance_of_rank_ics(np.float64(50)), horizon=5)
    assert bound[:5] == pytest.approx(USUAL * np.sqrt(2) * ics.std(), rel=0.02)


def test_a_bound_knows_no_outcome_that_comes_later():
    generator = np.random.default_rng(2)
    differences = generator.normal(size=40)
    changed = differences.copy()
    changed[20:] = 9.0
    before, after = (
        usual_bounds(each, chance_of_rank_ics(np.float64(50)), horizon=5) for each in (differences, changed)
    )
    assert (before[:25] == after[:25]).all()
    assert after[25] > before[25]


def test_bounds_come_to_be_those_that_the_sessions_show():
    differences = np.tile([0.5, -0.5], 500)
    assert usual_bounds(differences, np.float64(0.05), horizon=5)[-1] == pytest.approx(USUAL * 0.5, rel=0.01)


def test_a_session_that_says_nothing_changes_no_bound():
    differences = np.array([0.2, np.nan, 0.4, np.nan, np.nan])
    without = np.array([0.2, 0.4, np.nan])
    assert usual_bounds(differences, np.float64(0.5), 1)[-1] == pytest.approx(
        usual_bounds(without, np.float64(0.5), 1)[-1]
    )


def test_a_gain_counts_as_no_more_than_the_bound_and_a_loss_in_full():
    shares = as_shares(np.array([0.1, 5.0, -5.0, np.nan]), np.full(4, 0.2))
    assert shares == pytest.approx([0.5, 1.0, -25.0, np.nan], nan_ok=True)


def test_two_who_say_the_same_differ_by_a_share_of_0():
    assert as_shares(np.array([0.0, np.nan]), np.zeros(2)) == pytest.approx([0.0, np.nan], nan_ok=True)
