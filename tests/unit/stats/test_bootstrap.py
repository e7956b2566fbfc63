import math

import numpy as np
import pytest
import scipy.stats

from signseg_rig.stats import bootstrap_mean_band


def test_agrees_with_scipy():
    values = np.random.default_rng(5).gamma(2.0, 3.0, size=40)
    ours = bootstrap_mean_band(values, rng=np.random.default_rng(0), n_resamples=20_000)
    theirs = scipy.stats.bootstrap(
        (values,),
        np.mean,
        n_resamples=20_000,
        method="percentile",
        rng=np.random.default_rng(1),
    ).confidence_interval
    assert ours == pytest.approx((theirs.low, theirs.high), abs=0.03 * values.std())


def test_covers_the_true_mean_as_often_as_it_says():
    rng = np.random.default_rng(6)
    n_runs, level = 1_000, 0.9
    n_covered = 0
    for _ in range(n_runs):
        low, high = bootstrap_mean_band(
            rng.normal(3.0, 2.0, 40), rng=rng, level=level, n_resamples=400
        )
        n_covered += low <= 3.0 <= high
    # The percentile interval of 40 values covers about 0.89.
    assert n_covered / n_runs == pytest.approx(0.89, abs=4 * math.sqrt(0.09 / n_runs))


def test_is_seeded():
    values = np.arange(10.0)
    first, second = (bootstrap_mean_band(values, rng=np.random.default_rng(9)) for _ in range(2))
    assert first == second


def test_leaves_out_what_has_no_score():
    values = np.arange(10.0)
    with_gaps = np.insert(values, [0, 4, 10], np.nan)
    assert bootstrap_mean_band(with_gaps, rng=np.random.default_rng(9)) == bootstrap_mean_band(
        values, rng=np.random.default_rng(9)
    )


def test_constant_values_have_no_width():
    assert bootstrap_mean_band([2.0] * 5, rng=np.random.default_rng(0)) == (2.0, 2.0)


@pytest.mark.parametrize("values", [[], [1.0], [1.0, np.nan]])
def test_one_value_has_no_band(values):
    assert np.isnan(bootstrap_mean_band(values, rng=np.random.default_rng(0))).all()


@pytest.mark.parametrize("values", [[1.0, np.inf], [[1.0, 2.0]]])
def test_refuses_what_has_no_mean(values):
    with pytest.raises(ValueError, match="finite or NaN"):
        bootstrap_mean_band(values, rng=np.random.default_rng(0))


@pytest.mark.parametrize("level", [0.0, 1.0, 95.0])
def test_refuses_levels_that_are_none(level):
    with pytest.raises(ValueError, match="between 0 and 1"):
        bootstrap_mean_band([1.0, 2.0], rng=np.random.default_rng(0), level=level)
