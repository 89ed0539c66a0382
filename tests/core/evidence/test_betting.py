"""The evidence, look by look: its numbers, when a session counts, and that a crossing alone confirms nothing."""

import json
from pathlib import Path

import numpy as np
import pytest

from ljwx.core.evidence import as_shares, follow, usual_bounds
from ljwx.core.evidence.betting import STAKES

ORACLE = json.loads((Path(__file__).parent / "confseq.json").read_text())
"""Values of another implementation; what made them stands in the file."""


def capital(shares):
    """The mean capital of gamblers with fixed stakes who bet on one value after the other, by hand."""
    return np.mean([np.prod([max(1 + stake * share, 0) for share in shares]) for stake in STAKES])


def look_by_look(shares, horizon, alpha):
    """One pair's year, one look after the other, as the package describes it."""
    capitals = [[1.0] * len(STAKES) for _ in range(horizon)]
    counted, evidence = [not np.isnan(share) for share in shares], []
    proposed, proposals, confirmed = None, 0, -1
    for look in range(len(shares)):
        known = look - horizon
        if known >= 0 and counted[known]:
            gambler = capitals[known % horizon]
            gambler[:] = [
                capital * max(1 + stake * shares[known], 1e-12) for capital, stake in zip(gambler, STAKES, strict=True)
            ]
        evidence.append(np.log(np.mean(capitals)))
        above = evidence[-1] >= -np.log(alpha)
        if above and proposed is None and confirmed < 0:
            proposed, proposals = look, proposals + 1
            counted[look : look + horizon - 1] = [False] * len(counted[look : look + horizon - 1])
        if proposed is not None and look == proposed + horizon - 1:
            if above:
                confirmed, counted[look:] = look, [False] * len(counted[look:])
            proposed = None
    return evidence, counted, proposals, confirmed


@pytest.mark.parametrize("horizon", [1, 2, 5])
def test_a_whole_year_at_once_is_the_year_look_by_look(horizon):
    generator = np.random.default_rng(5)
    shares = np.minimum(generator.normal(0.2, 0.4, size=(40, 70)), 1.0)
    shares[generator.random(shares.shape) < 0.1] = np.nan
    course = follow(shares, horizon, 0.4)
    assert course.proposals.max() > 1 or horizon == 1
    for row, given in enumerate(shares):
        evidence, counted, proposals, confirmed = look_by_look(given, horizon, 0.4)
        assert course.log_evidence[row] == pytest.approx(evidence)
        assert course.counted[row].tolist() == counted
        assert (course.proposals[row], course.confirmed[row]) == (proposals, confirmed)


def test_the_evidence_for_labels_without_overlap_is_that_of_the_reference():
    course = follow(np.array(ORACLE["shares"]), 1, 1e-9)
    assert course.log_evidence[1:] == pytest.approx(np.log(ORACLE["capital"])[:-1], rel=1e-9)


def test_the_outcome_of_a_session_counts_once_the_horizon_has_passed():
    course = follow(np.array([0.5, -0.2, 0.1, 0.3]), 2, 1e-9)
    evidence = np.exp(course.log_evidence)
    assert evidence[:2] == pytest.approx([1, 1])
    assert evidence[2] == pytest.approx((capital([0.5]) + 1) / 2)
    assert evidence[3] == pytest.approx((capital([0.5]) + capital([-0.2])) / 2)


def test_sessions_are_dealt_to_as_many_gamblers_as_the_horizon_has_sessions():
    shares = np.array([0.5, -0.2, 0.1, 0.3, 0.0, 0.0])
    evidence = np.exp(follow(shares, 2, 1e-9).log_evidence[-1])
    assert evidence == pytest.approx((capital([0.5, 0.1]) + capital([-0.2, 0.3])) / 2)


def test_a_session_that_says_nothing_leaves_the_evidence_as_it_was():
    evidence = follow(np.array([0.5, np.nan, 0.1, 0.0]), 1, 1e-9).log_evidence
    assert evidence[2] == evidence[1]


def test_what_comes_later_does_not_change_the_evidence_of_a_look():
    generator = np.random.default_rng(1)
    shares = generator.uniform(-1, 1, size=60)
    whole, first = follow(shares, 5, 0.05), follow(shares[:30], 5, 0.05)
    assert (whole.log_evidence[:30] == first.log_evidence).all()


def test_a_crossing_proposes_and_is_confirmed_when_the_open_sessions_are_known():
    course = follow(np.full(60, 0.9), 5, 0.05)
    crossed = int(np.argmax(course.log_evidence >= np.log(20)))
    assert course.confirmed == crossed + 4
    assert course.proposals == 1
    assert course.counted[:crossed].all()
    assert not course.counted[crossed:].any()


def test_a_crossing_that_the_open_sessions_take_back_is_not_confirmed():
    shares = np.full(60, 0.9)
    crossed = int(np.argmax(follow(shares, 5, 0.05).log_evidence >= np.log(20)))
    shares[crossed - 4 :] = -1.0
    course = follow(shares, 5, 0.05)
    assert course.confirmed == -1
    assert course.proposals == 1
    assert not course.counted[crossed : crossed + 4].any()
    assert course.counted[crossed + 4 :].all()


def test_after_a_proposal_that_failed_the_evidence_goes_on_and_can_be_confirmed_later():
    shares = np.full(200, 0.9)
    crossed = int(np.argmax(follow(shares, 5, 0.05).log_evidence >= np.log(20)))
    shares[crossed - 4 : crossed] = -0.9
    course = follow(shares, 5, 0.05)
    assert course.proposals == 2
    assert course.confirmed > crossed + 4


def test_many_pairs_are_followed_at_once_as_each_by_itself():
    generator = np.random.default_rng(2)
    shares = generator.uniform(-0.7, 1, size=(6, 90))
    alphas = np.array([0.05, 0.01, 0.002, 0.05, 0.01, 0.002])
    together = follow(shares, 5, alphas)
    for row, alpha in enumerate(alphas):
        alone = follow(shares[row], 5, alpha)
        assert together.confirmed[row] == alone.confirmed
        assert (together.counted[row] == alone.counted).all()
        assert (together.log_evidence[row] == alone.log_evidence).all()


def test_the_capital_is_not_expected_to_grow_where_there_is_nothing_though_labels_overlap():
    generator = np.random.default_rng(3)
    signs = np.where(generator.random((40_000, 24)) < 0.5, -1.0, 1.0)
    shares = (signs[:, :-4] + signs[:, 1:-3] + signs[:, 2:-2] + signs[:, 3:-1] + signs[:, 4:]) / 5
    evidence = np.exp(follow(shares, 5, 1e-9).log_evidence)
    error = evidence.std(axis=0) / len(evidence) ** 0.5
    assert (np.abs(evidence.mean(axis=0) - 1) <= 4 * error + 1e-9).all()


def test_one_who_often_wins_a_little_and_seldom_loses_much_is_not_confirmed():
    generator = np.random.default_rng(4)
    usual = generator.normal(0, 0.14, size=(300, 250))
    differences = usual + np.where(generator.random(usual.shape) < 0.95, 0.05, -0.95)
    bounds = usual_bounds(differences, np.float64(0.14), 5)
    assert (follow(as_shares(differences, bounds), 5, 0.05).confirmed >= 0).mean() <= 0.05
