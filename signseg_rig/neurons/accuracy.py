"""How well predictions fit responses: correlation and explained variance, per neuron."""

from __future__ import annotations

import numpy as np

from signseg_rig.values import FloatArray


def correlation(predicted: FloatArray, measured: FloatArray) -> FloatArray:
    """Correlate predicted and measured responses (Pearson).

    Parameters
    ----------
    predicted, measured : (..., n_images) float arrays

    Returns
    -------
    r : (...) float array
        NaN where one of both is constant: nothing can be said then, and 0 would say something.
    """
    x = predicted - predicted.mean(axis=-1, keepdims=True)
    y = measured - measured.mean(axis=-1, keepdims=True)
    lengths = np.linalg.norm(x, axis=-1) * np.linalg.norm(y, axis=-1)
    # What is left of a constant by rounding is no variation.
    scale = np.abs(predicted).max(axis=-1, initial=0) * np.abs(measured).max(axis=-1, initial=0)
    varies = lengths > 1e-14 * scale * predicted.shape[-1]
    together = (x * y).sum(axis=-1)
    return np.divide(together, lengths, out=np.full(lengths.shape, np.nan), where=varies)


def explained_variance(predicted: FloatArray, measured: FloatArray) -> FloatArray:
    """Return the share of the responses' variance that predictions explain: 1 - SSE / SST.

    Parameters
    ----------
    predicted, measured : (..., n_images) float arrays

    Returns
    -------
    r2 : (...) float array
        Below 0 where the mean response would have been the better prediction; NaN where the
        response is constant.
    """
    error = ((measured - predicted) ** 2).sum(axis=-1)
    total = ((measured - measured.mean(axis=-1, keepdims=True)) ** 2).sum(axis=-1)
    share = np.divide(error, total, out=np.full(total.shape, np.nan), where=total > 0)
    return 1 - share
