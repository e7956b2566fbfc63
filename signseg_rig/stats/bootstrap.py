"""Bootstrap confidence band of a mean."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from signseg_rig.stats.bands import check_level, percentile_band


def bootstrap_mean_band(
    values: npt.ArrayLike,
    *,
    rng: np.random.Generator,
    level: float = 0.95,
    n_resamples: int = 2_000,
) -> tuple[float, float]:
    """Give the percentile bootstrap band of a mean.

    Parameters
    ----------
    values : (n,) float array-like
        Independent observations, such as the scores of the images of one generation. NaN marks
        an image without a score and is left out.
    rng : numpy.random.Generator
        Draws the resamples.
    level : float, in (0, 1)
        Coverage that is aimed at.
    n_resamples : int, > 0

    Returns
    -------
    low, high : float, in units of `values`
        NaN where fewer than two values are left: one value says nothing about its spread.

    Raises
    ------
    ValueError
        The level is not between 0 and 1, a value is infinite, or they are not a flat list.

    Notes
    -----
    The percentile interval (Efron & Tibshirani 1993, chapter 13) is too narrow for few values, by
    a factor of about ``sqrt((n - 1) / n)``. For the curve of one evolution the band speaks of the
    images within a generation, not of how another evolution would go.

    Examples
    --------
    >>> low, high = bootstrap_mean_band([1.0, 2.0, 3.0], rng=np.random.default_rng(0))
    >>> 1.0 <= low < 2.0 < high <= 3.0
    True
    """
    check_level(level)
    array = np.asarray(values, dtype=float)
    if array.ndim != 1 or np.isinf(array).any():
        raise ValueError(
            f"A bootstrap band needs a flat list of values, finite or NaN; got {values!r}."
        )
    valid = array[~np.isnan(array)]
    if valid.size < 2:
        return float("nan"), float("nan")
    means = valid[rng.integers(valid.size, size=(n_resamples, valid.size))].mean(axis=1)
    return percentile_band(means, level)
