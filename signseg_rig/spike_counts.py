"""Spikes in windows around onsets."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from signseg_rig.types import FloatArray, IntArray


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
    >>> count_spikes([np.array([0.1, 0.2, 0.3])], np.array([0.0, 0.1]), (0.1, 0.2))
    array([[1],
           [1]])
    """
    starts_s, ends_s = onsets_s + window_s[0], onsets_s + window_s[1]
    counts = [
        np.searchsorted(times_s, ends_s, side="left")
        - np.searchsorted(times_s, starts_s, side="left")
        for times_s in spikes_s
    ]
    return np.stack(counts, axis=1) if counts else np.empty((len(onsets_s), 0), dtype=np.intp)
