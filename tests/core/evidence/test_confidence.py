"""The bounds of a mean difference hold over all looks together."""

import json
from pathlib import Path

import numpy as np
import pytest

from ljwx.core.evidence import as_shares, confidence_bounds, follow


def test_the_bounds_cover_the_true_mean_on_all_looks_together():
    generator, mean, missed = np.random.default_rng(1), 0.02, 0
    for _ in range(25):
        noise = generator.normal(0, 0.1, size=204)
        values = mean + (noise[:-4] + noise[1:-3] + noise[2:-2] + noise[3:-1] + noise[4:]) / 5**0.5
        bounds = np.full(200, 0.25)
        for look in range(40, 201, 40):
            found = confidence_bounds(values[:look], bounds[:look], horizon=5)
            if not found.low <= mean <= found.high:
                missed += 1
                break
    assert missed <= 2


def test_more_sessions_make_the_bounds_narrower():
    values = np.tile([0.15, -0.05], 300)
    few, many = (confidence_bounds(values[:n], np.full(n, 0.25), horizon=1) for n in (60, 600))
    assert few.low < many.low < 0.05 < many.high < few.high


def test_the_lower_bound_is_0_where_the_evidence_for_more_than_0_is_just_enough():
    generator = np.random.default_rng(4)
    values, bounds = generator.normal(0.03, 0.1, size=100), np.full(100, 0.25)
    evidence = follow(np.append(as_shares(values, bounds), np.nan), 1, 1e-9).log_evidence[-1]
    found = confidence_bounds(values, bounds, horizon=1, confidence=1 - 2 / np.exp(evidence))
    assert found.low == pytest.approx(0, abs=1e-7)


def test_without_sessions_the_bounds_say_nothing():
    found = confidence_bounds(np.full(3, np.nan), np.full(3, 0.25), horizon=5)
    assert found.low == pytest.approx(-0.25)
    assert found.high == pytest.approx(0.25)


def test_the_bounds_are_those_of_the_reference_for_labels_without_overlap():
    oracle = json.loads((Path(__file__).parent / "confseq.json").read_text())
    shares = np.array(oracle["shares"])
    found = confidence_bounds(shares, np.ones(len(shares)), horizon=1)
    assert (found.low, found.high) == pytest.approx((oracle["low"], oracle["high"]), abs=1 / 4000)
