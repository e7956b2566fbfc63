"""Correlation of pairs with an interval, and a p-value that holds for few of them."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from signseg_rig.stats.intervals import check_level
from signseg_rig.values import FloatArray

# 9! = 362,880 orders, a third of a second.
MAX_EXACT_PAIRS = 9
# Of fewer, the interval of ranks covers too much or, where they are in order, nothing else.
MIN_PAIRS_WITH_INTERVAL = 10


@dataclass(frozen=True, slots=True)
class Correlation:
    """A correlation of pairs.

    Parameters
    ----------
    coefficient : float, in [-1, 1]
    low, high : float
        Confidence interval; NaN of fewer than ten pairs, and of a perfect correlation.
    p_value : float
        Two-sided. Of up to nine pairs exact, over all orders in which they could have come; of more
        by Student's t with n - 2 degrees of freedom.
    n_pairs : int
        Pairs of which both values are known.
    """

    coefficient: float
    low: float
    high: float
    p_value: float
    n_pairs: int


def spearman_with_ci(x: npt.ArrayLike, y: npt.ArrayLike, *, level: float = 0.95) -> Correlation:
    """Correlate the ranks of two lists.

    Parameters
    ----------
    x, y : (n,) float array-likes
        A pair with a NaN is left out.
    level : float, in (0, 1)
        Coverage.

    Returns
    -------
    correlation : Correlation
        NaN with fewer than three pairs, or where all values of a side are equal.

    Raises
    ------
    ValueError
        The two are no flat lists of one length, or the level is not between 0 and 1.

    Notes
    -----
    For fewer than ten pairs Student's t is far off (0 for a perfect correlation), hence the exact
    p-value.

    The interval is Fisher's: normal on ``arctanh(r)``, with variance ``1 / (n - 3)`` of Pearson's
    and ``(1 + r**2 / 2) / (n - 3)`` of Spearman's coefficient (Bonett & Wright 2000). Measured for
    normal pairs with correlations 0, .3, .5, .7 and .9, 20,000 samples each: of Pearson's .945 to
    .953, of Spearman's .949 to .968, with 10, 14, 20 and 40 pairs. Spearman's of 5 covers .75 to
    .98, hence none below ten. Pearson's supposes that the two are normal together: with exponential
    values that correlate by .5 it covers .89.

    Examples
    --------
    >>> spearman_with_ci([1, 2, 3, 4], [1, 4, 9, 16]).coefficient
    1.0
    """
    return _correlate(x, y, True, level)


def pearson_with_ci(x: npt.ArrayLike, y: npt.ArrayLike, *, level: float = 0.95) -> Correlation:
    """Correlate two lists as they are; see `spearman_with_ci` for all else.

    Examples
    --------
    >>> pearson_with_ci([1, 2, 3, 4], [3, 5, 7, 9]).coefficient
    1.0
    """
    return _correlate(x, y, False, level)


def _correlate(x: npt.ArrayLike, y: npt.ArrayLike, by_rank: bool, level: float) -> Correlation:
    check_level(level)
    first, second = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    if first.shape != second.shape or first.ndim != 1:
        raise ValueError(
            "A correlation needs two flat lists of one length; got shapes "
            f"{first.shape} and {second.shape}."
        )
    is_known = ~(np.isnan(first) | np.isnan(second))
    first, second = first[is_known], second[is_known]
    n_pairs = first.size
    if n_pairs < 3 or np.ptp(first) == 0 or np.ptp(second) == 0:
        nan = float("nan")
        return Correlation(nan, nan, nan, nan, n_pairs)
    coefficient = _coefficient(_centered(first, by_rank), _centered(second, by_rank))
    low, high = _interval(coefficient, n_pairs, by_rank, level)
    if n_pairs > MAX_EXACT_PAIRS:
        p_value = _student_p_value(coefficient, n_pairs)
    else:
        p_value = _exact_p_value(first, second, by_rank)
    return Correlation(coefficient, low, high, p_value, n_pairs)


def _coefficient(a: FloatArray, b: FloatArray) -> float:
    # Rounding may leave a perfect correlation just beyond 1.
    return float(np.clip(a @ b / np.sqrt((a @ a) * (b @ b)), -1, 1))


def _interval(coefficient: float, n_pairs: int, by_rank: bool, level: float) -> tuple[float, float]:
    if n_pairs < MIN_PAIRS_WITH_INTERVAL or abs(coefficient) == 1:
        return float("nan"), float("nan")
    variance = (1 + coefficient**2 / 2 if by_rank else 1) / (n_pairs - 3)
    half = stats.norm.ppf((1 + level) / 2) * np.sqrt(variance)
    low, high = np.tanh(np.arctanh(coefficient) + np.array([-half, half]))
    return float(low), float(high)


def _student_p_value(coefficient: float, n_pairs: int) -> float:
    # As scipy.stats.pearsonr has it, which warns of lists that hardly vary and has no interval of
    # ranks, so that it would replace these lines alone.
    # A beta distribution of the coefficient is Student's t of what is computed from it.
    shape = n_pairs / 2 - 1
    p_value = 2 * stats.beta.sf(abs(coefficient), shape, shape, loc=-1, scale=2)
    # Of n! orders two at least are as far from 0, a bound that Student's t does not know.
    return max(float(p_value), 2 / math.factorial(n_pairs))


def _exact_p_value(x: FloatArray, y: FloatArray, by_rank: bool) -> float:
    """Return the share of orders of y in which the correlation is at least as far from 0."""
    # Not pearsonr with a PermutationMethod: it doubles the smaller tail, another p where ties make
    # the tails differ, and takes ten times as long for nine pairs.
    a, b = _centered(x, by_rank), _centered(y, by_rank)
    sums = np.abs(np.array(list(itertools.permutations(b))) @ a)
    rounding = 1e-12 * np.abs(a).sum() * np.abs(b).max()
    return float((sums >= abs(a @ b) - rounding).mean())


def _centered(values: FloatArray, by_rank: bool) -> FloatArray:
    if by_rank:
        values = stats.rankdata(values, axis=-1)
    centered: FloatArray = values - values.mean(axis=-1, keepdims=True)
    return centered
