"""One session's numbers: RankIC held against SciPy, score differences against scikit-learn and all possible truths."""

from itertools import product

import numpy as np
import pytest
from scipy.stats import rankdata, spearmanr

from ljwx.core.evidence import mean_ranks, rank_ics, score_difference
from support_lazy import Lazy

metrics = Lazy("sklearn.metrics")


def test_rank_ic_is_spearmans_correlation_with_and_without_ties():
    generator = np.random.default_rng(1)
    signals, outcomes = generator.normal(size=(4, 30)), generator.normal(size=(4, 30))
    signals[2:], outcomes[3] = np.round(signals[2:]), np.round(outcomes[3])
    expected = [spearmanr(*pair).statistic for pair in zip(signals, outcomes, strict=True)]
    assert rank_ics(signals, outcomes) == pytest.approx(expected)


def test_equal_values_have_the_mean_of_their_ranks():
    values = np.array([[3.0, 1.0, 3.0, 3.0, 0.0], [2.0, 2.0, 2.0, 2.0, 2.0], [5.0, 4.0, 3.0, 2.0, 1.0]])
    assert mean_ranks(values) == pytest.approx(rankdata(values, axis=1))


def test_signals_that_say_nothing_have_an_ic_of_0():
    assert rank_ics(np.full(4, 0.2), np.array([1.0, 2.0, 3.0, 4.0])) == 0


def test_a_session_whose_outcomes_are_all_equal_has_no_ic():
    assert np.isnan(rank_ics(np.array([1.0, 2.0, 3.0]), np.zeros(3)))


def distributions(generator, questions=3, classes=3):
    return generator.dirichlet(np.ones(classes), size=questions)


def loss(probabilities, truth, rule):
    classes = np.arange(probabilities.shape[1])
    if rule == "log":
        return metrics.log_loss(truth, probabilities, labels=classes)
    return metrics.brier_score_loss(truth, probabilities, labels=classes, scale_by_half=False)


@pytest.mark.parametrize("rule", ["brier", "log"])
def test_a_score_difference_is_the_champions_loss_less_the_challengers(rule):
    generator = np.random.default_rng(2)
    ours, theirs = distributions(generator), distributions(generator)
    truth = np.array([0, 2, 1])
    found = score_difference(ours, theirs, truth, rule)
    assert found.value == pytest.approx(loss(theirs, truth, rule) - loss(ours, truth, rule))
    assert found.questions == 3


@pytest.mark.parametrize("rule", ["brier", "log"])
def test_the_bound_is_the_largest_difference_that_any_truth_could_have_made(rule):
    generator = np.random.default_rng(3)
    ours, theirs = distributions(generator), distributions(generator)
    possible = [score_difference(ours, theirs, np.array(truth), rule) for truth in product(range(3), repeat=3)]
    assert len({each.bound for each in possible}) == 1
    assert possible[0].bound == pytest.approx(max(abs(each.value) for each in possible))


def test_the_log_score_takes_a_probability_of_0_for_a_thousandth():
    sure, even = np.array([[1.0, 0.0]]), np.array([[0.5, 0.5]])
    assert score_difference(sure, even, np.array([1]), "log").value == pytest.approx(np.log(0.001 / 0.5))
