"""Reliability and ceilings against data whose reliability is known, and against loops."""

import numpy as np
import pytest

from signseg_rig.errors import ConfigError
from signseg_rig.neurons import (
    correlation_ceiling,
    normalized_explained_variance,
    split_half_reliability,
)


def known_trials(rng, n_units, n_images, n_repeats, noise):
    """Signals of variance 1, and noise: the mean has the reliability 1 / (1 + noise² / n)."""
    signal = rng.standard_normal((n_units, n_images, 1))
    return signal, signal + noise * rng.standard_normal((n_units, n_images, n_repeats))


@pytest.mark.parametrize(("n_repeats", "noise"), [(2, 1.0), (4, 1.0), (7, 2.0), (10, 3.0)])
def test_finds_the_known_reliability(n_repeats, noise):
    _, trials = known_trials(np.random.default_rng(1), 20, 800, n_repeats, noise)
    expected = 1 / (1 + noise**2 / n_repeats)
    found = split_half_reliability(trials, n_splits=20)
    assert found.mean() == pytest.approx(expected, abs=0.015)


def test_missing_repeats_lower_it_as_they_should():
    rng = np.random.default_rng(2)
    _, trials = known_trials(rng, 20, 800, 8, 2.0)
    n_known = rng.integers(4, 9, 800)
    trials[:, np.arange(8) >= n_known[:, None]] = np.nan
    expected = 1 / (1 + 4 * np.mean(1 / n_known))
    assert split_half_reliability(trials, n_splits=20).mean() == pytest.approx(expected, abs=0.02)


def test_is_a_ceiling_of_variance():
    rng = np.random.default_rng(3)
    signal, trials = known_trials(rng, 30, 1000, 5, 2.0)
    mean = trials.mean(axis=2)
    r = np.array(
        [np.corrcoef(one, other)[0, 1] for one, other in zip(signal[..., 0], mean, strict=True)]
    )
    reliability = split_half_reliability(trials, n_splits=20)
    # The true signal is a perfect model: it explains all that can be explained.
    np.testing.assert_allclose(r.mean(), correlation_ceiling(reliability).mean(), atol=0.01)
    share = normalized_explained_variance(r, reliability)
    assert share.mean() == pytest.approx(1, abs=0.02)


def test_noise_alone_is_around_zero_and_has_no_ceiling():
    trials = np.random.default_rng(4).standard_normal((200, 60, 4))
    reliability = split_half_reliability(trials, n_splits=20)
    assert abs(np.median(reliability)) < 0.05
    assert (reliability < 0).any()
    below = reliability <= 0
    assert np.isnan(correlation_ceiling(reliability)[below]).all()
    assert np.isnan(normalized_explained_variance(np.full(200, 0.3), reliability)[below]).all()
    assert np.isfinite(correlation_ceiling(reliability)[~below]).all()


def test_equals_spearman_and_brown_where_halves_vary_alike():
    rng = np.random.default_rng(5)
    first, second = rng.standard_normal((2, 3, 50)) + np.arange(50) / 10
    # Halves of equal variance, as the formula of Spearman and Brown takes them to be.
    trials = np.stack([one / one.std(axis=1, keepdims=True) for one in (first, second)], axis=2)
    r = np.array([np.corrcoef(unit.T)[0, 1] for unit in trials])
    expected = 1 - (1 - 2 * r / (1 + r)) * 49 / 48  # one degree of freedom more for the gain
    np.testing.assert_allclose(split_half_reliability(trials), expected, rtol=1e-9)


def test_equals_angoff_and_feldt_where_halves_differ():
    rng = np.random.default_rng(6)
    trials = rng.poisson(rng.gamma(2, 5, (4, 60, 1)) * [0.5, 2.0]).astype(float)
    first, second = trials[..., 0].var(axis=1, ddof=1), trials[..., 1].var(axis=1, ddof=1)
    total = trials.sum(axis=2).var(axis=1, ddof=1)
    covariance = (total - first - second) / 2
    feldt = 4 * covariance / (total - (first - second) ** 2 / total)
    expected = 1 - (1 - feldt) * 59 / 58
    np.testing.assert_allclose(split_half_reliability(trials), expected, rtol=1e-9)


def poisson_neurons(rng, n_units, n_images, drift_hz, window_s=0.15):
    """Rates of mean 20 and SD 10 Hz, spikes in a window, and what drift made of the rates."""
    rates = 20 * rng.gamma(4, 0.25, (n_units, n_images, 1))
    return rates[..., 0], rng.poisson(drift_hz(rates).clip(0) * window_s) / window_s


