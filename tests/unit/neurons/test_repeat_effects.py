"""Effects of repeats equal least squares and the likelihood's equations; means lose the drift."""

import numpy as np
import pytest

from signseg_rig.neurons.repeat_effects import drift_free_means, repeat_gains, repeat_offsets


@pytest.fixture
def unequal():
    """40 images, of which 25 were shown in the first of 5 repeats only."""
    rng = np.random.default_rng(0)
    rates = 20 * rng.gamma(4, 0.25, (40, 1)) * np.ones(5)
    rates[15:, 1:] = np.nan
    return rates


def test_offsets_equal_least_squares(unequal):
    trials = unequal + np.random.default_rng(1).standard_normal(unequal.shape)
    offsets, n_free = repeat_offsets(trials)
    image, repeat = np.nonzero(np.isfinite(trials))
    design = np.hstack([np.eye(40)[image], np.eye(5)[repeat]])
    fitted, _, rank, _ = np.linalg.lstsq(design, trials[image, repeat])
    np.testing.assert_allclose(np.diff(offsets), np.diff(fitted[40:]), rtol=1e-8)
    assert n_free == rank - 40


def test_repeats_that_no_image_connects_are_not_compared():
    trials = np.full((4, 4), np.nan)
    trials[:2, :2] = trials[2:, 2:] = [[1.0, 2.0], [5.0, 6.0]]
    assert repeat_offsets(trials)[1] == 2


def test_gains_solve_the_equations_of_the_likelihood(unequal):
    trials = np.random.default_rng(2).poisson(np.nan_to_num(unequal)).astype(float)
    trials[np.isnan(unequal)] = np.nan
    gains = repeat_gains(trials)
    is_trial = np.isfinite(trials)
    expected = np.nansum(trials, axis=1, keepdims=True) / (is_trial @ gains)[:, None] * gains
    for axis in (0, 1):
        totals = np.where(is_trial, expected, 0).sum(axis=axis)
        np.testing.assert_allclose(totals, np.nansum(trials, axis=axis), rtol=1e-5)


@pytest.mark.parametrize("drift", ["gain", "offset"])
def test_means_lose_the_drift_that_unequal_repeats_bring(unequal, drift):
    effect = np.array([0.6, 0.8, 1.0, 1.2, 1.4])
    trials = unequal * effect if drift == "gain" else unequal + 20 * (effect - 1)
    estimate = drift_free_means(trials)
    shift = estimate.mean - unequal[:, 0]
    spread = estimate.mean / unequal[:, 0]
    assert np.ptp(spread if drift == "gain" else shift) == pytest.approx(0, abs=1e-4)
    assert np.ptp(np.nanmean(trials, axis=1) - unequal[:, 0]) > 1
    assert np.ptp(estimate.gain) == pytest.approx(0.4 if drift == "gain" else 0, abs=0.15)
