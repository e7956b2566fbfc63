"""What responses to all images share within a repeat: drift of a neuron's rate over a session."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from signseg_rig.values import FloatArray

MAX_ITERATIONS = 30
TOLERANCE = 1e-6


class DriftFree(NamedTuple):
    """Mean responses as they would be without drift.

    Parameters
    ----------
    mean : (n_images,) float array
        Drift-free mean responses.
    gain : (n_images,) float array
        By how much the mean response as it was measured follows the drift-free one.
    """

    mean: FloatArray
    gain: FloatArray


def repeat_offsets(trials: FloatArray) -> tuple[FloatArray, int]:
    """Return what each repeat adds to the responses, by least squares beside the images' means.

    Parameters
    ----------
    trials : (n_images, n_repeats) float array
        NaN where there was no trial; each image has one.

    Returns
    -------
    offsets : (n_repeats,) float array
        Of mean 0 over the trials.
    n_free : int
        How many offsets the trials determine: one less than there are repeats, and fewer where
        images of several repeats do not connect all of them.
    """
    is_trial = np.isfinite(trials)
    if is_trial.all():
        offsets = trials.mean(axis=0)
        return offsets - offsets.mean(), len(offsets) - 1
    values, weight = np.where(is_trial, trials, 0), is_trial.astype(np.float64)
    n_of_image, n_of_repeat = weight.sum(axis=1), weight.sum(axis=0)
    share = weight / n_of_image[:, None]
    # The normal equations of both effects, with the images' own eliminated.
    system = np.diag(n_of_repeat) - share.T @ weight
    target = values.sum(axis=0) - share.T @ values.sum(axis=1)
    size, axes = np.linalg.eigh(system)
    is_free = size > 1e-9 * len(trials)
    axes = axes[:, is_free]
    offsets = axes @ (axes.T @ target / size[is_free])
    offsets -= n_of_repeat @ offsets / n_of_repeat.sum()
    return offsets, int(is_free.sum())


def repeat_gains(trials: FloatArray) -> FloatArray:
    """Return the factor of each repeat, of mean 1 over the trials.

    Parameters
    ----------
    trials : (n_images, n_repeats) float array, >= 0
        NaN where there was no trial; not all 0.

    Returns
    -------
    gains : (n_repeats,) float array

    Notes
    -----
    Totals by image and by repeat are matched in turn, which is the maximum of the likelihood where
    counts are Poisson with the rate of the image times the gain of the repeat.
    """
    is_trial = np.isfinite(trials)
    values, weight = np.where(is_trial, trials, 0), is_trial.astype(np.float64)
    n_of_repeat = weight.sum(axis=0)
    gains: FloatArray = np.ones(trials.shape[1])
    for _ in range(MAX_ITERATIONS):
        before = gains
        rate = _ratio(values.sum(axis=1), weight @ gains)
        gains = _ratio(values.sum(axis=0), weight.T @ rate)
        gains *= n_of_repeat.sum() / (n_of_repeat @ gains)
        if np.abs(gains - before).max() < TOLERANCE:
            break
    return gains


def drift_free_means(trials: FloatArray) -> DriftFree:
    """Estimate the mean responses that images would have if all repeats were alike.

    Parameters
    ----------
    trials : (n_images, n_repeats) float array
        NaN where there was no trial; each image has one.

    Returns
    -------
    estimate : DriftFree
        Where all images have the same repeats, their measured means: drift is common to them.

    Notes
    -----
    Of a drift that multiplies rates and one that adds to them, the one is taken that leaves the
    smaller residuals in images with several repeats; values below 0 have no gain.
    """
    is_trial = np.isfinite(trials)
    measured, n_repeats = np.nanmean(trials, axis=1), is_trial.sum(axis=1)
    unchanged = np.ones(len(trials))
    if is_trial.all():
        return DriftFree(measured, unchanged)
    offsets, _n_free = repeat_offsets(trials)
    added = np.nanmean(trials - offsets, axis=1)
    if not has_rates(trials):
        return DriftFree(added, unchanged)
    gains = repeat_gains(trials)
    gain = np.where(is_trial, gains, 0).sum(axis=1) / n_repeats
    multiplied = _ratio(measured, gain)
    several = n_repeats > 1
    with_offsets = trials - offsets - added[:, None]
    with_gains = trials - multiplied[:, None] * gains
    if _size(with_gains[several]) < _size(with_offsets[several]):
        return DriftFree(multiplied, gain)
    return DriftFree(added, unchanged)


def has_rates(trials: FloatArray) -> bool:
    """Check that values can be rates: none below 0, and not all 0."""
    return bool(np.nanmin(trials) >= 0 and np.nanmax(trials) > 0)


def _ratio(numerator: FloatArray, denominator: FloatArray) -> FloatArray:
    return np.divide(numerator, denominator, out=np.zeros_like(numerator), where=denominator > 0)


def _size(residuals: FloatArray) -> float:
    return float(np.nansum(residuals**2))
