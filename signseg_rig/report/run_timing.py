"""How well the screen and the clocks of a run kept time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from signseg_rig.limits import MAX_DRIFT
from signseg_rig.records import Note, PassRecord, RunReader
from signseg_rig.values import FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Timing:
    """How well the screen kept time.

    Parameters
    ----------
    durations_s : (n_presentations,) float array, in seconds
        Offset minus onset.
    onset_intervals_s : (n,) float array, in seconds
        From one onset to the next within a pass.
    turnarounds_s : (n,) float array, in seconds
        From the last offset of a block to the first onset of the next, but for pauses and for the
        time between two sessions.
    parts_s : mapping of str to (n,) float arrays, in seconds
        How long each part of the turn-around took, summed from the showing of one block to that
        of the next, repeats of invalid presentations among it.
    n_dropped_frames : int
    """

    durations_s: FloatArray
    onset_intervals_s: FloatArray
    turnarounds_s: FloatArray
    parts_s: dict[str, FloatArray]
    n_dropped_frames: int


def timing_of(reader: RunReader, passes: list[PassRecord]) -> Timing:
    """Return how well the screen kept time over a run."""
    notes = reader.notes("timing")
    shown = [one.shown for one in passes if one.shown]
    intervals = [_within_stretches(np.diff([item.onset_s for item in part])) for part in shown]
    items = [item for part in shown for item in part]
    return Timing(
        durations_s=np.array([item.offset_s - item.onset_s for item in items]),
        onset_intervals_s=np.concatenate(intervals or [np.empty(0)]),
        turnarounds_s=_turnarounds_s(passes, notes),
        parts_s=_parts_s(notes),
        n_dropped_frames=sum(item.n_dropped_frames for item in items),
    )


def _turnarounds_s(passes: list[PassRecord], notes: list[Note]) -> FloatArray:
    """Take the time from block to block, without pauses and the nights between two sessions."""
    # A block has a note whenever it, or a part of it, is shown.
    begun = {note.body["block"]: note.session for note in reversed(notes)}
    ended = {note.body["block"]: note.session for note in notes}
    lasts = {one.plan.block: one.shown[-1].offset_s for one in passes if one.shown}
    firsts = {
        one.plan.block: one.shown[0].onset_s
        for one in passes
        if one.shown and one.plan.attempt == 0
    }
    turnarounds_s = [
        first_s - lasts[block - 1]
        for block, first_s in firsts.items()
        if block - 1 in lasts and ended.get(block - 1) == begun.get(block) == ended.get(block)
    ]
    return _within_stretches(np.array(turnarounds_s))


def _parts_s(notes: list[Note]) -> dict[str, FloatArray]:
    """Sum the parts of the turn-around by block: each pass and each stretch has its own note."""
    sums: dict[str, dict[int, float]] = {}
    for note in notes:
        block = note.body["block"]
        for key, value in note.body.items():
            if key.endswith("_s"):
                part = sums.setdefault(key.removesuffix("_s"), {})
                part[block] = part.get(block, 0.0) + float(value)
    return {key: np.array(list(by_block.values())) for key, by_block in sums.items()}


def _within_stretches(intervals_s: FloatArray) -> FloatArray:
    """Leave out what lies between two stretches: a pause, a lost display, a night."""
    if not intervals_s.size:
        return intervals_s
    return intervals_s[(intervals_s > 0) & (intervals_s < 5 * np.median(intervals_s))]


def clocks_in_words(reader: RunReader, passes: list[PassRecord]) -> dict[str, str]:
    """Describe the clocks by the latest estimates of offset and drift."""
    clocks = {}
    if notes := reader.notes("display clock"):
        last = notes[-1].body
        clocks["display clock less loop clock"] = (
            f"{last['offset_s']:+.6f} s, within {1000 * last['error_s']:.2f} ms; "
            f"drift {last['drift_ppm']:+.1f} ppm"
        )
    lines = [one.clock_line for one in passes if one.clock_line is not None]
    if lines:
        first, latest = lines[0], lines[-1]
        text = f"{latest.offset_s:+.6f} s"
        elapsed_s = latest.at_display_s - first.at_display_s
        change_s = latest.offset_s - first.offset_s
        # No clock drifts by more: where one seems to, one of the two was started anew.
        if elapsed_s > 0 and abs(change_s) <= MAX_DRIFT * elapsed_s:
            drift_ppm = 1e6 * change_s / elapsed_s
            text += f"; drift {drift_ppm:+.1f} ppm over {elapsed_s:.0f} s"
        clocks["recording clock less display clock"] = text
    return clocks
