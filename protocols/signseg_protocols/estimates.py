"""Means and differences of a few independent values, with intervals that cover what they say."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtr, stdtrit

from signseg_rig.stats import mean_interval
from signseg_rig.values import FloatArray

LEVEL = 0.95
# A mean below this many of its standard errors is not told from none.
N_ERRORS = 3.0
# Differences below this share of their terms are rounding.
ROUNDING = 1e-9
# Intervals of fewer spike counts do not cover what they say.
MIN_FOR_INTERVAL = 5


@dataclass(frozen=True, slots=True)
class Estimate:
    """An estimate and its 95 % interval; NaN where it cannot be told."""

    value: float
    low: float = math.nan
    high: float = math.nan


UNKNOWN = Estimate(math.nan)


def mean_of(values: FloatArray) -> Estimate:
    """Estimate a mean, with its `mean_interval` where there are five values or more.

    Parameters
    ----------
    values : (n,) float array, finite
    """
    if values.size == 0:
        return UNKNOWN
    value = float(values.mean())
    if values.size < MIN_FOR_INTERVAL:
        return Estimate(value)
    return Estimate(value, *mean_interval(values, level=LEVEL))


def difference(early: FloatArray, late: FloatArray) -> Estimate:
    """Estimate late less early, with Welch's 95 % interval.

    Parameters
    ----------
    early, late : (n,) float arrays, finite, of at least two values
    """
    error, df = welch(early, late)
    value = float(late.mean() - early.mean())
    half = quantile(df) * error
    return Estimate(value, value - half, value + half)


def welch(early: FloatArray, late: FloatArray) -> tuple[float, float]:
    """Return the standard error of a difference of means, and its degrees of freedom."""
    parts = [float(side.var(ddof=1)) / side.size for side in (early, late)]
    total = sum(parts)
    if total <= 0:
        return 0.0, math.inf
    shares = [(part / total) ** 2 for part in parts]
    return math.sqrt(total), 1 / (shares[0] / (early.size - 1) + shares[1] / (late.size - 1))


def p_above_0(value: float, error: float, df: float, *, scale: float) -> float:
    """Return the one-sided p-value of a t statistic; `scale` tells rounding from differences."""
    if abs(value) <= ROUNDING * scale:
        return 1.0
    if error <= ROUNDING * scale:
        return 0.0 if value > 0 else 1.0
    return float(stdtr(df, -value / error))


def is_above_0(*sides: FloatArray) -> bool:
    """Check whether the mean over all sides lies above 0 by more than noise could put it there."""
    mean = float(np.mean([side.mean() for side in sides]))
    variance = sum(float(side.var(ddof=1)) / side.size for side in sides) / len(sides) ** 2
    # Relative to the size of the scores: the last bits of a subtraction are no response.
    rounding = ROUNDING * max(float(np.abs(side).max()) for side in sides)
    return mean > max(N_ERRORS * math.sqrt(variance), rounding)


def quantile(df: float) -> float:
    """Return how many standard errors a 95 % interval reaches to either side."""
    return float(stdtrit(df, (1 + LEVEL) / 2))
