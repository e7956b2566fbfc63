"""From a recording to responses: aligned by edges, counted in windows, each with its validity."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from signseg_rig.experiment import MonitorSettings, StimulusSettings, WindowSettings
from signseg_rig.recordings.alignment import Aligner
from signseg_rig.recordings.counts import count_spikes
from signseg_rig.values import InvalidReason, Presentation, Recording, ResponseBatch, Shown

MAX_RATE_ERROR = 0.02
SLACK_FRAMES = 0.75


@dataclass(frozen=True, slots=True)
class Orders:
    """For how long an image was to be on the screen.

    Parameters
    ----------
    on_frames, off_frames : int
        Of the image, and of the background after it.
    refresh_rate_hz : float
        As the experiment file says: a screen may be 2 % off.
    """

    on_frames: int
    off_frames: int
    refresh_rate_hz: float

    @classmethod
    def of(cls, monitor: MonitorSettings, stimulus: StimulusSettings) -> Self:
        """Return what an experiment orders."""
        on_frames, off_frames = monitor.frames(stimulus.on_ms), monitor.frames(stimulus.off_ms)
        return cls(on_frames, off_frames, monitor.refresh_rate_hz)

    @property
    def shortest_s(self) -> float:
        """What is shorter lacks a frame: a screen that does not wait for the vertical blank.

        The slack is for screens that keep time by the clock, as a virtual one does: late by half a
        frame now and then.
        """
        return ((1 - MAX_RATE_ERROR) * self.on_frames - SLACK_FRAMES) / self.refresh_rate_hz


def measure(
    recording: Recording,
    shown: Sequence[Shown],
    presentations: Sequence[Presentation],
    windows: WindowSettings,
    *,
    unit_names: tuple[str, ...],
    orders: Orders,
    reject_dropped_frames: bool,
    aligner: Aligner,
) -> ResponseBatch:
    """Count the responses of one pass.

    Parameters
    ----------
    recording : Recording
    shown : sequence of Shown
        In the order of showing.
    presentations : sequence of Presentation
        As planned; they are matched to what was shown by id.
    windows : WindowSettings
    unit_names : tuple of str
    orders : Orders
        For how long each image was to be shown.
    reject_dropped_frames : bool
        Whether a presentation with a late frame is invalid.
    aligner : Aligner
        The same for all passes of a run.

    Returns
    -------
    responses : ResponseBatch
        One row per planned presentation, in the planned order; NaN where it is invalid.
    """
    alignment = aligner.align(shown, recording.edges_s)
    reports = {item.presentation_id: item for item in shown}
    onset_s = {
        item.presentation_id: float(time_s)
        for item, time_s in zip(shown, alignment.onsets_s, strict=True)
    }
    alignment_reason = {
        item.presentation_id: reason for item, reason in zip(shown, alignment.reasons, strict=True)
    }
    reasons = tuple(
        _reason_of_display(item, reports, orders, reject_dropped_frames=reject_dropped_frames)
        or recording.invalid.get(item.id)
        or alignment_reason[item.id]
        or _reason_of_stream(recording, onset_s[item.id], windows)
        for item in presentations
    )
    onsets_s = np.array(
        [
            np.nan if reason is not None else onset_s[item.id]
            for item, reason in zip(presentations, reasons, strict=True)
        ]
    )
    is_valid = np.isfinite(onsets_s)
    rates = []
    for window_s in (windows.evoked_s, windows.baseline_s):
        counts = count_spikes(recording.spikes_s, onsets_s, window_s)
        rate_hz = counts / (window_s[1] - window_s[0])
        rates.append(np.where(is_valid[:, None], rate_hz, np.nan))
    return ResponseBatch(
        presentation_ids=tuple(item.id for item in presentations),
        stimulus_index=np.array([item.stimulus_index for item in presentations], dtype=np.int64),
        evoked_hz=rates[0],
        baseline_hz=rates[1],
        reasons=reasons,
        unit_names=unit_names,
    )


def _reason_of_display(
    planned: Presentation,
    reports: Mapping[str, Shown],
    orders: Orders,
    *,
    reject_dropped_frames: bool,
) -> InvalidReason | None:
    report = reports.get(planned.id)
    if report is None or report.pixels_sha256 != planned.pixels_sha256:
        return InvalidReason.NOT_SHOWN
    if report.n_frames < orders.on_frames or report.offset_s - report.onset_s < orders.shortest_s:
        return InvalidReason.SHOWN_TOO_SHORT
    if report.n_frames > orders.on_frames:
        return InvalidReason.SHOWN_TOO_LONG
    if reject_dropped_frames and report.n_dropped_frames:
        return InvalidReason.DROPPED_FRAME
    return None


def _reason_of_stream(
    recording: Recording, onset_s: float, windows: WindowSettings
) -> InvalidReason | None:
    start_s, end_s = (onset_s + bound_s for bound_s in windows.span_s)
    if end_s > recording.complete_until_s:
        return InvalidReason.WINDOW_INCOMPLETE
    if any(gap_start < end_s and gap_end > start_s for gap_start, gap_end in recording.gaps_s):
        return InvalidReason.STREAM_GAP
    return None
