"""Rates that were counted in windows of a recording, or why they may not be used."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

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
    """

    presentation_ids: tuple[str, ...]
    stimulus_index: IntArray
    evoked_hz: FloatArray
    baseline_hz: FloatArray
    reasons: tuple[InvalidReason | None, ...]
    unit_names: tuple[str, ...]

    def __post_init__(self) -> None:
        n = len(self.presentation_ids)
        expected = (n, len(self.unit_names))
        if self.evoked_hz.shape != expected or self.baseline_hz.shape != expected:
            raise ValueError(
                f"Responses to {n} presentations of {len(self.unit_names)} units need rates of "
                f"shape {expected}; got evoked {self.evoked_hz.shape} and baseline "
                f"{self.baseline_hz.shape}."
            )
        if self.stimulus_index.shape != (n,) or len(self.reasons) != n:
            raise ValueError(
                f"Responses to {n} presentations need {n} stimulus indices and {n} reasons; got "
                f"{self.stimulus_index.shape[0]} and {len(self.reasons)}."
            )

    @property
    def is_valid(self) -> BoolArray:
        """(n_presentations,) bool array: which presentations may be used."""
        return np.array([reason is None for reason in self.reasons], dtype=bool)

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
