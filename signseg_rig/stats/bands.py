"""Percentile bands of resampled statistics (Efron & Tibshirani 1993, chapter 13)."""

from __future__ import annotations

import numpy as np

from signseg_rig.types import FloatArray


def check_level(level: float) -> None:
    """Refuse what is no coverage of a confidence band.

    Raises
    ------
    ValueError
        It is not between 0 and 1.
    """
    if not 0 < level < 1:
        raise ValueError(f"The level of a confidence band lies between 0 and 1; got {level}.")


def percentile_band(resampled: FloatArray, level: float) -> tuple[float, float]:
    """Give the band that holds the share `level` of the resampled statistics; NaN is left out."""
    low, high = np.nanquantile(resampled, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
