"""Rates that were counted in windows of a recording, or why they may not be used."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Self

import numpy as np

from signseg_rig.values.arrays import BoolArray, FloatArray, IntArray


class InvalidReason(StrEnum):
    """Why a presentation's responses may not be used."""

    NOT_SHOWN = "not shown"
    DROPPED_FRAME = "dropped frame"
    NO_SYNC_EDGE = "no sync edge"
    AMBIGUOUS_ALIGNMENT = "ambiguous alignment"
    STREAM_GAP = "stream gap"
    WINDOW_INCOMPLETE = "window incomplete"
    FIXATION_BROKEN = "fixation broken"
    SHOWN_TOO_SHORT = "shown too short"
    SHOWN_TOO_LONG = "shown too long"
    RECORDING_SILENT = "recording silent"
    BROKEN_OFF = "broken off"
    REPORTED_INVALID = "reported invalid"


@dataclass(frozen=True, slots=True, eq=False)
class ResponseBatch:
    """The responses to one block, one row per presentation.

    Parameters
    ----------
    presentation_ids : tuple of str
    stimulus_index : (n_presentations,) int array
        Position of the stimulus in the batch that was shown.
    evoked_hz, baseline_hz : (n_presentations, n_units) float arrays, in spikes per second
        NaN where the presentation is invalid and nothing could be counted.
    reasons : tuple of (InvalidReason or None)
        None where the presentation is valid.
    unit_names : tuple of str
    onset_s : (n_presentations,) float array, in seconds
        When each image came on, on the recording's clock; NaN where that is not known. It may be
        known where the presentation is invalid.
    """

    presentation_ids: tuple[str, ...]
    stimulus_index: IntArray
    evoked_hz: FloatArray
    baseline_hz: FloatArray
    reasons: tuple[InvalidReason | None, ...]
    unit_names: tuple[str, ...]
    onset_s: FloatArray = field(default_factory=lambda: np.empty(0))

    def __post_init__(self) -> None:
        n = len(self.presentation_ids)
        if not self.onset_s.size:
            object.__setattr__(self, "onset_s", np.full(n, np.nan))
        expected = (n, len(self.unit_names))
        if self.evoked_hz.shape != expected or self.baseline_hz.shape != expected:
            raise ValueError(
                f"Responses to {n} presentations of {len(self.unit_names)} units need rates of "
                f"shape {expected}; got evoked {self.evoked_hz.shape} and baseline "
                f"{self.baseline_hz.shape}."
            )
        lengths = (len(self.stimulus_index), len(self.reasons), len(self.onset_s))
        if lengths != (n, n, n):
            raise ValueError(
                f"Responses to {n} presentations need {n} stimulus indices, reasons and onsets; "
                f"got {lengths[0]}, {lengths[1]} and {lengths[2]}."
            )

    @property
    def is_valid(self) -> BoolArray:
        """(n_presentations,) bool array: which presentations may be used."""
        return np.array([reason is None for reason in self.reasons], dtype=bool)

    def rows(self, rows: IntArray) -> Self:
        """Return the responses to some presentations, in the order of `rows`."""
        return type(self)(
            presentation_ids=tuple(self.presentation_ids[row] for row in rows),
            stimulus_index=self.stimulus_index[rows],
            evoked_hz=self.evoked_hz[rows],
            baseline_hz=self.baseline_hz[rows],
            reasons=tuple(self.reasons[row] for row in rows),
            unit_names=self.unit_names,
            onset_s=self.onset_s[rows],
        )

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """Join responses: the parts of a pass, or all passes through a block."""
        return cls(
            presentation_ids=tuple(name for part in parts for name in part.presentation_ids),
            stimulus_index=np.concatenate([part.stimulus_index for part in parts]),
            evoked_hz=np.concatenate([part.evoked_hz for part in parts]),
            baseline_hz=np.concatenate([part.baseline_hz for part in parts]),
            reasons=tuple(reason for part in parts for reason in part.reasons),
            unit_names=parts[0].unit_names,
            onset_s=np.concatenate([part.onset_s for part in parts]),
        )

    def stimulus_means(self, n_stimuli: int, *, subtract_baseline: bool) -> FloatArray:
        """Average the valid presentations of each stimulus.

        Parameters
        ----------
        n_stimuli : int
            Size of the batch that was shown.
        subtract_baseline : bool
            Whether the baseline rate is taken off, presentation by presentation.

        Returns
        -------
        rate_hz : (n_stimuli, n_units) float array, in spikes per second
            NaN where a stimulus has no valid presentation.
        """
        rates = self.evoked_hz - self.baseline_hz if subtract_baseline else self.evoked_hz
        valid = self.is_valid
        means = np.full((n_stimuli, len(self.unit_names)), np.nan)
        for index in np.unique(self.stimulus_index[valid]):
            means[index] = rates[valid & (self.stimulus_index == index)].mean(axis=0)
        return means
