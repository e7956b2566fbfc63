"""What so few observations can show at all: the smallest p, and how many tests must reach it."""

from __future__ import annotations

import math

ALPHA = 0.05


def smallest_signed_rank_p(n_untied: int) -> float:
    """Return the smallest two-sided p of a signed-rank test of so many pairs that differ.

    It is that of all pairs differing in one direction, ``2 / 2**n``: 0.0625 for 5 pairs.

    Examples
    --------
    >>> smallest_signed_rank_p(5)
    0.0625
    """
    return min(1.0, 2.0 ** (1 - n_untied)) if n_untied else 1.0


def smallest_correlation_p(n_pairs: int) -> float:
    """Return the smallest two-sided p of a permutation test of a correlation.

    Of n! orders two are at least as far from 0: the pairs in order, and in reverse. For 4 networks
    it is 0.083.

    Examples
    --------
    >>> round(smallest_correlation_p(4), 3)
    0.083
    """
    return min(1.0, 2 / math.factorial(n_pairs)) if n_pairs < 150 else 0.0


def why_not_significant(smallest_p: float, n_tests: int, *, alpha: float = ALPHA) -> str:
    """Say what the number of observations and of tests leaves possible.

    Parameters
    ----------
    smallest_p : float
        That any outcome of a test can give.
    n_tests : int
        Over how many tests it is corrected (Benjamini & Hochberg): with k of m tests at the
        smallest p their q is ``p * m / k``.
    alpha : float
        Up to which q something counts as significant.

    Returns
    -------
    words : str
        Empty where a single test can be significant.

    Examples
    --------
    >>> why_not_significant(0.0625, 6)
    'too few: no outcome has p below 0.0625'
    >>> why_not_significant(0.031, 6)
    'few: q can be 0.05 only where 4 of the 6 tests have the smallest p, 0.031'
    >>> why_not_significant(0.002, 6)
    ''
    """
    if math.isnan(smallest_p) or n_tests < 1:
        return ""
    if smallest_p > alpha:
        return f"too few: no outcome has p below {smallest_p:.3g}"
    # Rounding must not turn exactly k tests into k + 1.
    n_needed = math.ceil(smallest_p * n_tests / alpha - 1e-9)
    if n_needed > 1:
        return (
            f"few: q can be {alpha:g} only where {n_needed} of the {n_tests} tests have the "
            f"smallest p, {smallest_p:.3g}"
        )
    return ""
