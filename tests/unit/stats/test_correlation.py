import numpy as np
import pytest
from scipy import stats

from signseg_rig.stats import pearson_with_ci, spearman_with_ci


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_agrees_with_scipy_on_ranks_with_ties(rng):
    x, y = rng.integers(0, 6, 25), rng.integers(0, 6, 25)
    result = spearman_with_ci(x, y)
    expected = stats.spearmanr(x, y)
    assert result.coefficient == pytest.approx(expected.statistic)
    assert result.p_value == pytest.approx(expected.pvalue)
    assert result.coefficient == pytest.approx(
        np.corrcoef(stats.rankdata(x), stats.rankdata(y))[0, 1]
    )


def pairs(rng, r, n):
    """Two normal lists that correlate by r."""
    x, noise = rng.normal(size=(2, n))
    return x, r * x + np.sqrt(1 - r**2) * noise


@pytest.mark.parametrize("n", [10, 14, 20])
@pytest.mark.parametrize("r", [0, 0.6])
def test_intervals_cover_the_true_correlation(n, r):
    rng = np.random.default_rng(n)
    # Spearman's of two normals that correlate by r.
    truths = {spearman_with_ci: 6 / np.pi * np.arcsin(r / 2), pearson_with_ci: r}
    samples = [pairs(rng, r, n) for _ in range(1_000)]
    for correlate, truth in truths.items():
        found = [correlate(*one) for one in samples]
        covered = np.mean([one.low <= truth <= one.high for one in found])
        assert 0.93 - 0.015 < covered < 0.97 + 0.015


def test_no_interval_of_fewer_than_ten_pairs_or_of_a_perfect_correlation(rng):
    for correlate in (spearman_with_ci, pearson_with_ci):
        for x, y in (pairs(rng, 0.5, 7), (np.arange(12), np.arange(12))):
            assert np.isnan([correlate(x, y).low, correlate(x, y).high]).all()


def test_pairs_with_nan_are_left_out(rng):
    result = spearman_with_ci([1, 2, 3, np.nan, 5], [1, 2, 3, 9, np.nan])
    assert (result.n_pairs, result.coefficient) == (3, 1.0)


@pytest.mark.parametrize(("x", "y"), [([1, 2], [1, 2]), ([1, 1, 1], [1, 2, 3]), ([], [])])
@pytest.mark.parametrize("correlate", [spearman_with_ci, pearson_with_ci])
def test_has_no_value_where_there_is_none(x, y, correlate, rng):
    result = correlate(x, y)
    assert np.isnan([result.coefficient, result.low, result.high, result.p_value]).all()
    assert result.n_pairs == len(x)


def test_refuses_lists_of_different_length(rng):
    with pytest.raises(ValueError, match="two flat lists"):
        spearman_with_ci([1, 2, 3], [1, 2])


def test_pearson_agrees_with_scipy(rng):
    x = rng.normal(size=30)
    y = x + rng.normal(size=30)
    result, expected = pearson_with_ci(x, y), stats.pearsonr(x, y)
    assert result.coefficient == pytest.approx(expected.statistic)
    assert result.p_value == pytest.approx(expected.pvalue)
    other = expected.confidence_interval(0.95)
    assert (result.low, result.high) == pytest.approx((other.low, other.high))


@pytest.mark.parametrize("n", [3, 5, 7])
def test_p_value_of_few_pearson_pairs_is_exact(n, rng):
    x, y = rng.normal(size=(2, n)) * 1e-8 + 1
    expected = stats.permutation_test(
        (y,),
        lambda order: stats.pearsonr(x, order).statistic,
        permutation_type="pairings",
        n_resamples=np.inf,
    )
    is_as_far = np.abs(expected.null_distribution) >= abs(expected.statistic) - 1e-9
    assert pearson_with_ci(x, y).p_value == pytest.approx(is_as_far.mean())


@pytest.mark.parametrize("n", [3, 4, 5, 6, 7])
def test_p_value_of_few_pairs_is_exact(n, rng):
    x, y = rng.integers(0, 5, n) + np.arange(n) / 2, rng.integers(0, 4, n) + np.arange(n) % 2
    expected = stats.permutation_test(
        (y,),
        lambda order: stats.spearmanr(x, order).statistic,
        permutation_type="pairings",
        n_resamples=np.inf,
    )
    # SciPy doubles the smaller tail, which is something else where ties make the tails differ.
    is_as_far = np.abs(expected.null_distribution) >= abs(expected.statistic) - 1e-9
    assert spearman_with_ci(x, y).p_value == pytest.approx(is_as_far.mean())


def test_p_value_of_a_perfect_correlation_is_not_zero(rng):
    for n, orders in ((6, 720), (9, 362_880), (12, 479_001_600)):
        result = spearman_with_ci(np.arange(n), -np.arange(n))
        assert (result.coefficient, result.p_value) == (-1, pytest.approx(2 / orders))


def test_p_value_of_few_pairs_is_rarely_small_by_chance(rng):
    p_values = [spearman_with_ci(*rng.normal(size=(2, 6))).p_value for _ in range(600)]
    # By Student's t it is 0.06 or more; the binomial error of 600 draws is 0.009.
    assert np.mean(np.array(p_values) <= 0.05) < 0.05 + 0.02
