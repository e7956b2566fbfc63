"""Whether late blocks score higher than early ones, whatever drifted beside them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from signseg_protocols.estimates import (
    UNKNOWN,
    Estimate,
    difference,
    is_above_0,
    p_above_0,
    quantile,
    welch,
)
from signseg_rig.stats import permutation_test
from signseg_rig.values import FloatArray

ALPHA = 0.05
# By how much the gain is taken to change at most where no reference shows it.
MAX_GAIN = 4.0
MIN_OUTER_BLOCKS = 3


@dataclass(frozen=True, slots=True)
class Rise:
    """By how much late blocks lie above early ones, and how that stands against drift.

    Parameters
    ----------
    early, late : float, in units of the score
        Mean of the evolved images.
    early_references, late_references : float, in units of the score
    change : Estimate, in units of the score
        Late less early, as measured.
    change_of_references : Estimate, in units of the score
    change_less_sum : Estimate, in units of the score
        Late less early, once what the references changed by is taken off.
    ratio_less_gain : Estimate, without unit
        Late over early, once the ratio of the references is taken off; unknown where one of the
        four means is not told from 0.
    p_raw, p_sum, p_gain : float
        One-sided, of no rise where the drift of the references says nothing about the evolved
        images, where drift adds the same to all scores, and where it multiplies all alike.
    shows_gain : bool
        Whether the references respond: otherwise no gain can be seen in them.
    responds : bool
        Whether the evolved images of the early blocks do.
    """

    early: float
    late: float
    early_references: float
    late_references: float
    change: Estimate
    change_of_references: Estimate
    change_less_sum: Estimate
    ratio_less_gain: Estimate
    p_raw: float
    p_sum: float
    p_gain: float
    shows_gain: bool
    responds: bool

    @property
    def p_value(self) -> float:
        """Return the p-value of no rise, however drift acts: the largest of the three."""
        return max(self.p_raw, self.p_sum, self.p_gain)


def measure_rise(
    early: FloatArray,
    late: FloatArray,
    early_references: FloatArray,
    late_references: FloatArray,
    *,
    rng: np.random.Generator,
) -> Rise:
    """Measure a rise, and test it three times: nobody knows how drift acts.

    Parameters
    ----------
    early, late : (n_blocks,) float arrays, finite
        Mean score of the evolved images of each block; as many early blocks as late ones.
    early_references, late_references : (n_blocks,) float arrays, finite
        Mean score of the references of the same blocks.
    rng : numpy.random.Generator
        Of the permutation tests.

    Returns
    -------
    rise : Rise

    Notes
    -----
    With e and r the responses to evolved images and references that nothing disturbs, g the gain
    and a an additive drift, the scores of a block are E = g e + a and R = g r + a. Three null
    hypotheses of "e is the same early and late" are tested, and a rise has to be seen against all
    three (intersection-union: the level of the whole is that of one, 0.05; Berger 1982):

    * the references drift alone, as where they are shown so often that the neuron habituates to
      them: E_late = E_early;
    * drift adds (g = 1): E_late - R_late = E_early - R_early;
    * drift multiplies (a = 0): E_late R_early = E_early R_late.

    The first two are permutation tests of block means. The third is Welch's t test of T =
    E_late R_early - E_early R_late. Written as a product, it needs no estimate of the ratio of
    evolved images to references that would then count as known: early and late blocks are
    independent, so that T has the mean 0 under its hypothesis for any e and r, those near 0 and
    below it too. Its variance is that of R_early E - E_early R over the late blocks, and of
    R_late E - E_late R over the early ones (Fieller 1954). A gain on top of a constant, as where
    a baseline that does not drift is subtracted, lies between the hypotheses.

    References that hardly respond (mean below 3 standard errors) show no gain. Then the gain is
    taken to change at most 4-fold, and the third test asks whether the late mean exceeds the early
    one 4 times, over the first and the last half of these blocks; a neuron that was silent at first
    can still be said to have risen.
    """
    sides = (early_references, late_references)
    shows_gain = is_above_0(*sides)
    return Rise(
        early=float(early.mean()),
        late=float(late.mean()),
        early_references=float(early_references.mean()),
        late_references=float(late_references.mean()),
        change=difference(early, late),
        change_of_references=difference(*sides),
        change_less_sum=difference(early - early_references, late - late_references),
        ratio_less_gain=_ratio_less_gain(early, late, *sides),
        p_raw=permutation_test(early, late, rng=rng).p_value,
        p_sum=permutation_test(early - early_references, late - late_references, rng=rng).p_value,
        p_gain=_p_of_gain(early, late, *sides) if shows_gain else _p_of_bounded_gain(early, late),
        shows_gain=shows_gain,
        responds=is_above_0(early),
    )


def _p_of_gain(
    early: FloatArray, late: FloatArray, early_references: FloatArray, late_references: FloatArray
) -> float:
    e, f, r, s = (side.mean() for side in (early, late, early_references, late_references))
    error, df = welch(s * early - f * early_references, r * late - e * late_references)
    return p_above_0(float(f * r - e * s), error, df, scale=float(abs(f * r) + abs(e * s)))


def _p_of_bounded_gain(early: FloatArray, late: FloatArray) -> float:
    """Test against each gain there may have been; the largest and the least are the worst."""
    # The outer half of the blocks: what has risen among the early ones counts four times.
    n_outer = max(math.ceil(early.size / 2), MIN_OUTER_BLOCKS)
    early, late = early[:n_outer], late[-n_outer:]
    return max(
        p_above_0(
            float(late.mean() - gain * early.mean()),
            *welch(gain * early, late),
            scale=float(abs(late.mean()) + gain * abs(early.mean())),
        )
        for gain in (1 / MAX_GAIN, MAX_GAIN)
    )


def _ratio_less_gain(*sides: FloatArray) -> Estimate:
    """Estimate (late / early) of evolved images over that of references, by its logarithm."""
    if not all(is_above_0(side) for side in sides):
        return UNKNOWN
    e, f, r, s = (side.mean() for side in sides)
    early, late, early_references, late_references = sides
    error, df = welch(early / e - early_references / r, late / f - late_references / s)
    log_ratio, half = math.log(f * r / (e * s)), quantile(df) * error
    return Estimate(*(math.exp(log_ratio + shift) for shift in (0.0, -half, half)))
