"""Slow features and responses: found where they are, and not mistaken for a relation."""

import numpy as np
import pytest

from signseg_rig.neurons import order_autocorrelation, permutation_null


def slow(rng, n_images, n_columns, decay=0.9):
    """Autoregressions, or walks, with noise of their own."""
    values = rng.standard_normal((n_images, n_columns))
    for image in range(1, n_images):
        values[image] = decay * values[image - 1] + max(1 - decay**2, 0.1) ** 0.5 * values[image]
    return values + 0.3 * rng.standard_normal(values.shape)


def test_equals_the_autocorrelation_of_each_column():
    values = slow(np.random.default_rng(0), 200, 3)
    values = (values - values.mean(axis=0)) / values.std(axis=0)
    lags = [np.mean([(v[k:] * v[:-k]).mean() for v in values.T]) for k in range(1, 6)]
    found = order_autocorrelation(values)
    assert found.value == pytest.approx(np.mean(lags))
    assert found.value > 0.5
    assert found.p_value == 1 / 200


def test_order_that_means_nothing_is_rarely_found():
    rng = np.random.default_rng(1)
    p_values = [order_autocorrelation(rng.standard_normal((60, 8))).p_value for _ in range(60)]
    assert 0 <= np.mean(np.array(p_values) <= 0.05) <= 0.12


def test_constant_values_have_no_order():
    assert np.isnan(order_autocorrelation(np.ones((20, 2))).value)


@pytest.mark.parametrize("decay", [0.9, 1.0])
def test_unrelated_neurons_are_significant_by_shuffles_and_not_by_shifts(decay):
    """Features and responses that are slow, or walk at random, and have no relation."""
    shares = {0: [], 10: []}
    for seed in range(3):
        rng = np.random.default_rng(seed)
        features, responses = slow(rng, 100, 8, decay), slow(rng, 100, 60, decay)
        for n_blocks, found in shares.items():
            null = permutation_null(
                features,
                responses,
                n_components=[1, 2],
                n_folds=5,
                n_shuffles=19,
                seed=seed,
                n_blocks=n_blocks,
            )
            found.append((null.p_values <= 0.05).mean())
    assert np.mean(shares[0]) > 0.5
    assert np.mean(shares[10]) == pytest.approx(0.05, abs=0.06)


def test_shifts_find_what_features_tell():
    rng = np.random.default_rng(3)
    features = slow(rng, 120, 12)
    responses = features @ rng.standard_normal((12, 20)) + rng.standard_normal((120, 20))
    null = permutation_null(
        features, responses, n_components=[1, 2], n_folds=5, n_shuffles=39, n_blocks=10
    )
    assert (null.p_values <= 0.05).mean() > 0.7
    few = permutation_null(
        features, responses, n_components=[1], n_folds=5, n_shuffles=500, n_blocks=10
    )
    assert len(few.null_r) == 239
    assert few.p_values.min() >= 1 / 240
