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


def test_one_split_of_two_repeats_is_their_correlation():
    trials = np.random.default_rng(5).standard_normal((3, 50, 2)) + np.arange(50)[:, None] / 10
    # Which of two repeats comes into which half is drawn for each image, so that the expected
    # correlation is that between halves, whatever the draw: compare with many draws by hand.
    rng = np.random.default_rng(0)
    values = []
    for _ in range(400):
        swap = rng.random((50, 1)) < 0.5
        first = np.where(swap[:, 0], trials[..., 1], trials[..., 0])
        second = np.where(swap[:, 0], trials[..., 0], trials[..., 1])
        r = np.array([np.corrcoef(a, b)[0, 1] for a, b in zip(first, second, strict=True)])
        values.append(2 * r / (1 + r))
    found = split_half_reliability(trials, n_splits=400, seed=9)
    np.testing.assert_allclose(found, np.mean(values, axis=0), atol=0.005)


def test_images_with_one_repeat_do_not_count():
    _, trials = known_trials(np.random.default_rng(6), 2, 40, 4, 1.0)
    with_singles = np.concatenate([trials, np.full((2, 10, 4), np.nan)], axis=1)
    with_singles[:, 40:, 2] = 100.0
    np.testing.assert_allclose(
        split_half_reliability(with_singles, n_splits=300),
        split_half_reliability(trials, n_splits=300),
        atol=0.01,
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
    # Halves that are exact opposites, where the formula has its pole for two repeats.
    opposite = np.stack([np.arange(10.0), -np.arange(10.0)], axis=1)[None]
    assert split_half_reliability(opposite)[0] >= -1


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
