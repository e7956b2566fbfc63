"""Curves compared at the same places, against a brute-force interpolation."""

import numpy as np
import pytest

from signseg_rig.stats import differences_at, mean_difference


def by_hand(x, y, place):
    """Look for the two points around a place, and weight them."""
    for left, right in zip(range(len(x) - 1), range(1, len(x)), strict=True):
        if x[left] <= place <= x[right]:
            share = (place - x[left]) / (x[right] - x[left])
            return (1 - share) * y[left] + share * y[right]
    return np.nan


@pytest.fixture(params=range(3))
def curves(request):
    rng = np.random.default_rng(request.param)
    x_a, x_b = (np.concatenate([[0], np.sort(rng.random(n))]) for n in (3, 5))
    return x_a, rng.normal(size=4), x_b, rng.normal(size=6)


def test_differences_are_those_by_hand(curves):
    x_a, a, x_b, b = curves
    places = np.linspace(0, 1.2, 40)
    expected = [by_hand(x_a, a, one) - by_hand(x_b, b, one) for one in places]
    np.testing.assert_allclose(differences_at(*curves, places), expected)
    assert np.isnan(differences_at(*curves, [1.1])).all()


def test_mean_difference_is_that_of_a_fine_grid(curves):
    x_a, _, x_b, _ = curves
    grid = np.linspace(0, min(x_a[-1], x_b[-1]), 20_001)
    middles = (grid[1:] + grid[:-1]) / 2
    assert mean_difference(*curves) == pytest.approx(
        differences_at(*curves, middles).mean(), abs=1e-5
    )


def test_the_sides_exchanged_change_the_sign():
    one, other = ([0, 1, 2], [0, 1, 0]), ([0, 2], [0, 0])
    assert mean_difference(*one, *other) == 0.5 == -mean_difference(*other, *one)


def test_of_two_strengths_that_remove_the_same_the_first_counts():
    assert differences_at([0, 1, 1, 2], [0, 5, 5, 5], [0, 2], [0, 0], [1]).tolist() == [5]


def test_what_is_not_known_is_nan_and_no_more():
    unknown = ([0, 1, 2, 3], [0, np.nan, 2, 3])
    found = differences_at(*unknown, [0, 3], [0, 0], [0.5, 2.5])
    assert np.isnan(found).tolist() == [True, False]
    assert np.isnan(mean_difference(*unknown, [0, 3], [0, 0]))
    assert np.isnan(mean_difference([0, 1], [0, 1], [2, 3], [0, 0]))


@pytest.mark.parametrize(
    ("x", "y"), [([0], [1]), ([1, 0], [1, 1]), ([0, 1], [1, 1, 1]), ([[0, 1]], [[1, 1]])]
)
def test_refuses_what_is_no_curve(x, y):
    with pytest.raises(ValueError, match="curve"):
        differences_at(x, y, [0, 1], [0, 1], [0.5])
