"""Counts in windows against counting one spike at a time."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from signseg_rig.recordings.counts import count_spikes

TIMES = st.lists(st.integers(0, 400), max_size=60)


@given(
    TIMES,
    st.lists(st.integers(-20, 420), min_size=1, max_size=8),
    st.integers(0, 50),
    st.integers(1, 80),
)
def test_counts_equal_counting_by_hand(
    spikes: list[int], onsets: list[int], start: int, length: int
) -> None:
    # Whole numbers: the borders of the windows are met exactly.
    trains = [np.sort(np.array(spikes, dtype=float)), np.empty(0)]
    counts = count_spikes(trains, np.array(onsets, dtype=float), (start, start + length))
    expected = [
        [sum(onset + start <= time < onset + start + length for time in spikes), 0]
        for onset in onsets
    ]
    assert counts.tolist() == expected


def test_windows_that_follow_each_other_count_every_spike_once() -> None:
    spikes = [np.sort(np.random.default_rng(0).random(500))]
    halves = [count_spikes(spikes, np.array([0.0]), window) for window in ((0, 0.5), (0.5, 1.0))]
    assert sum(halves)[0, 0] == 500


def test_unknown_onset_counts_nothing() -> None:
    assert count_spikes([np.arange(5.0)], np.array([np.nan]), (0.0, 10.0)).tolist() == [[0]]


def test_no_units() -> None:
    assert count_spikes([], np.zeros(3), (0.0, 1.0)).shape == (3, 0)
