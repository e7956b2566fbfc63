import numpy as np
import pytest

from signseg_rig.stats import bootstrap_mean_band, hierarchical_bootstrap


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def simulate(rng, *, n_networks, n_units=4, n_repeats=3, spread=(1.0, 0.5, 0.5)):
    """Values of repeats of units of networks around a true mean of 0."""
    shape = (n_networks, n_units, n_repeats)
    values = (
        rng.normal(0, spread[0], (n_networks, 1, 1))
        + rng.normal(0, spread[1], (n_networks, n_units, 1))
        + rng.normal(0, spread[2], shape)
    )
    networks, units, _ = np.indices(shape)
    return values.ravel(), [networks.ravel(), units.ravel()]


def coverage(band, n_runs=200):
    covers = [low <= 0 <= high for low, high in (band() for _ in range(n_runs))]
    return np.mean(covers)


def test_parts_of_a_group_count_the_same(rng):
    values = [0, 0, 0, 6, 1, 3]
    networks = ["a", "a", "a", "a", "b", "b"]
    units = [0, 0, 0, 1, 0, 1]
    result = hierarchical_bootstrap(values, [networks, units], rng)
    assert result.mean == ((0 + 6) / 2 + (1 + 3) / 2) / 2
    assert result.n_groups == (2, 4)
    assert result.n_values == 6
    assert result.low <= result.mean <= result.high


def test_resampled_means_have_the_variance_of_the_theory():
    rng = np.random.default_rng(1)
    # Groups without scatter inside: the band is that of a bootstrap of the group means.
    means = rng.normal(size=12)
    nested = hierarchical_bootstrap(np.repeat(means, 5), [np.repeat(range(12), 5)], rng)
    flat = bootstrap_mean_band(means, rng=rng, n_resamples=20_000)
    assert (nested.low, nested.high) == pytest.approx(flat, abs=0.08)


def test_a_group_drawn_twice_is_resampled_twice():
    rng = np.random.default_rng(2)
    # Two equal groups of the values 0 and 1. Each group's resampled mean has variance 1 / 8, and
    # the mean of two that are independent has 1 / 16, whichever groups they come from.
    result = hierarchical_bootstrap(
        [0, 1, 0, 1], [[0, 0, 1, 1]], rng, level=0.8, n_resamples=20_000
    )
    # The mean of four coins: P(0) = 1 / 16 and P(1 / 4) = 4 / 16, so the tenth percentile is 1 / 4;
    # were both draws of a group the same, P(0) would be 5 / 32 and the percentile 0.
    assert (result.low, result.high) == (0.25, 0.75)


def test_band_covers_the_true_mean_where_one_that_ignores_nesting_does_not():
    rng = np.random.default_rng(3)

    def nested():
        values, levels = simulate(rng, n_networks=12)
        result = hierarchical_bootstrap(values, levels, rng, n_resamples=300)
        return result.low, result.high

    def flat():
        values, _ = simulate(rng, n_networks=12)
        return bootstrap_mean_band(values, rng=rng, n_resamples=300)

    assert 0.88 < coverage(nested) <= 0.99
    assert coverage(flat) < 0.8


def test_the_same_label_in_two_groups_is_two_groups(rng):
    result = hierarchical_bootstrap([1, 2, 3, 4], [[0, 0, 1, 1], [5, 6, 5, 6]], rng)
    assert result.n_groups == (2, 4)


def test_nan_is_left_out_and_its_group_with_it(rng):
    result = hierarchical_bootstrap([1, 2, np.nan, 4], [[0, 0, 1, 2]], rng)
    assert (result.mean, result.n_groups, result.n_values) == (2.75, (2,), 3)


def test_one_group_has_no_band(rng):
    result = hierarchical_bootstrap([1, 2], [["a", "a"]], rng)
    assert result.mean == 1.5
    assert np.isnan([result.low, result.high]).all()
    nothing = hierarchical_bootstrap([np.nan], [["a"]], rng)
    assert np.isnan(nothing.mean)
    assert nothing.n_values == 0


def test_repeats_with_the_same_rng():
    values, levels = simulate(np.random.default_rng(0), n_networks=4)
    results = {hierarchical_bootstrap(values, levels, np.random.default_rng(7)) for _ in range(2)}
    assert len(results) == 1


@pytest.mark.parametrize(
    ("values", "levels"), [([1, 2], []), ([1, 2], [[0]]), ([[1, 2]], [[0, 1]]), ([np.inf], [[0]])]
)
def test_refuses_what_is_not_nested(values, levels, rng):
    with pytest.raises(ValueError, match="hierarchical bootstrap"):
        hierarchical_bootstrap(values, levels, rng)