def normalized(rates, trials):
    """The normalised explained variance of the true rates, and the explained variance itself."""
    mean = np.nanmean(trials, axis=2)
    r = np.array([np.corrcoef(*pair)[0, 1] for pair in zip(rates, mean, strict=True)])
    reliability = split_half_reliability(trials, n_splits=10)
    return np.nanmedian(normalized_explained_variance(r, reliability)), np.median(r**2)


@pytest.mark.parametrize("drift", ["gain", "offset", "none"])
@pytest.mark.parametrize("n_repeats", [2, 3, 4, 10])
def test_a_perfect_model_explains_all_that_can_be_explained(drift, n_repeats):
    gain = np.exp(np.linspace(-0.4, 0.4, n_repeats))
    drifted = {
        "gain": lambda rates: rates * gain,
        "offset": lambda rates: rates + 20 * (gain - 1),
        "none": lambda rates: rates * np.ones(n_repeats),
    }
    rates, trials = poisson_neurons(np.random.default_rng(21), 150, 160, drifted[drift])
    share, _explained = normalized(rates, trials)
    assert share == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize("drift", [0.0, 0.4])
def test_ceiling_and_test_r_speak_of_the_same_images(drift):
    """40 images with 10 repeats and 120 with one: most of the images are noisier than the few."""
    gain = np.exp(np.linspace(-drift, drift, 10))
    rates, trials = poisson_neurons(np.random.default_rng(22), 200, 160, lambda rate: rate * gain)
    trials[:, 40:, 1:] = np.nan
    share, explained = normalized(rates, trials)
    assert share == pytest.approx(1, abs=0.05)
    reliability = split_half_reliability(trials, n_splits=10)
    assert np.median(reliability) == pytest.approx(explained, abs=0.02)


def test_a_drift_common_to_all_images_is_no_noise():
    """Offsets that differ much between repeats leave the reliability exactly as it was."""
    _, trials = known_trials(np.random.default_rng(23), 5, 60, 4, 1.0)
    drifting = trials + np.array([0.0, 40.0, -20.0, 5.0])
    np.testing.assert_allclose(
        split_half_reliability(drifting), split_half_reliability(trials), rtol=1e-9
    )


def test_undefined_is_nan():
    trials = np.full((3, 10, 4), np.nan)
    trials[1, :9] = np.random.default_rng(8).standard_normal((9, 4))  # too few images
    trials[2] = 5.0  # nothing varies
    assert np.isnan(split_half_reliability(trials)).all()


@pytest.mark.parametrize("n_repeats", [2, 3, 5, 8])
def test_stays_between_its_bounds_for_noise(n_repeats):
    trials = np.random.default_rng(9).standard_normal((300, 10, n_repeats))
    reliability = split_half_reliability(trials, n_splits=10)
    assert (np.abs(reliability) <= 1).all()
    # Halves that are nearly opposites: next to nothing is left of the mean responses.
    opposite = np.stack([np.arange(10.0), -np.arange(10.0) - 1e-3 * np.arange(10.0) ** 2], axis=1)
    assert split_half_reliability(opposite[None])[0] == -1


def test_sharply_tuned_neurons_have_a_reliability():
    rng = np.random.default_rng(10)
    rate = np.zeros((100, 60, 1))
    for neuron in rate:
        neuron[rng.choice(60, 3, replace=False)] = 0.5
    reliability = split_half_reliability(rng.poisson(rate, (100, 60, 6)).astype(float))
    has_spikes_enough = np.isfinite(reliability)
    assert has_spikes_enough.mean() > 0.95
    assert 0.3 < np.median(reliability[has_spikes_enough]) < 0.9


def test_depends_on_the_seed_only():
    trials = np.random.default_rng(7).standard_normal((4, 30, 5))
    first = split_half_reliability(trials, n_splits=5, seed=1)
    np.testing.assert_array_equal(first, split_half_reliability(trials, n_splits=5, seed=1))
    assert (first != split_half_reliability(trials, n_splits=5, seed=2)).all()


def test_correlation_below_zero_explains_nothing():
    share = normalized_explained_variance(np.array([-0.5, 0.5]), np.array([0.5, 0.5]))
    np.testing.assert_allclose(share, [0, 0.5])


@pytest.mark.parametrize(
    ("trials", "message"),
    [(np.zeros((3, 4)), "n_repeats"), (np.full((1, 2, 3), np.inf), "unit 0, image 0, repeat 0")],
)
def test_says_what_is_wrong(trials, message):
    with pytest.raises(ConfigError, match=message):
        split_half_reliability(trials)
