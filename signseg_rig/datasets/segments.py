"""Spikes by unit and segment, with the stretches of time in which they were recorded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from signseg_rig.datasets.problems import listed
from signseg_rig.errors import DataSetError
from signseg_rig.values import BoolArray, FloatArray

# Far less than the time between two samples, far more than the rounding of sums of seconds.
TOLERANCE_S = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class UnitSpikes:
    """The spikes of one unit, and when it was recorded.

    Parameters
    ----------
    times_s : (n_spikes,) float array, in seconds, sorted
    observed_s : (n_intervals, 2) float array, in seconds, sorted
        Starts and ends of the stretches in which the unit was recorded, which do not overlap.
    """

    times_s: FloatArray
    observed_s: FloatArray

    def covers(self, starts_s: FloatArray, ends_s: FloatArray) -> BoolArray:
        """Return which windows lie within one stretch that was recorded."""
        if not len(self.observed_s):
            return np.zeros(len(starts_s), dtype=bool)
        before = np.searchsorted(self.observed_s[:, 0], starts_s + TOLERANCE_S, side="right") - 1
        is_covered: BoolArray = (before >= 0) & (ends_s <= self.observed_s[before, 1] + TOLERANCE_S)
        return is_covered


SpikeSegment = Mapping[str, UnitSpikes]
"""Units by id. A segment has one clock."""


def joined_segment(segments: Sequence[SpikeSegment]) -> SpikeSegment:
    """Make one segment of several that were recorded one after the other on one clock.

    Raises
    ------
    DataSetError
        A unit has segments that overlap in time, so that onsets would not tell which is meant.
    """
    if len(segments) == 1:
        return segments[0]
    return {
        unit_id: _joined(unit_id, [segment[unit_id] for segment in segments if unit_id in segment])
        for unit_id in unit_ids_of(segments)
    }


def merged_intervals(intervals_s: FloatArray) -> FloatArray:
    """Sort intervals, and make one of those that touch or overlap.

    Parameters
    ----------
    intervals_s : (n, 2) float array, in seconds

    Examples
    --------
    >>> merged_intervals(np.array([[3.0, 4.0], [0.0, 1.0], [1.0, 2.0]]))
    array([[0., 2.],
           [3., 4.]])
    """
    ordered = intervals_s[np.argsort(intervals_s[:, 0], kind="stable")]
    ends_s = np.maximum.accumulate(ordered[:, 1])
    is_last = np.append(ordered[1:, 0] > ends_s[:-1] + TOLERANCE_S, True)[: len(ordered)]
    is_first = np.append(True, is_last[:-1])[: len(ordered)]
    return np.stack([ordered[is_first, 0], ends_s[is_last]], axis=1)


def unit_ids_of(segments: Iterable[SpikeSegment]) -> tuple[str, ...]:
    """List the units of all segments in the order of their appearance."""
    return tuple(dict.fromkeys(unit_id for segment in segments for unit_id in segment))


def matched_segments(
    path: Path, segments: Sequence[Sequence[tuple[str, UnitSpikes]]]
) -> list[SpikeSegment]:
    """Match units by name where all have one, else by position where all segments have as many.

    Raises
    ------
    DataSetError
        Neither is so.
    """
    if all(_are_names([name for name, _spikes in trains]) for trains in segments):
        return [dict(trains) for trains in segments]
    counts = {len(trains) for trains in segments if trains}
    if len(counts) == 1:
        return [
            {str(row): spikes for row, (_name, spikes) in enumerate(trains)} for trains in segments
        ]
    names = [name for trains in segments for name, _spikes in trains]
    raise DataSetError(
        f"The units of {path} cannot be matched across its {len(segments)} segments: they hold "
        f"{listed(sorted(counts))} spike trains, named {listed(names)}. Give each unit one name in "
        "all segments."
    )


def _joined(unit_id: str, parts: Sequence[UnitSpikes]) -> UnitSpikes:
    times_s = np.concatenate([part.times_s for part in parts])
    observed_s = np.concatenate([part.observed_s for part in parts])
    observed_s = observed_s[np.argsort(observed_s[:, 0], kind="stable")]
    if (observed_s[1:, 0] < observed_s[:-1, 1] - TOLERANCE_S).any():
        raise DataSetError(
            f"Unit {unit_id!r} was recorded in {len(parts)} segments that overlap in time: each "
            "has a clock of its own. Add a column 'segment' to the stimulus table, which counts "
            "them from 0."
        )
    return UnitSpikes(np.sort(times_s, kind="stable"), merged_intervals(observed_s))


def _are_names(names: Iterable[str]) -> bool:
    names = list(names)
    return all(names) and len(set(names)) == len(names)
