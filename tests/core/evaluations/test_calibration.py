"""What a calibration error means: chance makes one too."""

import numpy as np
import pytest

from ljwx.core.evaluations.calibration import ece_null_band, expected_calibration_error, reliability


@pytest.mark.parametrize(("n", "shown"), [(60, 0.11), (240, 0.053)])
def test_a_perfectly_calibrated_answerer_shows_an_error_of_calibration(n, shown):
    generator = np.random.default_rng(5)
    confidence = generator.dirichlet(np.full(3, 6.0), size=n).max(axis=1)
    band = ece_null_band(confidence)
    assert band.mean == pytest.approx(shown, abs=0.02)
    assert band.high > band.mean


def test_the_band_holds_the_errors_of_those_who_say_what_is_true():
    generator = np.random.default_rng(6)
    confidence = generator.dirichlet(np.full(3, 6.0), size=240).max(axis=1)
    shown = [
        expected_calibration_error(reliability(confidence, generator.random(240) < confidence)) for _ in range(400)
    ]
    band = ece_null_band(confidence)
    assert band.mean == pytest.approx(np.mean(shown), abs=0.003)
    assert 0.92 <= np.mean(np.array(shown) <= band.high) <= 0.98
