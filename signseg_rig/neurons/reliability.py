"""How reproducible responses are, which limits how well any model can predict them."""

from __future__ import annotations

import numpy as np

from signseg_rig.errors import ConfigError
from signseg_rig.limits import MIN_REPEATED_IMAGES
from signseg_rig.neurons.accuracy import correlation
from signseg_rig.types import FloatArray


def split_half_reliability(trials: FloatArray, *, n_splits: int = 100, seed: int = 0) -> FloatArray:
    """Estimate the reliability of mean responses from random halves of their repeats.

    Parameters
    ----------
    trials : (n_units, n_images, n_repeats) float array
        Responses; NaN where there was no trial.
    n_splits : int
    seed : int

    Returns
    -------
    reliability : (n_units,) float array
        The share of the variance of the mean response that another session would reproduce, as
        the mean over the splits. It is at most 1, and may come out below 0, down to -1, where
        there is nothing to reproduce. NaN where fewer than 10 images have 2 repeats, or a half is
        constant in every split.

    Raises
    ------
    ConfigError
        The array has another number of axes, or holds infinite values.

    Notes
    -----
    The repeats of every image are split at random into equal halves, without one of an odd number,
    and the mean responses of both are correlated over the images (Pearson). Spearman and Brown give
    what this correlation would be for k times as many repeats, k r / (1 + (k - 1) r), and k leads
    from the halves to all repeats, as the noise goes with one over their number: k is the mean of
    1 / n_half over that of 1 / n_repeats. With even numbers it is 2, the usual 2 r / (1 + r). With
    odd ones that would tell the reliability of fewer repeats than there are, or, with a larger and
    a smaller half, too low a value: 0.549 in place of 0.556 for 5 repeats. Images with a single
    repeat are left out.

    The formula has a pole at r = -1 / (k - 1), where it says nothing any more: no split counts for
    less than -1. A split in which a half is constant, as with few spikes to few images, counts as
    one without correlation, on the safe side.

    The result is a share of *variance*. The largest correlation that a perfect model can have with
    the mean response is its square root (`correlation_ceiling`).

    References
    ----------
    Spearman 1910; Brown 1910, British Journal of Psychology 3.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> trials = rng.normal(rng.normal(size=(1, 400, 1)), 1, size=(1, 400, 4))
    >>> split_half_reliability(trials).round(1)  # variance 1 over 1 + 1/4
    array([0.8])
    """
    trials = _checked_trials(trials)
    if n_splits < 1:
        raise ConfigError(f"n_splits should be at least 1; got {n_splits}.")
    rng = np.random.default_rng(seed)
    return np.array([_unit_reliability(unit, n_splits, rng) for unit in trials])


def correlation_ceiling(reliability: FloatArray) -> FloatArray:
    """Give the largest correlation that a perfect model would reach: the root of the reliability.

    Parameters
    ----------
    reliability : (n_units,) float array

    Returns
    -------
    ceiling : (n_units,) float array
        NaN where the reliability is not above 0: there is no ceiling to speak of.
    """
    return np.sqrt(reliability, out=np.full_like(reliability, np.nan), where=reliability > 0)


def normalized_explained_variance(r: FloatArray, reliability: FloatArray) -> FloatArray:
    """Give the explained share of the variance that can be explained: r² / reliability.

    Parameters
    ----------
    r : (n_units,) float array
        Correlation of predicted and mean measured responses.
    reliability : (n_units,) float array

    Returns
    -------
    share : (n_units,) float array
        Above 1 where the ceiling was estimated too low: it is an estimate, and is not clipped. NaN
        where the reliability is not above 0. A correlation below 0 explains nothing and counts as
        0, for its square would say otherwise.
    """
    explained = np.maximum(r, 0) ** 2
    return np.divide(
        explained, reliability, out=np.full(np.shape(r), np.nan), where=reliability > 0
    )


def _unit_reliability(trials: FloatArray, n_splits: int, rng: np.random.Generator) -> float:
    """Estimate the reliability of one neuron; trials (n_images, n_repeats)."""
    n_repeats = np.isfinite(trials).sum(axis=1)
    trials, n_repeats = trials[n_repeats > 1], n_repeats[n_repeats > 1]
    if len(trials) < MIN_REPEATED_IMAGES:
        return float("nan")
    # Random keys order the repeats of each image, missing ones last.
    keys = rng.random((n_splits, *trials.shape))
    keys[:, ~np.isfinite(trials)] = np.inf
    rank = keys.argsort(axis=2).argsort(axis=2)
    n_half = n_repeats[:, None] // 2
    values = np.nan_to_num(trials)
    first = np.where(rank < n_half, values, 0).sum(axis=2)
    second = np.where((rank >= n_half) & (rank < 2 * n_half), values, 0).sum(axis=2)
    r = correlation(first / n_half[:, 0], second / n_half[:, 0])
    if np.isnan(r).all():
        return float("nan")
    r = np.nan_to_num(r)
    k = np.mean(1 / n_half) / np.mean(1 / n_repeats)
    predicted = np.divide(
        k * r, 1 + (k - 1) * r, out=np.full_like(r, -1.0), where=1 + (k - 1) * r > 0
    )
    return float(np.mean(np.maximum(predicted, -1)))


def _checked_trials(trials: FloatArray) -> FloatArray:
    trials = np.asarray(trials, dtype=np.float64)
    if trials.ndim != 3:
        raise ConfigError(
            "Trials should be (n_units, n_images, n_repeats), with NaN where there was no trial; "
            f"got the shape {trials.shape}."
        )
    if np.isinf(trials).any():
        unit, image, repeat = np.argwhere(np.isinf(trials))[0]
        raise ConfigError(
            f"Trials should be finite, or NaN; unit {unit}, image {image}, repeat {repeat} is "
            f"{trials[unit, image, repeat]}."
        )
    return trials
