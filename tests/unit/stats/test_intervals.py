"""Intervals of 95 % hold the true mean in 95 % of samples, or there are none."""

import numpy as np
import pytest
import scipy.stats

from signseg_rig.stats import hierarchical_mean, mean_interval, paired_test

N_SAMPLES = 1_000


def coverage(samples, truth, interval=mean_interval):
    """Return the share of samples that have an interval, and of these the share that hold it."""
    bounds = np.array([interval(one) for one in samples])
    has_one = np.isfinite(bounds[:, 0])
    holds = (bounds[:, 0] <= truth) & (truth <= bounds[:, 1])
    return has_one.mean(), holds[has_one].mean() if has_one.any() else np.nan


def test_is_scipys_interval_of_student():
    values = np.random.default_rng(5).gamma(2.0, 3.0, size=12)
    theirs = scipy.stats.ttest_1samp(values, 0).confidence_interval(0.9)
    assert mean_interval(values, level=0.9) == pytest.approx((theirs.low, theirs.high))


@pytest.mark.parametrize("n", [3, 5, 10, 14, 20])
def test_covers_the_mean_of_normal_values(n):
    printed, covered = coverage(np.random.default_rng(n).normal(3, 2, (N_SAMPLES, n)), 3)
    assert printed == 1
    # Two binomial errors of 1,000 samples are .014.
    assert covered == pytest.approx(0.95, abs=0.02)


@pytest.mark.parametrize("n", [5, 10, 14, 20])
def test_has_no_interval_of_counts_that_are_nearly_all_zero(n):
    printed, _ = coverage(np.random.default_rng(n).poisson(0.1, (N_SAMPLES, n)), 0.1)
    assert printed < 0.01


@pytest.mark.parametrize("mean", [0.3, 1.0, 3.0])
@pytest.mark.parametrize("n", [5, 10, 20])
def test_an_interval_of_counts_that_is_printed_is_rarely_wrong(n, mean):
    samples = np.random.default_rng(n).poisson(mean, (N_SAMPLES, n))
    printed, covered = coverage(samples, mean)
    assert printed * (1 - covered) < 0.06 + 0.02


def nested(rng, n_groups, between):
    shape = (N_SAMPLES, n_groups, 5)
    return rng.normal(size=shape) + between * rng.normal(size=(*shape[:2], 1))


@pytest.mark.parametrize("n_groups", [3, 7])
@pytest.mark.parametrize("between", [0, 1])
def test_covers_the_mean_of_few_groups_whether_they_differ_or_not(n_groups, between):
    groups = np.repeat(np.arange(n_groups), 5)

    def interval(values):
        found = hierarchical_mean(values.ravel(), [groups])
        return found.low, found.high

    samples = nested(np.random.default_rng(n_groups), n_groups, between)
    assert coverage(samples, 0, interval)[1] == pytest.approx(0.95, abs=0.02)


def test_no_interval_of_groups_of_counts_that_are_nearly_all_zero():
    rng, groups = np.random.default_rng(0), np.repeat(np.arange(10), 5)
    found = [hierarchical_mean(rng.poisson(0.1, 50), [groups]).low for _ in range(300)]
    assert np.isnan(found).mean() > 0.99


def test_interval_of_paired_differences_is_theirs():
    a, b = np.random.default_rng(0).normal(size=(2, 9))
    assert paired_test(a, b).difference_band == mean_interval(a - b)


def test_leaves_out_what_has_no_score():
    values = np.arange(10.0)
    assert mean_interval(np.insert(values, [0, 4, 10], np.nan)) == mean_interval(values)


@pytest.mark.parametrize("values", [[], [1.0], [1.0, 2.0, np.nan], [2.0] * 5, [0, 0, 0, 1, 2]])
def test_too_few_values_and_mostly_the_same_have_none(values):
    assert np.isnan(mean_interval(values)).all()
    assert np.isfinite(mean_interval([0, 0, 1, 2])).all()


@pytest.mark.parametrize("values", [[1.0, np.inf], [[1.0, 2.0]]])
def test_refuses_what_has_no_mean(values):
    with pytest.raises(ValueError, match="finite or NaN"):
        mean_interval(values)


@pytest.mark.parametrize("level", [0.0, 1.0, 95.0])
def test_refuses_levels_that_are_none(level):
    with pytest.raises(ValueError, match="between 0 and 1"):
        mean_interval([1.0, 2.0, 3.0], level=level)
