"""The Dale index: how far the weights of a channel are of one sign."""

from __future__ import annotations

import numpy as np

from signseg_rig.errors import ConfigError
from signseg_rig.values import FloatArray

Axis = int | tuple[int, ...]


def dale_index(weights: FloatArray, *, axis: Axis) -> FloatArray:
    """Return the larger of the shares of positive and negative weights.

    Parameters
    ----------
    weights : float array of any shape
    axis : int or tuple of int
        The axes over which weights are counted. Of a linear layer ``(n_out, n_in)``, axis 0 gives
        the index of each input channel over its outgoing weights, and axis 1 that of each output
        unit over its incoming weights; of a convolution ``(n_out, n_in, height, width)`` the axes
        (0, 2, 3) and (1, 2, 3) do. Name the direction in every result.

    Returns
    -------
    index : float array, without these axes
        From 0.5 for as many of either sign to 1 for one sign only; NaN where all weights are 0.

    Raises
    ------
    ConfigError
        A weight is not finite.

    Notes
    -----
    D = max(p₊, p₋), where p₊ and p₋ are the shares of the positive and negative among the weights
    that are not exactly 0. Report `zero_fraction` beside it. Even of weights of random signs the
    index is above 0.5, the more the fewer there are: compare it with the same layer initialised
    anew.

    Examples
    --------
    >>> dale_index(np.array([[1.0, 2.0, 3.0, -1.0], [1.0, -1.0, 0.0, 0.0]]), axis=1)
    array([0.75, 0.5 ])
    """
    weights = checked_weights(weights)
    n_positive = np.count_nonzero(weights > 0, axis=axis)
    n_negative = np.count_nonzero(weights < 0, axis=axis)
    n_signed = np.asarray(n_positive + n_negative)
    larger = np.maximum(n_positive, n_negative)
    return np.divide(larger, n_signed, out=np.full(n_signed.shape, np.nan), where=n_signed > 0)


def zero_fraction(weights: FloatArray, *, axis: Axis) -> FloatArray:
    """Return the share of weights that are exactly 0, and so of neither sign; see `dale_index`."""
    return np.asarray(np.mean(checked_weights(weights) == 0, axis=axis))


def checked_weights(weights: FloatArray) -> FloatArray:
    """Return weights as an array, or say which is not finite.

    Raises
    ------
    ConfigError
    """
    weights = np.asarray(weights)
    if weights.dtype.kind != "f":
        weights = weights.astype(np.float64)
    if not np.isfinite(weights).all():
        first = tuple(int(index) for index in np.argwhere(~np.isfinite(weights))[0])
        raise ConfigError(
            f"Weights should be finite; that at {first} of {weights.shape} is {weights[first]}."
        )
    return weights
