"""Area between curves, such as those over the strength of an ablation."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from signseg_rig.types import FloatArray


def area_between_curves(x: npt.ArrayLike, a: npt.ArrayLike, b: npt.ArrayLike) -> FloatArray:
    """Integrate ``a - b`` over x by the trapezoidal rule.

    Parameters
    ----------
    x : (n_points,) float array-like, increasing
    a, b : (..., n_points) float array-likes
        Curves, one per unit say. They are compared point by point, so that where they cross the
        areas on both sides cancel.

    Returns
    -------
    area : (...) float array, in units of x times units of the curves
        NaN where a point of a curve is NaN.

    Raises
    ------
    ValueError
        There are fewer than two points, x does not increase, or the shapes do not fit together.

    Examples
    --------
    >>> float(area_between_curves([0, 0.5, 1], [1, 1, 1], [1, 0.5, 0]))
    0.5
    """
    points = np.asarray(x, dtype=float)
    if points.ndim != 1 or points.size < 2 or not (np.diff(points) > 0).all():
        raise ValueError(
            f"The area between curves needs a flat list of at least two increasing x; got {x!r}."
        )
    first, second = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    if first.shape != second.shape or first.shape[-1:] != points.shape:
        raise ValueError(
            f"Curves over {points.size} points need one shape that ends in {points.size}; got "
            f"{first.shape} and {second.shape}."
        )
    area: FloatArray = np.asarray(np.trapezoid(first - second, points, axis=-1))
    return area
