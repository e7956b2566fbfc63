"""Correlation of pairs with a bootstrap band, and a p-value that holds for few of them."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from signseg_rig.stats.bands import check_level, percentile_band
from signseg_rig.types import FloatArray

# 9! = 362,880 orders, a third of a second.
MAX_EXACT_PAIRS = 9


@dataclass(frozen=True, slots=True)
class Correlation:
    """A correlation of pairs.

    Parameters
    ----------
    coefficient : float, in [-1, 1]
    low, high : float
        Percentile bootstrap band.
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


def spearman_with_ci(
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    *,
    rng: np.random.Generator,
    level: float = 0.95,
    n_resamples: int = 2_000,
) -> Correlation:
    """Correlate the ranks of two lists.

    Parameters
    ----------
    x, y : (n,) float array-likes
        A pair with a NaN is left out.
    rng : numpy.random.Generator
        Draws the resamples of pairs.
    level : float, in (0, 1)
        Coverage that is aimed at.
    n_resamples : int, > 0

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
    Resamples in which a side is constant have no correlation and are left out. For fewer than ten
    pairs the band is too narrow, and Student's t far off (0 for a perfect correlation), hence the
    exact p-value.

    Examples
    --------
    >>> spearman_with_ci([1, 2, 3, 4], [1, 4, 9, 16], rng=np.random.default_rng(0)).coefficient
    1.0
    """
    return _correlate(x, y, True, rng=rng, level=level, n_resamples=n_resamples)


def pearson_with_ci(
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    *,
    rng: np.random.Generator,
    level: float = 0.95,
    n_resamples: int = 2_000,
) -> Correlation:
    """Correlate two lists as they are; see `spearman_with_ci` for all else.

    Examples
    --------
    >>> pearson_with_ci([1, 2, 3, 4], [3, 5, 7, 9], rng=np.random.default_rng(0)).coefficient
    1.0
    """
    return _correlate(x, y, False, rng=rng, level=level, n_resamples=n_resamples)


def _correlate(
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    by_rank: bool,
    *,
    rng: np.random.Generator,
    level: float,
    n_resamples: int,
) -> Correlation:
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
    drawn = rng.integers(n_pairs, size=(n_resamples, n_pairs))
    resampled = _row_correlations(first[drawn], second[drawn], by_rank)
    low, high = percentile_band(resampled, level)
    coefficient = float(_row_correlations(first[None], second[None], by_rank)[0])
    if n_pairs > MAX_EXACT_PAIRS:
        p_value = _student_p_value(coefficient, n_pairs)
    else:
        p_value = _exact_p_value(first, second, by_rank)
    return Correlation(coefficient, float(low), float(high), p_value, n_pairs)


def _student_p_value(coefficient: float, n_pairs: int) -> float:
    # A beta distribution of the coefficient is Student's t of what is computed from it.
    shape = n_pairs / 2 - 1
    p_value = 2 * stats.beta.sf(abs(coefficient), shape, shape, loc=-1, scale=2)
    # Of n! orders two at least are as far from 0, a bound that Student's t does not know.
    return max(float(p_value), 2 / math.factorial(n_pairs))


def _exact_p_value(x: FloatArray, y: FloatArray, by_rank: bool) -> float:
    """Give the share of orders of y in which the correlation is at least as far from 0."""
    a, b = _centered(x, by_rank), _centered(y, by_rank)
    sums = np.abs(np.array(list(itertools.permutations(b))) @ a)
    rounding = 1e-12 * np.abs(a).sum() * np.abs(b).max()
    return float((sums >= abs(a @ b) - rounding).mean())


def _row_correlations(x: FloatArray, y: FloatArray, by_rank: bool) -> FloatArray:
    """Correlate each row; NaN where one side of a row is constant."""
    a, b = _centered(x, by_rank), _centered(y, by_rank)
    scale = np.sqrt((a**2).sum(axis=1) * (b**2).sum(axis=1))
    is_constant = (np.ptp(x, axis=1) == 0) | (np.ptp(y, axis=1) == 0)
    found: FloatArray = np.full(len(x), np.nan)
    np.divide((a * b).sum(axis=1), scale, out=found, where=~is_constant)
    # Rounding may leave a perfect correlation just beyond 1.
    return np.clip(found, -1, 1)


def _centered(values: FloatArray, by_rank: bool) -> FloatArray:
    if by_rank:
        values = stats.rankdata(values, axis=-1)
    centered: FloatArray = values - values.mean(axis=-1, keepdims=True)
    return centered
