"""A recording as bytes and a table, and back: every event exactly, in as little room as may be.

Times are whole samples. Of spikes the record keeps how many each unit has and the distance of each
from the one before; the bytes of these numbers are put together by place, so that the upper ones,
which are nearly all zero, take no room: some 1.7 bytes a spike at 30 kHz.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from signseg_rig.records.npy import packed, unpacked
from signseg_rig.values import (
    Epoch,
    FloatArray,
    IntArray,
    InvalidReason,
    Recording,
    Stretch,
    SyncEvents,
)

# What any pass could hold, and more than is made of what a stranger wrote.
MAX_RECORDING_BYTES = 2 * 2**30
SUFFIX = ".rec"
_LEVEL = 1
_N_ARRAYS = 7


def packed_recording(recording: Recording) -> tuple[dict[str, Any], bytes]:
    """Return what of a recording is a table, and the rest as bytes.

    Raises
    ------
    ValueError
        Its times are not whole samples.
    """
    rate_hz = recording.sample_rate_hz
    trains = [_ticks(times_s, rate_hz) for times_s in recording.spikes_s]
    sync = recording.sync
    sync_ticks = _ticks(sync.times_s, rate_hz)
    firsts = [int(part[0]) for part in (*trains, sync_ticks) if part.size]
    base = min(firsts, default=0)
    steps = [np.diff(ticks, prepend=base) for ticks in trains]
    flat = np.concatenate([*steps, np.empty(0, dtype=np.int64)])
    width = 4 if flat.max(initial=0) < 2**32 else 8
    planes = flat.astype(f"<u{width}").view(np.uint8).reshape(-1, width).T
    content = packed(
        np.array([ticks.size for ticks in trains], dtype=np.int64),
        np.ascontiguousarray(planes),
        sync_ticks - base,
        sync.lines.astype(np.int16),
        sync.states.astype(np.int8),
        sync.codes.astype(np.int32),
        np.array([base], dtype=np.int64),
    )
    table = {
        "sample_rate_hz": rate_hz,
        "whole_from_s": recording.whole_from_s,
        "complete_until_s": recording.complete_until_s,
        "begun_s": recording.begun_s,
        "invalid": [[one.start_s, one.end_s, one.reason.value] for one in recording.invalid],
        "faults": list(recording.faults),
        "epochs": [[one.number, one.start_s, one.shift_s] for one in recording.epochs],
        "lines": list(recording.lines),
        "n_duplicates": recording.n_duplicates,
    }
    return table, zlib.compress(content, _LEVEL)


def unpacked_recording(table: Mapping[str, Any], content: bytes) -> Recording:
    """Return a recording of its table and its bytes.

    Raises
    ------
    ValueError, TypeError, KeyError
        They are none that `packed_recording` gave.
    """
    decompressor = zlib.decompressobj()
    try:
        plain = decompressor.decompress(content, MAX_RECORDING_BYTES)
    except zlib.error as error:
        raise ValueError(str(error)) from None
    if not decompressor.eof or decompressor.unused_data:
        raise ValueError("a recording ends early, late, or is larger than any run writes")
    n_spikes, planes, sync_ticks, lines, states, codes, base = unpacked(plain, _N_ARRAYS)
    rate_hz = float(table["sample_rate_hz"])
    if not 0 < rate_hz < np.inf or base.shape != (1,) or base.dtype.kind != "i":
        raise ValueError("a recording has a sample rate and one first sample")
    sync = SyncEvents((sync_ticks + base[0]) / rate_hz, lines, states, codes)
    shapes = {array.shape for array in (sync_ticks, lines, states, codes)}
    if (
        len(shapes) != 1
        or sync_ticks.ndim != 1
        or any(array.dtype.kind != "i" for array in (sync_ticks, lines, states, codes, n_spikes))
    ):
        raise ValueError("sync events have a time, a line, a state and a code each")
    return Recording(
        spikes_s=tuple(ticks / rate_hz for ticks in _trains(n_spikes, planes, int(base[0]))),
        sync=sync,
        whole_from_s=float(table["whole_from_s"]),
        complete_until_s=float(table["complete_until_s"]),
        sample_rate_hz=rate_hz,
        invalid=tuple(
            Stretch(float(start_s), float(end_s), InvalidReason(reason))
            for start_s, end_s, reason in table["invalid"]
        ),
        faults=tuple(map(str, table["faults"])),
        epochs=tuple(
            Epoch(int(number), float(start_s), float(shift_s))
            for number, start_s, shift_s in table["epochs"]
        ),
        lines=tuple(map(str, table["lines"])),
        n_duplicates=int(table["n_duplicates"]),
        begun_s=float(table["begun_s"]),
    )


def _trains(n_spikes: IntArray, planes: IntArray, base: int) -> Sequence[IntArray]:
    if n_spikes.ndim != 1 or (n_spikes < 0).any() or planes.dtype != np.uint8 or planes.ndim != 2:
        raise ValueError("spikes are numbered by unit, and lie in bytes by place")
    width, n_all = planes.shape
    if width not in (4, 8) or int(n_spikes.sum()) != n_all:
        raise ValueError(f"{int(n_spikes.sum())} spikes in {n_all} places of {width} bytes")
    steps = np.ascontiguousarray(planes.T).view(f"<u{width}").reshape(-1).astype(np.int64)
    ends = np.cumsum(n_spikes)
    return [base + np.cumsum(steps[end - n : end]) for n, end in zip(n_spikes, ends, strict=True)]


def _ticks(times_s: FloatArray, rate_hz: float) -> IntArray:
    exact = times_s * rate_hz
    ticks = np.rint(exact)
    if not np.allclose(exact, ticks, rtol=0, atol=0.01):
        raise ValueError("a recording's times are whole samples of its clock")
    whole: IntArray = ticks.astype(np.int64)
    return whole
