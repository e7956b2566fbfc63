"""The Dale index against counting by hand."""

import numpy as np
import pytest

from signseg_rig.errors import ConfigError
from signseg_rig.signs import dale_index, zero_fraction


def by_hand(values):
    values = np.ravel(values)
    signed = [value for value in values if value != 0]
    n_positive = sum(value > 0 for value in signed)
    if not signed:
        return np.nan
    return max(n_positive, len(signed) - n_positive) / len(signed)


def test_counts_signs_over_the_axes_and_leaves_zeros_out():
    weights = np.random.default_rng(0).normal(size=(4, 5, 3, 3))
    weights[np.abs(weights) < 0.3] = 0
    weights[2] = 0
    for axis, slices in [((0, 2, 3), weights.swapaxes(0, 1)), ((1, 2, 3), weights)]:
        expected = [by_hand(one) for one in slices]
        np.testing.assert_array_equal(dale_index(weights, axis=axis), expected)
        expected = [np.mean(one == 0) for one in slices]
        np.testing.assert_allclose(zero_fraction(weights, axis=axis), expected)
    assert np.isnan(dale_index(weights, axis=(1, 2, 3))[2])


def test_of_a_vector():
    assert dale_index(np.array([1, 1, -1]), axis=0) == pytest.approx(2 / 3)
    assert np.isnan(dale_index(np.zeros(3), axis=0))


def test_random_signs_are_near_a_half_the_more_there_are():
    rng = np.random.default_rng(1)
    few, many = (dale_index(rng.normal(size=(500, n)), axis=1).mean() for n in (9, 4096))
    assert few > many > 0.5
    assert many == pytest.approx(0.5 + np.sqrt(1 / (2 * np.pi * 4096)), abs=5e-4)


def test_not_finite():
    with pytest.raises(ConfigError, match=r"that at \(1,\) of \(2,\) is inf"):
        dale_index(np.array([0, np.inf]), axis=0)
