"""From a recording to responses: aligned by edges, counted in windows, each with its validity."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from signseg_rig.experiment import MonitorSettings, WindowSettings
from signseg_rig.recordings.alignment import Alignment
from signseg_rig.recordings.counts import count_in
from signseg_rig.values import (
    BrokenOff,
    Durations,
    InvalidReason,
    Presentation,
    Recording,
    ResponseBatch,
    Shown,
)

# What a reason that another choice of windows may change is.
OF_WINDOWS = (
    InvalidReason.WINDOW_INCOMPLETE,
    InvalidReason.STREAM_GAP,
    InvalidReason.FIXATION_BROKEN,
    InvalidReason.REPORTED_INVALID,
)
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
    def of(cls, monitor: MonitorSettings, durations: Durations) -> Self:
        """Return what durations are on a monitor."""
        on_frames, off_frames = monitor.frames(durations.on_ms), monitor.frames(durations.off_ms)
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
    alignment: Alignment,
    shown: Sequence[Shown],
    broken_off: Sequence[BrokenOff],
    presentations: Sequence[Presentation],
    *,
    windows: WindowSettings,
    unit_names: tuple[str, ...],
    orders: Orders,
    reject_dropped_frames: bool,
) -> ResponseBatch:
    """Count the responses of one pass.

    Parameters
    ----------
    recording : Recording
    alignment : Alignment
        Of what was shown.
    shown : sequence of Shown
        In the order of showing.
    broken_off : sequence of BrokenOff
    presentations : sequence of Presentation
        As planned; they are matched to what was shown by id.
    windows : WindowSettings
    unit_names : tuple of str
    orders : Orders
        For how long each image was to be shown.
    reject_dropped_frames : bool
        Whether a presentation with a late frame is invalid.

    Returns
    -------
    responses : ResponseBatch
        One row per planned presentation, in the planned order; rates are NaN where it is invalid.
    """
    reports = {item.presentation_id: item for item in shown}
    broken = {item.presentation_id: item for item in broken_off}
    places = {item.presentation_id: index for index, item in enumerate(shown)}
    onset_s = np.array(
        [
            alignment.onsets_s[places[item.id]] if item.id in places else np.nan
            for item in presentations
        ]
    )
    reasons = tuple(
        _reason_of_display(
            item, reports, broken, orders, reject_dropped_frames=reject_dropped_frames
        )
        or alignment.reasons[places[item.id]]
        or reason_of_stream(recording, float(at_s), windows)
        for item, at_s in zip(presentations, onset_s, strict=True)
    )
    return counted(
        recording,
        windows,
        ResponseBatch(
            presentation_ids=tuple(item.id for item in presentations),
            stimulus_index=np.array(
                [item.stimulus_index for item in presentations], dtype=np.int64
            ),
            evoked_hz=np.empty((len(presentations), len(unit_names))),
            baseline_hz=np.empty((len(presentations), len(unit_names))),
            reasons=reasons,
            unit_names=unit_names,
            onset_s=onset_s,
        ),
    )


def counted(
    recording: Recording, windows: WindowSettings, responses: ResponseBatch
) -> ResponseBatch:
    """Return responses with a recording's rates in some windows; NaN where they are invalid."""
    is_valid = responses.is_valid
    onsets_s = np.where(is_valid, responses.onset_s, np.nan)
    rates = []
    for window_s in (windows.evoked_s, windows.baseline_s):
        counts = count_in(recording, onsets_s, window_s)
        rate_hz = counts / (window_s[1] - window_s[0])
        rates.append(np.where(is_valid[:, None], rate_hz, np.nan))
    return replace(responses, evoked_hz=rates[0], baseline_hz=rates[1])


def counted_again(
    recording: Recording, windows: WindowSettings, responses: ResponseBatch
) -> ResponseBatch:
    """Count responses of a recording once more, in other windows.

    What is wrong with a presentation whatever the windows, such as dropped frames, stays so; what
    the windows decide, such as whether one of them touches a gap, is decided anew.

    Parameters
    ----------
    recording : Recording
    windows : WindowSettings
    responses : ResponseBatch
        That were counted in it before, with their onsets.
    """
    reasons = tuple(
        reason_of_stream(recording, float(onset_s), windows)
        if (reason is None or reason in OF_WINDOWS) and np.isfinite(onset_s)
        else reason
        for reason, onset_s in zip(responses.reasons, responses.onset_s, strict=True)
    )
    return counted(recording, windows, replace(responses, reasons=reasons))


def _reason_of_display(
    planned: Presentation,
    reports: Mapping[str, Shown],
    broken: Mapping[str, BrokenOff],
    orders: Orders,
    *,
    reject_dropped_frames: bool,
) -> InvalidReason | None:
    if planned.id in broken:
        is_gaze = broken[planned.id].reason == InvalidReason.FIXATION_BROKEN
        return InvalidReason.FIXATION_BROKEN if is_gaze else InvalidReason.BROKEN_OFF
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


def reason_of_stream(
    recording: Recording, onset_s: float, windows: WindowSettings
) -> InvalidReason | None:
    """Return why the windows around an onset cannot be counted in; None where they can."""
    start_s, end_s = (onset_s + bound_s for bound_s in windows.span_s)
    if end_s > recording.complete_until_s:
        return InvalidReason.WINDOW_INCOMPLETE
    if start_s < recording.whole_from_s:
        return InvalidReason.STREAM_GAP
    for stretch in recording.invalid:
        if stretch.start_s < end_s and stretch.end_s > start_s:
            return stretch.reason
    return None
