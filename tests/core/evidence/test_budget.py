"""One error rate for all who challenge, however many."""

import pytest

from ljwx.core.evidence import Budget, Stake


def test_a_new_challenger_gets_a_share_of_what_is_left():
    budget, given = Budget(alpha=0.05, sessions=250, share=0.2), []
    for position in (0, 10, 20):
        given.append(budget.stake(given, position))
    assert [stake.alpha for stake in given] == pytest.approx([0.01, 0.008, 0.0064])


def test_however_many_begin_within_the_sessions_they_have_no_more_than_the_whole():
    budget, given = Budget(), []
    for position in range(600):
        given.append(budget.stake(given, position))
        assert given[-1].alpha > 0
        assert budget.spent(given, position) <= budget.alpha


def test_what_was_given_comes_back_after_the_sessions():
    budget = Budget(alpha=0.05, sessions=250, share=0.5)
    assert budget.stake([Stake(0, 0.05)], 249).alpha == 0
    assert budget.stake([Stake(0, 0.05)], 250).alpha == 0.025
