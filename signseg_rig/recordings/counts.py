"""Spikes in windows around onsets."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from signseg_rig.values import FloatArray, IntArray, Recording


def count_spikes(
    spikes_s: Sequence[FloatArray], onsets_s: FloatArray, window_s: tuple[float, float]
) -> IntArray:
    """Count the spikes of every unit in a window around every onset.

    Parameters
    ----------
    spikes_s : sequence of (n_spikes,) float arrays, in seconds
        Sorted spike times, one array per unit.
    onsets_s : (n_presentations,) float array, in seconds
        On the clock of the spikes, in any order; NaN counts nothing.
    window_s : (start, end), in seconds
        Relative to the onset, half-open: a spike at the start counts, one at the end does not,
        so that windows which follow each other count every spike once.

    Returns
    -------
    counts : (n_presentations, n_units) int array

    Examples
    --------
    >>> count_spikes([np.array([0.125, 0.25, 0.375])], np.array([0.0, 0.125]), (0.125, 0.25))
    array([[1],
           [1]])
    """
    # Searched for in order of time, which finds them twice as fast; counts go back into place.
    order = np.argsort(onsets_s)
    starts_s, ends_s = onsets_s[order] + window_s[0], onsets_s[order] + window_s[1]
    counts = np.empty((len(onsets_s), len(spikes_s)), dtype=np.intp)
    for unit, times_s in enumerate(spikes_s):
        counts[order, unit] = times_s.searchsorted(ends_s) - times_s.searchsorted(starts_s)
    return counts


def count_in(recording: Recording, onsets_s: FloatArray, window_s: tuple[float, float]) -> IntArray:
    """Count the spikes of a recording in a window around every onset.

    Parameters
    ----------
    recording : Recording
    onsets_s : (n_presentations,) float array, in seconds
        On its clock; NaN counts nothing.
    window_s : (start, end), in seconds
        Half-open. Its borders are whole samples of the recording's clock, the nearest ones.

    Returns
    -------
    counts : (n_presentations, n_units) int array
    """
    rate_hz = recording.sample_rate_hz
    # Between two samples: all times are whole ones, and no rounding decides for them.
    start_s, end_s = ((round(bound_s * rate_hz) - 0.5) / rate_hz for bound_s in window_s)
    return count_spikes(recording.spikes_s, onsets_s, (start_s, end_s))
