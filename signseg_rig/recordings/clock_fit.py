"""Fit the straight line between two clocks from onsets and the edges that belong to them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from signseg_rig.limits import MAX_DRIFT
from signseg_rig.values import BoolArray, ClockLine, FloatArray, IntArray

# Crystals follow the temperature of the room: what was measured a while ago is not sure to hold.
DRIFT_WANDER = 1e-6
# As far as an edge may lie from where the line says: no screen and no photodiode is less precise.
JITTER_S = 0.010
# And no closer is asked for: it is less than any response window can tell.
MIN_TOLERANCE_S = 0.001
N_DEVIATIONS = 6.0
# Fewer matches, or a shorter stretch, say little of the drift.
MIN_MATCHES_FOR_DRIFT = 8
MAD_TO_SD = 1.4826


class Match(NamedTuple):
    """Onsets, and the edge that each is matched to.

    Parameters
    ----------
    edges_s : (n_onsets,) float array, in seconds
        NaN where there is none within the tolerance.
    indices : (n_onsets,) int array
        Of these edges; -1 where there is none.
    """

    edges_s: FloatArray
    indices: IntArray

    @property
    def is_matched(self) -> BoolArray:
        """Which onsets have an edge."""
        return self.indices >= 0

    @property
    def n(self) -> int:
        """How many onsets have an edge."""
        return int(self.is_matched.sum())


def nearest(expected_s: FloatArray, edges_s: FloatArray, tolerance_s: float) -> Match:
    """Match each expected time to the nearest edge, none of which fits two."""
    nothing = np.full(expected_s.shape, -1, dtype=np.intp)
    if not edges_s.size:
        return Match(np.full(expected_s.shape, np.nan), nothing)
    right = np.clip(np.searchsorted(edges_s, expected_s), 1, max(edges_s.size - 1, 1))
    left, right = right - 1, np.minimum(right, edges_s.size - 1)
    is_left = np.abs(edges_s[left] - expected_s) <= np.abs(edges_s[right] - expected_s)
    index = np.where(is_left, left, right)
    is_near = np.abs(edges_s[index] - expected_s) <= tolerance_s
    return Match(np.where(is_near, edges_s[index], np.nan), np.where(is_near, index, nothing))


class Fit(NamedTuple):
    """A line, and how far the edges lie from it.

    Parameters
    ----------
    line : ClockLine
    residual_s : float, in seconds
        Robust standard deviation.
    """

    line: ClockLine
    residual_s: float

    @property
    def tolerance_s(self) -> float:
        """How far from the line an edge may lie that belongs to an onset."""
        return float(np.clip(N_DEVIATIONS * self.residual_s, MIN_TOLERANCE_S, JITTER_S))


def fit_line(onsets_s: FloatArray, edges_s: FloatArray, guess: ClockLine) -> Fit:
    """Fit offset and drift to matched onsets, without those that lie apart.

    Parameters
    ----------
    onsets_s, edges_s : (n,) float arrays, in seconds
        At least one pair, none of them NaN.
    guess : ClockLine
        From which they were matched; its drift is kept where the pairs tell too little of it.

    Returns
    -------
    fit : Fit
        Its line is given at the latest onset.
    """
    at_s = float(onsets_s[-1])
    since_s = onsets_s - at_s
    # What is left to be explained is small, and so exact in spite of clocks that count years.
    off_s = edges_s - guess.at(onsets_s)
    kept = np.ones(onsets_s.size, dtype=bool)
    shift_s, slope, residual_s = float(np.median(off_s)), 0.0, 0.0
    for _ in range(4):
        shift_s, slope = _least_squares(since_s[kept], off_s[kept])
        rest_s = off_s - shift_s - slope * since_s
        residual_s = MAD_TO_SD * float(np.median(np.abs(rest_s)))
        kept = np.abs(rest_s) <= max(3 * residual_s, 1e-6)
    drift_error = _slope_error(since_s[kept], residual_s)
    drift = guess.drift + slope
    if not np.isfinite(drift_error) or drift_error > guess.drift_error > 0:
        # The guess knows better: only the offset is taken from these pairs.
        shift_s, drift = float(np.median(off_s[kept])), guess.drift
        drift_error = guess.drift_error
    offset_s = guess.offset_s + guess.drift * (at_s - guess.at_display_s) + shift_s
    drift = float(np.clip(drift, -MAX_DRIFT, MAX_DRIFT))
    line = ClockLine(offset_s, at_s, drift, max(drift_error, DRIFT_WANDER), guess.epoch)
    return Fit(line, residual_s)


def drift_over(before: ClockLine, now: ClockLine, residual_s: float, n: int) -> ClockLine:
    """Return a line with the drift that two moments tell, where that is more precise."""
    elapsed_s = now.at_display_s - before.at_display_s
    if before.epoch != now.epoch or elapsed_s <= 0:
        return now
    error = 4 * residual_s / np.sqrt(max(n, 1)) / elapsed_s
    if not 0 < error < now.drift_error:
        return now
    drift = (now.offset_s - before.offset_s) / elapsed_s
    if abs(drift) > MAX_DRIFT:
        return now
    return ClockLine(
        now.offset_s, now.at_display_s, float(drift), max(float(error), DRIFT_WANDER), now.epoch
    )


def _least_squares(x_s: FloatArray, y_s: FloatArray) -> tuple[float, float]:
    if x_s.size < MIN_MATCHES_FOR_DRIFT:
        return float(np.median(y_s)), 0.0
    deviation_s = x_s - x_s.mean()
    spread = float(deviation_s @ deviation_s)
    slope = float(deviation_s @ y_s) / spread if spread > 0 else 0.0
    slope = float(np.clip(slope, -2 * MAX_DRIFT, 2 * MAX_DRIFT))
    return float(y_s.mean() - slope * x_s.mean()), slope


def _slope_error(x_s: FloatArray, residual_s: float) -> float:
    if x_s.size < MIN_MATCHES_FOR_DRIFT:
        return np.inf
    deviation_s = x_s - x_s.mean()
    spread = float(deviation_s @ deviation_s)
    # Three standard errors; no clock is read more precisely than to some microseconds.
    return float(3 * max(residual_s, 5e-6) / np.sqrt(spread)) if spread > 0 else np.inf
