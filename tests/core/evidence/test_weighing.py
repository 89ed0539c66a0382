"""All that is said of a pair: the parts agree with each other, and with what was planted."""

import numpy as np
import pytest

from ljwx.core.evidence import (
    as_shares,
    chance_of_rank_ics,
    follow,
    score_difference,
    usual_bounds,
    weigh_rank_ics,
    weigh_scores,
)

STOCKS = np.full(200, 100.0)


def drawn(mean, seed=1):
    generator = np.random.default_rng(seed)
    noise = generator.normal(0, 0.14, size=204)
    return mean + (noise[:-4] + noise[1:-3] + noise[2:-2] + noise[3:-1] + noise[4:]) / 5**0.5


def test_a_pair_with_a_large_edge_is_confirmed_and_drawn_towards_0():
    found = weigh_rank_ics(drawn(0.15), STOCKS, 5, 0.05)
    assert found.confirmed
    assert -0.05 < found.bounds.low < found.size.raw < found.bounds.high
    assert 0 < found.size.shrunken < found.size.raw
    assert found.sessions < 200


def test_what_was_confirmed_holds_only_as_long_as_the_newest_sessions_bear_it_out():
    found = weigh_rank_ics(np.append(drawn(0.15), drawn(-0.12, 2)), np.append(STOCKS, STOCKS), 5, 0.05)
    assert found.confirmed
    assert not found.holds
    assert found.since.sessions + found.sessions == 400
    assert found.newest.sessions == 60
    assert found.newest.mean == pytest.approx(drawn(-0.12, 2)[-60:].mean())
    assert weigh_rank_ics(drawn(0.15), STOCKS, 5, 0.05).holds


def test_a_pair_without_an_edge_is_not_and_its_bounds_hold_0():
    found = weigh_rank_ics(drawn(0.0), STOCKS, 5, 0.05)
    assert not found.confirmed
    assert found.bounds.low < 0 < found.bounds.high
    assert found.log_needed == pytest.approx(np.log(20))
    assert found.sessions == 200


def test_while_a_proposal_waits_nothing_is_confirmed_and_nothing_new_counts():
    differences = drawn(0.15)
    bounds = usual_bounds(differences, chance_of_rank_ics(STOCKS), 5)
    crossed = int(np.argmax(follow(as_shares(differences, bounds), 5, 0.05).log_evidence >= np.log(20)))
    found = weigh_rank_ics(np.append(differences[: crossed - 4], [np.nan] * 5), STOCKS[: crossed + 1], 5, 0.05)
    assert found.waiting
    assert not found.confirmed


def test_an_edge_of_the_smallest_visible_size_is_confirmed_about_four_times_of_five():
    smallest = weigh_rank_ics(drawn(0.0), STOCKS, 5, 0.05).smallest
    confirmed = [weigh_rank_ics(drawn(smallest, seed), STOCKS, 5, 0.05).confirmed for seed in range(40)]
    assert 0.65 <= np.mean(confirmed) <= 0.95


def test_a_better_calibrated_answerer_is_confirmed_by_its_score_and_one_that_says_the_same_is_not():
    generator = np.random.default_rng(2)
    differences, bounds = [], []
    for _ in range(150):
        true = generator.dirichlet([4, 4, 4], size=80)
        outcome = (true.cumsum(axis=1) > generator.random((80, 1))).argmax(axis=1)
        found = score_difference(true, np.full((80, 3), 1 / 3), outcome, "brier")
        differences.append(found.value)
        bounds.append(found.bound)
    assert weigh_scores(np.array(differences), np.array(bounds), 5, 0.05).confirmed
    same = weigh_scores(np.zeros(150), np.zeros(150), 5, 0.05)
    assert (same.confirmed, same.sessions) == (False, 150)
    assert same.log_evidence == pytest.approx(0, abs=1e-12)
