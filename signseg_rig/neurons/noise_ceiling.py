"""Up to where a model can be told from a perfect one, and for which neurons that can be said."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from signseg_rig.limits import MIN_REPEATED_IMAGES
from signseg_rig.neurons.reliability import (
    correlation_ceiling,
    normalized_explained_variance,
    split_half_reliability,
)
from signseg_rig.values import FloatArray

N_PARTS = 10
# Splits for the error of a reliability: it varies more between images than between splits.
N_SPLITS = 30
MIN_ERRORS = 2


@dataclass(frozen=True, slots=True, eq=False)
class NoiseCeiling:
    """What can be explained of each neuron's mean responses.

    Parameters
    ----------
    reliability : (n_units,) float array
        Of `split_half_reliability`, as it came out.
    standard_error : (n_units,) float array
        Of the reliability, over other samples of images.
    reasons : tuple of str
        Why a neuron has no ceiling, for each neuron; empty where it has one.
    """

    reliability: FloatArray
    standard_error: FloatArray
    reasons: tuple[str, ...]

    @property
    def ceiling_r(self) -> FloatArray:
        """(n_units,) float array: the largest correlation that can be reached, NaN if unknown."""
        return correlation_ceiling(self._known)

    def normalized_ev(self, r: FloatArray) -> FloatArray:
        """Return r^2 / reliability, (n_units,), NaN for neurons without a ceiling."""
        return normalized_explained_variance(r, self._known)

    @property
    def _known(self) -> FloatArray:
        is_known = np.array([not reason for reason in self.reasons], dtype=bool)
        return np.where(is_known, self.reliability, np.nan)


def noise_ceiling(trials: FloatArray, *, seed: int = 0) -> NoiseCeiling:
    """Estimate reliabilities, and say for which neurons they are good enough to divide by.

    Parameters
    ----------
    trials : (n_units, n_images, n_repeats) float array
        As `split_half_reliability` takes them.
    seed : int
        Of the splits.

    Returns
    -------
    ceiling : NoiseCeiling

    Notes
    -----
    A neuron has a ceiling if its reliability is above twice its standard error, which is that of a
    jackknife which leaves out each tenth of the images in turn. Below, the ratio r^2 / reliability
    is anything: such neurons have NaN and a reason, and no number that looks like others. Of
    neurons without any tuning 2 to 5 % have a ceiling all the same. Those that come just above it
    are those whose reliability was overestimated, so that their normalised values are rather low.
    """
    trials = np.asarray(trials, dtype=np.float64)
    reliability = split_half_reliability(trials, seed=seed)
    part = np.arange(trials.shape[1]) % N_PARTS
    without = np.array(
        [
            split_half_reliability(trials[:, part != left_out], n_splits=N_SPLITS, seed=seed)
            for left_out in range(N_PARTS)
        ]
    )
    spread = (without - without.mean(axis=0)) ** 2
    standard_error = np.sqrt((N_PARTS - 1) / N_PARTS * spread.sum(axis=0))
    reasons = tuple(map(_reason, reliability.tolist(), standard_error.tolist()))
    return NoiseCeiling(reliability, standard_error, reasons)


def _reason(reliability: float, standard_error: float) -> str:
    if np.isnan(reliability):
        return f"fewer than {MIN_REPEATED_IMAGES} images have repeats, or all means are the same"
    if reliability <= 0:
        return "no more alike between repeats than chance (reliability not above 0)"
    if np.isnan(standard_error):
        return "too few images to tell how exact the reliability is"
    if reliability <= MIN_ERRORS * standard_error:
        return f"reliability not above {MIN_ERRORS} of its standard errors"
    return ""
