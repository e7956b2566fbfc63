import itertools

import numpy as np
import pytest
from scipy import stats

from signseg_rig.stats import paired_test


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def enumerated_p(differences):
    """All signs of the differences, the textbook way."""
    ranks = stats.rankdata(np.abs(differences))
    centre = ranks.sum() / 2
    observed = abs(ranks[differences > 0].sum() - centre)
    signs = itertools.product([False, True], repeat=len(ranks))
    sums = np.array([ranks[np.array(one)].sum() for one in signs])
    return np.mean(np.abs(sums - centre) >= observed - 1e-9)


def test_p_is_that_of_all_signs_enumerated(rng):
    a, b = rng.normal(0.5, 1, 9), rng.normal(0, 1, 9)
    assert paired_test(a, b).p_value == pytest.approx(enumerated_p(a - b))


def test_p_is_exact_for_tied_differences_too():
    a, b = np.array([3, 4, 5, 6, 2, 2, 9, 7]), np.array([2, 3, 4, 4, 4, 3, 8, 9])
    assert paired_test(a, b).p_value == pytest.approx(enumerated_p(a - b))


def test_effect_size_is_the_rank_sums_compared():
    # Differences 1, -2, 3, 4: ranks 1, 2, 3, 4; (1 + 3 + 4 - 2) / 10.
    test = paired_test([1, 0, 3, 4], [0, 2, 0, 0])
    assert test.rank_biserial == pytest.approx(0.6)
    assert (test.n_pairs, test.n_untied) == (4, 4)
    assert test.difference == pytest.approx(1.5)


def test_pairs_without_difference_enter_neither_test_nor_effect():
    with_ties = paired_test([1, 0, 3, 4, 7, 7], [0, 2, 0, 0, 7, 7])
    without = paired_test([1, 0, 3, 4], [0, 2, 0, 0])
    assert with_ties.p_value == without.p_value
    assert with_ties.rank_biserial == pytest.approx(without.rank_biserial)
    assert (with_ties.n_pairs, with_ties.n_untied) == (6, 4)


def test_sides_exchanged_change_the_sign_only(rng):
    a, b = rng.normal(size=12), rng.normal(size=12)
    one, other = paired_test(a, b), paired_test(b, a)
    assert one.p_value == pytest.approx(other.p_value)
    assert one.rank_biserial == pytest.approx(-other.rank_biserial)


def test_pairs_with_nan_are_left_out():
    test = paired_test([1, np.nan, 3, 5], [0, 1, np.nan, 3])
    assert (test.n_pairs, test.difference) == (2, 1.5)


def test_no_pairs_and_no_differences():
    nothing = paired_test([], [])
    assert nothing.n_pairs == 0
    assert np.isnan([nothing.p_value, nothing.difference, nothing.rank_biserial]).all()
    same = paired_test([1, 2, 3], [1, 2, 3])
    assert (same.p_value, same.rank_biserial, same.difference) == (1.0, 0.0, 0.0)
    assert np.isnan(same.difference_band).all()


@pytest.mark.parametrize("bad", [([1, 2], [1]), ([[1]], [[2]]), ([np.inf], [1])])
def test_refuses_what_is_not_paired(bad):
    with pytest.raises(ValueError, match="paired test"):
        paired_test(*bad)


def test_rejects_at_the_nominal_level_and_bands_cover():
    rng = np.random.default_rng(3)
    n_runs, n_units, shift = 400, 20, 0.4
    p_values, n_covering = [], 0
    for _ in range(n_runs):
        unit = rng.normal(0, 3, n_units)  # what both conditions share
        a, b = unit + rng.normal(0, 1, n_units), unit + rng.normal(0, 1, n_units)
        p_values.append(paired_test(a, b).p_value)
        low, high = paired_test(a + shift, b).difference_band
        n_covering += low <= shift <= high
    standard_error = np.sqrt(0.05 * 0.95 / n_runs)
    assert np.mean(np.array(p_values) <= 0.05) == pytest.approx(0.05, abs=3.5 * standard_error)
    assert n_covering / n_runs == pytest.approx(0.95, abs=3.5 * standard_error)


def test_finds_an_effect_that_unit_differences_would_hide():
    rng = np.random.default_rng(4)
    unit = rng.normal(0, 10, 20)
    test = paired_test(unit + 1 + rng.normal(0, 0.5, 20), unit)
    assert test.p_value < 0.001
    assert test.rank_biserial > 0.5
    assert test.difference_band[0] > 0.5
    assert stats.ranksums(unit + 1, unit).pvalue > 0.5
