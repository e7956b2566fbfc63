"""Two curves that were measured at points of their own, compared at the same places."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from signseg_rig.values import FloatArray

MIN_POINTS = 2


def differences_at(
    x_a: npt.ArrayLike, a: npt.ArrayLike, x_b: npt.ArrayLike, b: npt.ArrayLike, at: npt.ArrayLike
) -> FloatArray:
    """Return ``a - b`` at the same x, between measured points by linear interpolation.

    Parameters
    ----------
    x_a, a : (n_a,) float array-likes
        The points of a curve, x not decreasing. Of points of one x the first counts.
    x_b, b : (n_b,) float array-likes
        Those of the other.
    at : (n,) float array-like
        Where they are compared.

    Returns
    -------
    differences : (n,) float array
        NaN beyond the end of either curve, and next to a point that is NaN.

    Raises
    ------
    ValueError
        A curve has fewer than two points, or x decreases.

    Examples
    --------
    >>> differences_at([0, 2], [0, 2], [0, 1, 4], [0, 0, 3], at=[1, 2, 3])
    array([ 1.,  1., nan])
    """
    places = np.asarray(at, dtype=float)
    first, second = (_at(*_points(x, y), places) for x, y in ((x_a, a), (x_b, b)))
    return first - second


def mean_difference(
    x_a: npt.ArrayLike, a: npt.ArrayLike, x_b: npt.ArrayLike, b: npt.ArrayLike
) -> float:
    """Return the mean of ``a - b`` over the x that both curves reach.

    Parameters
    ----------
    x_a, a, x_b, b : float array-likes
        See `differences_at`.

    Returns
    -------
    difference : float, in units of the curves
        The area between the curves, each linear between its points, over the common stretch of x,
        divided by the length of that. Where they cross the areas on both sides cancel. NaN where a
        point is NaN, or there is no common stretch.

    Examples
    --------
    >>> mean_difference([0, 2], [0, 2], [0, 1, 4], [0, 0, 3])
    0.75
    """
    (first_x, _), (second_x, _) = _points(x_a, a), _points(x_b, b)
    low, high = max(first_x[0], second_x[0]), min(first_x[-1], second_x[-1])
    if not low < high:
        return float("nan")
    # Both are linear between neighbours of these, so that trapezoids are exact.
    knots = np.union1d(first_x, second_x)
    knots = np.union1d(knots[(knots > low) & (knots < high)], [low, high])
    differences = differences_at(x_a, a, x_b, b, knots)
    return float(np.trapezoid(differences, knots) / (high - low))


def _points(x: npt.ArrayLike, y: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    places, values = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    if places.ndim != 1 or places.shape != values.shape or places.size < MIN_POINTS:
        raise ValueError(
            f"A curve needs {MIN_POINTS} points or more, a value at each; got x of shape "
            f"{places.shape} and values of shape {values.shape}."
        )
    if not (np.diff(places) >= 0).all():
        raise ValueError(f"The x of a curve should not decrease; got {places.tolist()}.")
    kept, index = np.unique(places, return_index=True)
    return kept, values[index]


def _at(x: FloatArray, y: FloatArray, places: FloatArray) -> FloatArray:
    return np.interp(places, x, y, left=np.nan, right=np.nan)
