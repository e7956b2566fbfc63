"""The smallest p that so few observations can give is that of all their orders enumerated."""

import itertools

import numpy as np
import pytest
from scipy import stats

from signseg_rig.stats import (
    adjust_fdr,
    paired_test,
    smallest_correlation_p,
    smallest_signed_rank_p,
    spearman_with_ci,
    why_not_significant,
)


@pytest.mark.parametrize("n", range(1, 9))
def test_no_signs_of_pairs_give_a_smaller_p(n):
    sizes = np.arange(1.0, n + 1)
    signs = itertools.product([-1, 1], repeat=n)
    smallest = min(stats.wilcoxon(sizes * one, method="exact").pvalue for one in signs)
    assert smallest_signed_rank_p(n) == pytest.approx(smallest)
    assert paired_test(sizes, np.zeros(n)).smallest_p == smallest_signed_rank_p(n)


@pytest.mark.parametrize("n", range(3, 7))
def test_no_order_of_pairs_gives_a_smaller_p(n):
    orders = itertools.permutations(range(n))
    smallest = min(spearman_with_ci(range(n), order).p_value for order in orders)
    assert smallest_correlation_p(n) == pytest.approx(smallest)
    assert smallest_correlation_p(1000) == 0


@pytest.mark.parametrize(
    ("n_units", "n_tests", "said"),
    [
        (5, 1, "too few: no outcome has p below 0.0625"),
        (6, 1, ""),
        (6, 6, "few: q can be 0.05 only where 4 of the 6 tests have the smallest p"),
        (10, 20, ""),
        (10, 30, "few: q can be 0.05 only where 2 of the 30 tests"),
        (0, 3, "too few: no outcome has p below 1"),
        (5, 0, ""),
    ],
)
def test_says_what_units_and_tests_leave_possible(n_units, n_tests, said):
    found = why_not_significant(smallest_signed_rank_p(n_units), n_tests)
    assert found.startswith(said)
    assert bool(found) == bool(said)


@pytest.mark.parametrize(("n_units", "n_tests"), [(6, 6), (7, 10), (8, 20), (6, 2)])
def test_as_many_tests_as_it_says_are_significant_and_one_less_is_not(n_units, n_tests):
    smallest = smallest_signed_rank_p(n_units)
    words = why_not_significant(smallest, n_tests)
    n_needed = int(words.split(" of the ")[0].split()[-1])

    def lowest_q(n_smallest):
        return adjust_fdr([smallest] * n_smallest + [1.0] * (n_tests - n_smallest)).min()

    assert lowest_q(n_needed) <= 0.05 < lowest_q(n_needed - 1)
