"""Whether neighbours in the order of images are alike, which a shuffle would not know of."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from signseg_rig.values import FloatArray, IntArray

MAX_LAG = 5
N_SHUFFLES = 199


class OrderAutocorrelation(NamedTuple):
    """How alike neighbours are.

    Parameters
    ----------
    value : float
        Mean autocorrelation over the first lags and all columns; NaN where nothing varies.
    p_value : float
        That neighbours are as alike by chance.
    """

    value: float
    p_value: float


def order_autocorrelation(values: FloatArray, *, seed: int = 0) -> OrderAutocorrelation:
    """Estimate how slowly values vary over the order of images.

    Parameters
    ----------
    values : (n_images, n_columns) float array
        Features, or the responses of neurons.
    seed : int
        Of the shuffles of the test.

    Returns
    -------
    autocorrelation : OrderAutocorrelation

    Notes
    -----
    The mean over lags 1 to 5 (to a tenth of the images, if that is less). Columns count by their
    variance, so features of a network as their principal components do; standardise responses to
    count them alike. The test is one-sided, against 199 random orders.
    """
    centered = values - values.mean(axis=0)
    # From products of images: there may be many times as many features.
    gram = centered @ centered.T
    n_images, total = len(gram), float(np.trace(gram))
    if not total > 0:
        return OrderAutocorrelation(float("nan"), float("nan"))
    n_lags = max(1, min(MAX_LAG, n_images // 10))
    rng = np.random.default_rng(seed)
    orders = [np.arange(n_images), *(rng.permutation(n_images) for _ in range(N_SHUFFLES))]
    found, *null = (_mean_over_lags(gram, order, n_lags) for order in orders)
    n_reaching = sum(one >= found for one in null)
    return OrderAutocorrelation(found * n_images / total, (1 + n_reaching) / (1 + N_SHUFFLES))


def _mean_over_lags(gram: FloatArray, order: IntArray, n_lags: int) -> float:
    return float(np.mean([gram[order[lag:], order[:-lag]].mean() for lag in range(1, n_lags + 1)]))
