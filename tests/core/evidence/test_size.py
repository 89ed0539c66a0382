"""Honest size: shrunken means, the smallest effect to be seen."""

import numpy as np
import pytest

from ljwx.core.evidence import size_of, smallest_visible


def test_the_error_of_independent_sessions_is_that_of_a_mean():
    generator = np.random.default_rng(1)
    values = generator.normal(0.05, 0.2, size=4000)
    found = size_of(values, horizon=1)
    assert found.raw == pytest.approx(values.mean())
    assert found.error == pytest.approx(values.std() / 4000**0.5)


def test_the_error_is_wider_where_labels_overlap():
    generator = np.random.default_rng(2)
    means, errors = [], []
    for _ in range(300):
        noise = np.cumsum(generator.normal(size=305))
        values = noise[5:] - noise[:-5]
        found = size_of(values, horizon=5)
        means.append(found.raw)
        errors.append(found.error)
    naive = np.sqrt(5 / 300)
    assert 0.7 < np.mean(errors) / np.std(means) < 1.1  # falling weights take away some of what is there
    assert np.mean(errors) > 1.5 * naive


def test_the_shrunken_mean_is_the_posterior_mean_of_a_normal_prior():
    generator, usual, error = np.random.default_rng(3), 0.03, 0.2 / 20
    true = generator.normal(0, usual, size=200_000)
    raw = true + generator.normal(0, error, size=true.size)
    near = np.abs(raw - 0.04) < 0.001
    values = np.random.default_rng(4).normal(size=400)
    values = 0.04 + 0.2 * (values - values.mean()) / values.std()
    found = size_of(values, horizon=1, usual_edge=usual)
    assert found.error == pytest.approx(error)
    assert found.shrunken == pytest.approx(true[near].mean(), abs=0.001)


def test_one_session_has_no_size():
    assert size_of(np.array([np.nan, 0.3, np.nan]), horizon=5) is None


def test_the_smallest_effect_gets_smaller_with_sessions_and_with_a_larger_error_rate():
    assert smallest_visible(0.1, 500, 5, 0.05) < smallest_visible(0.1, 250, 5, 0.05)
    assert smallest_visible(0.1, 250, 5, 0.05) < smallest_visible(0.1, 250, 5, 0.005)
    assert smallest_visible(0.1, 30, 5, 0.005) is None
