"""Correction of p-values for their number."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.stats import false_discovery_control

from signseg_rig.values import FloatArray


def adjust_fdr(p_values: npt.ArrayLike) -> FloatArray:
    """Correct p-values for their number (Benjamini & Hochberg 1995).

    Parameters
    ----------
    p_values : float array-like of any shape
        All of one family, such as the tests at every strength. NaN marks a test that could not be
        made: it stays, and does not count.

    Returns
    -------
    q_values : float array of the same shape
        Rejecting those up to q keeps the expected share of false rejections at or below q, for
        tests that are independent or positively dependent.

    Raises
    ------
    ValueError
        A value is not between 0 and 1.

    Examples
    --------
    >>> adjust_fdr([0.01, 0.04, 0.03, np.nan])
    array([0.03, 0.04, 0.04,  nan])
    """
    values = np.asarray(p_values, dtype=float)
    q_values: FloatArray = np.full(values.shape, np.nan)
    # SciPy refuses NaN.
    is_known = ~np.isnan(values)
    if is_known.any():
        q_values[is_known] = false_discovery_control(values[is_known])
    return q_values
