"""How reproducible responses are, which limits how well any model can predict them."""

from __future__ import annotations

from itertools import combinations
from math import comb

import numpy as np

from signseg_rig.errors import ConfigError
from signseg_rig.limits import MIN_REPEATED_IMAGES
from signseg_rig.neurons.repeat_effects import drift_free_means, has_rates, repeat_offsets
from signseg_rig.values import BoolArray, FloatArray

# A regression over fewer images leaves no residuals to speak of.
MIN_SPLIT_IMAGES = 4


def split_half_reliability(trials: FloatArray, *, n_splits: int = 100, seed: int = 0) -> FloatArray:
    """Estimate the reliability of mean responses from halves of the repeats.

    Parameters
    ----------
    trials : (n_units, n_images, n_repeats) float array
        Responses; NaN where there was no trial. Repeat j of all images should be trials of about
        the same time, such as the j-th pass through the images: what drifts between them is told
        apart from noise by that.
    n_splits : int
        At most so many; all different ones where there are no more.
    seed : int

    Returns
    -------
    reliability : (n_units,) float array
        The share of the variance of the mean responses, over all images, that is due to the images:
        what a model that knows the tuning exactly explains. It may come out below 0, down to -1,
        where there is nothing to reproduce. NaN where fewer than 10 images have 2 repeats, or mean
        responses are all the same.

    Raises
    ------
    ConfigError
        The array has another number of axes, or holds infinite values.

    Notes
    -----
    The same repeats of all images are one half, so that a rise or fall of the rate from repeat to
    repeat is common to all images of a half. (If the halves of each image were drawn on their own,
    it would count as noise, and anti-correlated at that: with 2 repeats whose gain differs by
    exp(+-0.4), a reliability of 0.53 comes out as -0.01.) Over the images, the difference of the
    halves' means is regressed on their common mean. Its slope is the difference of the halves'
    gains, and what is left over is noise: the variance of a trial, sigma^2, as the mean over the
    splits. An image of n_i trials has the noise sigma^2 / n_i in its mean response, and

        reliability = 1 - mean(sigma^2 / n_i) / variance of the mean responses.

    With equal numbers of repeats this is the coefficient of Angoff and Feldt for halves of
    different length, 4 cov(A, B) / (var(A + B) - (var(A) - var(B))^2 / var(A + B)), exact where the
    variance of noise goes with the mean; and with halves of equal variance it is Spearman and
    Brown's 2 r / (1 + r).

    Images with fewer repeats count with the noise that they have, which is estimated in the images
    with several: in proportion to the mean response where no response is below 0 (spikes), else as
    the same for all. The images with one repeat have to be noisy in the same way, which their
    trials cannot tell. Where repeats are unequal, drift moves the mean responses of images apart;
    it is estimated from the images with several repeats, as a gain or an offset of each repeat, and
    the result is the squared correlation of the drift-free tuning with the mean responses as they
    are.

    Measured with Poisson spikes (160 images, 150 ms, 10 Hz, tuning of SD 5 Hz, median of 200
    neurons; r^2 of the true rates over the reliability, which should be 1): with 2, 3, 4 and 10
    repeats 1.02, 1.02, 1.00, 1.01 where a gain drifts by exp(+-0.4), 0.96, 0.99, 1.01, 1.00 where
    an offset does, and 1.05, 1.02, 1.01, 1.00 without drift; with 40 images of 10 repeats and 120
    of one 0.97 to 1.04. At 30 Hz all are within 0.02 of 1. Single neurons scatter much more where
    repeats are few (`noise_ceiling` tells by how much).

    Where trials of one repeat were not shown at about the same time, drift is noise, and counts as
    such. With 2 repeats nothing but their variances tells a gain from noise: noise that does not
    grow with the rate hides part of it (gain exp(+-0.4): 1.1 in place of 1).

    The result is a share of *variance*. The largest correlation that a perfect model can have with
    the mean response is its square root (`correlation_ceiling`).

    References
    ----------
    Spearman 1910; Brown 1910, British Journal of Psychology 3. Feldt 1975, Psychometrika 40:557.

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
    return np.array([_unit_reliability(unit, n_splits, seed) for unit in trials])


def correlation_ceiling(reliability: FloatArray) -> FloatArray:
    """Return the largest correlation that a perfect model would reach: the root of the reliability.

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
    """Return the explained share of the variance that can be explained: r² / reliability.

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


def _unit_reliability(trials: FloatArray, n_splits: int, seed: int) -> float:
    """Estimate the reliability of one neuron; trials (n_images, n_repeats)."""
    is_trial = np.isfinite(trials)
    trials = trials[is_trial.any(axis=1)][:, is_trial.any(axis=0)]
    n_trials = np.isfinite(trials).sum(axis=1)
    if (n_trials > 1).sum() < MIN_REPEATED_IMAGES:
        return float("nan")
    mean = np.nanmean(trials, axis=1)
    variance = mean.var(ddof=1)
    # What is left of a constant by rounding is no variation.
    if variance <= (1e-14 * np.abs(mean).max()) ** 2:
        return float("nan")
    relative = mean / mean.mean() if has_rates(trials) else np.ones(len(mean))
    halves = _draw_halves(trials.shape[1], n_splits, np.random.default_rng(seed))
    noise = _trial_variance(trials, relative, halves) * relative / n_trials
    if (n_trials == trials.shape[1]).all():
        return float(max(1 - noise.mean() / variance, -1))
    tuning, gain = drift_free_means(trials)
    signal = tuning.var(ddof=1) - (noise / gain**2).mean()
    if not signal > 0:
        return float(max(signal / variance, -1))
    shared = np.cov(tuning, mean)[0, 1] - (noise / gain).mean()
    return float(max(shared * abs(shared) / (signal * variance), -1))


def _trial_variance(trials: FloatArray, relative: FloatArray, halves: BoolArray) -> float:
    """Estimate the noise variance of a trial of the mean image, as the mean over splits.

    Parameters
    ----------
    trials : (n_images, n_repeats) float array
    relative : (n_images,) float array
        Of mean 1: the noise of an image relative to that of the mean image.
    halves : (n_splits, n_repeats) bool array
    """
    is_trial = np.isfinite(trials)
    # Half means of images that lack some of the repeats are not to differ by these repeats' drift.
    values = np.where(is_trial, trials - repeat_offsets(trials)[0], 0)
    n_all = is_trial.sum(axis=1)[:, None]
    n_first = is_trial.astype(np.float64) @ halves.T
    n_second = n_all - n_first
    weight = n_first * n_second / n_all  # one over the noise of the difference; 0 lacks a half
    n_images = (weight > 0).sum(axis=0)
    total, first = values.sum(axis=1)[:, None], values @ halves.T
    common = _centered(np.broadcast_to(total / n_all, first.shape), weight)
    first, second = first / n_first.clip(1), (total - first) / n_second.clip(1)
    difference = _centered(first - second, weight)
    slope = _ratio((weight * difference * common).sum(axis=0), (weight * common**2).sum(axis=0))
    # Where halves do not agree at all there is no tuning that a gain could change.
    agreement = (weight * _centered(first, weight) * second).sum(axis=0)
    slope = np.where(agreement > 0, slope, 0)
    residual = (weight * (difference - slope * common) ** 2).sum(axis=0)
    share = _ratio((weight * n_first / n_all).sum(axis=0), weight.sum(axis=0))
    gains = (1 + slope * (1 - share)) * (1 - slope * share)
    scale = _ratio(((weight > 0) * relative[:, None]).sum(axis=0), n_images)
    is_enough = (n_images >= MIN_SPLIT_IMAGES) & (gains > 0) & (scale > 0)
    if not is_enough.any():
        return float("nan")
    noise = residual[is_enough] / (n_images - 2)[is_enough] / gains[is_enough]
    return float(noise.mean() / scale[is_enough].mean())


def _draw_halves(n_repeats: int, n_splits: int, rng: np.random.Generator) -> BoolArray:
    """Draw halves of the repeats, (n_splits, n_repeats), all of them where there are not more."""
    n_half = n_repeats // 2
    halves = np.zeros((n_splits, n_repeats), dtype=bool)
    if comb(n_repeats, n_half) // (1 + (n_repeats % 2 == 0)) > n_splits:
        keys = rng.random((n_splits, n_repeats))
        np.put_along_axis(halves, keys.argsort(axis=1)[:, :n_half], True, axis=1)
        return halves
    every = list(combinations(range(n_repeats), n_half))
    if n_repeats % 2 == 0:
        every = every[: len(every) // 2]  # the others are their second halves
    for row, half in zip(halves, every, strict=False):
        row[list(half)] = True
    return halves[: len(every)]


def _centered(values: FloatArray, weight: FloatArray) -> FloatArray:
    """Take the weighted mean off each column."""
    return values - _ratio((weight * values).sum(axis=0), weight.sum(axis=0))


def _ratio(numerator: FloatArray, denominator: FloatArray) -> FloatArray:
    return np.divide(
        numerator,
        denominator,
        out=np.zeros(np.broadcast_shapes(numerator.shape, denominator.shape)),
        where=denominator > 0,
    )


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
