"""Paired comparison of two conditions of the same units."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from signseg_rig.stats.attainable import smallest_signed_rank_p
from signseg_rig.stats.intervals import mean_interval
from signseg_rig.values import FloatArray


@dataclass(frozen=True, slots=True)
class PairedTest:
    """The outcome of a paired test of ``a - b``.

    Parameters
    ----------
    n_pairs : int
        Pairs of which both values are known.
    n_untied : int
        Those whose values differ; the test is about these.
    difference : float, in units of the values
        Mean of ``a - b``.
    difference_band : (low, high)
        Interval of the mean difference, see `mean_interval`; NaN where there is none.
    p_value : float
        Two-sided, of the Wilcoxon signed-rank test; 1 where no pair differs.
    rank_biserial : float, in [-1, 1]
        Share of the rank sum with ``a > b`` less the share with ``a < b``; 0 where no pair differs.
    """

    n_pairs: int
    n_untied: int
    difference: float
    difference_band: tuple[float, float]
    p_value: float
    rank_biserial: float

    @property
    def smallest_p(self) -> float:
        """The smallest p that so many pairs can give, whatever their values."""
        return smallest_signed_rank_p(self.n_untied)


def paired_test(a: npt.ArrayLike, b: npt.ArrayLike, *, level: float = 0.95) -> PairedTest:
    """Test whether two conditions of the same units differ.

    Parameters
    ----------
    a, b : (n,) float array-likes
        One value per unit in each condition. A pair with a NaN is left out.
    level : float, in (0, 1)
        Coverage of the interval.

    Returns
    -------
    test : PairedTest
        NaN where no pair is known.

    Raises
    ------
    ValueError
        The two are no flat lists of one length, or hold an infinite value.

    Notes
    -----
    Pairs are the independent observations: give one value per unit, such as the mean over its
    repeats. Pairs without a difference do not enter the test (Wilcoxon 1945). Without ties among
    the differences p is exact up to 50 pairs; with ties it is exact up to 13, beyond it rests on
    the normal approximation. The effect size is the matched-pairs rank-biserial correlation (Kerby
    2014).

    Examples
    --------
    >>> test = paired_test([2, 4, 6, 8, 9], [1, 2, 3, 4, 4])
    >>> test.n_pairs, test.p_value, test.smallest_p, test.rank_biserial
    (5, 0.0625, 0.0625, 1.0)
    """
    differences = _differences(a, b)
    untied = differences[differences != 0]
    return PairedTest(
        n_pairs=differences.size,
        n_untied=untied.size,
        difference=float(differences.mean()) if differences.size else float("nan"),
        difference_band=mean_interval(differences, level=level),
        p_value=_p_value(differences, untied),
        rank_biserial=_rank_biserial(untied) if differences.size else float("nan"),
    )


def _differences(a: npt.ArrayLike, b: npt.ArrayLike) -> FloatArray:
    first, second = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    if first.shape != second.shape or first.ndim != 1:
        raise ValueError(
            "A paired test needs two flat lists of one length, a value per unit in each; got "
            f"shapes {first.shape} and {second.shape}."
        )
    if np.isinf(first).any() or np.isinf(second).any():
        raise ValueError("A paired test needs values that are finite or NaN; one is infinite.")
    differences: FloatArray = first - second
    known: FloatArray = differences[~np.isnan(differences)]
    return known


def _p_value(differences: FloatArray, untied: FloatArray) -> float:
    if untied.size == 0:
        return 1.0 if differences.size else float("nan")
    return float(stats.wilcoxon(untied).pvalue)


def _rank_biserial(untied: FloatArray) -> float:
    """Return (W+ - W-) / (W+ + W-), of which SciPy's two-sided test gives the smaller W alone."""
    if untied.size == 0:
        return 0.0
    ranks = stats.rankdata(np.abs(untied))
    return float((np.sign(untied) * ranks).sum() / ranks.sum())
