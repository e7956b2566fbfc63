"""Rank correlation with a bootstrap band."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from signseg_rig.types import FloatArray

# 9! = 362,880 orders, a third of a second.
MAX_EXACT_PAIRS = 9


@dataclass(frozen=True, slots=True)
class RankCorrelation:
    """Spearman's correlation of pairs.

    Parameters
    ----------
    rho : float, in [-1, 1]
    low, high : float
        Percentile bootstrap band.
    p_value : float
        Two-sided. Of up to nine pairs exact, over all orders in which they could have come; of more
        by Student's t with n - 2 degrees of freedom.
    n_pairs : int
        Pairs of which both values are known.
    """

    rho: float
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
) -> RankCorrelation:
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
    correlation : RankCorrelation
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
    >>> spearman_with_ci([1, 2, 3, 4], [1, 4, 9, 16], rng=np.random.default_rng(0)).rho
    1.0
    """
    if not 0 < level < 1:
        raise ValueError(f"The level of a confidence band lies between 0 and 1; got {level}.")
    first, second = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    if first.shape != second.shape or first.ndim != 1:
        raise ValueError(
            "A rank correlation needs two flat lists of one length; got shapes "
            f"{first.shape} and {second.shape}."
        )
    is_known = ~(np.isnan(first) | np.isnan(second))
    first, second = first[is_known], second[is_known]
    n_pairs = first.size
    if n_pairs < 3 or np.ptp(first) == 0 or np.ptp(second) == 0:
        nan = float("nan")
        return RankCorrelation(nan, nan, nan, nan, n_pairs)
    observed = stats.spearmanr(first, second)
    drawn = rng.integers(n_pairs, size=(n_resamples, n_pairs))
    resampled = _rank_correlations(first[drawn], second[drawn])
    low, high = np.nanquantile(resampled, [(1 - level) / 2, (1 + level) / 2])
    # Rounding may leave a perfect correlation just beyond 1.
    rho = float(np.clip(observed.statistic, -1, 1))
    if n_pairs > MAX_EXACT_PAIRS:
        # Of n! orders two at least are as far from 0; Student's t knows no such bound.
        p_value = max(float(observed.pvalue), 2 / math.factorial(n_pairs))
    else:
        p_value = _exact_p_value(first, second)
    return RankCorrelation(rho, float(low), float(high), p_value, n_pairs)


def _exact_p_value(x: FloatArray, y: FloatArray) -> float:
    """Give the share of orders of y in which the correlation is at least as far from 0."""
    a, b = (stats.rankdata(side) - (len(side) + 1) / 2 for side in (x, y))
    # Ranks are halves at most: quarters add up without rounding.
    sums = np.array(list(itertools.permutations(b))) @ a
    return float((np.abs(sums) >= abs(a @ b)).mean())


def _rank_correlations(x: FloatArray, y: FloatArray) -> FloatArray:
    """Correlate the ranks of each row; NaN where a row is constant."""
    ranks = [stats.rankdata(side, axis=1) for side in (x, y)]
    a, b = (side - side.mean(axis=1, keepdims=True) for side in ranks)
    scale = np.sqrt((a**2).sum(axis=1) * (b**2).sum(axis=1))
    rho: FloatArray = np.full(len(x), np.nan)
    np.divide((a * b).sum(axis=1), scale, out=rho, where=scale > 0)
    return rho
