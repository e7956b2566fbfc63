"""What a recording system has sent: on a clock that never goes back, once each, while needed."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from signseg_rig.errors import ResponseError
from signseg_rig.values import (
    Chunk,
    Epoch,
    FloatArray,
    IntArray,
    Recording,
    SourceInfo,
    Stretch,
    SyncEvents,
)

# Between the end of one run of the device's clock and the beginning of the next: no window of a
# presentation before is taken to reach into what came after.
BETWEEN_EPOCHS_S = 60.0
# A pass of a thousand units for an hour has fewer.
MAX_SPIKES = 200_000_000
MAX_FAULTS = 100
# Two messages may come in another order than they were sent; a clock that goes back further began
# anew.
MAX_STEP_BACK_S = 1.0
# Ticks take the lower bits of a sorting key, units the upper ones: 19 years at 30 kHz.
TICK_BITS = 44


class _Spikes(NamedTuple):
    units: IntArray
    ticks: IntArray


class Stream:
    """Collects chunks; not safe for several threads.

    Parameters
    ----------
    info : SourceInfo

    Attributes
    ----------
    n_unlisted : int
        Spikes of units that the recording system did not name.
    """

    def __init__(self, info: SourceInfo) -> None:
        self.info = info
        self.n_unlisted = 0
        self._epochs: list[Epoch] = []
        self._device_epoch: int | None = None
        self._n_epochs = 0
        self._spikes: deque[_Spikes] = deque()
        self._sync: deque[SyncEvents] = deque()
        self._invalid: list[Stretch] = []
        self._faults: deque[str] = deque(maxlen=MAX_FAULTS)
        self._n_kept = 0
        self._latest_s = -np.inf
        self._complete_until_s = -np.inf
        self._kept_from_s = -np.inf

    @property
    def complete_until_s(self) -> float:
        """Until when everything has been received; minus infinity before anything was."""
        return self._complete_until_s - self.info.delay_s

    @property
    def latest_s(self) -> float:
        """The latest time that was told of anything."""
        return self._latest_s

    def add(self, chunk: Chunk) -> None:
        """Take what has come.

        Raises
        ------
        ResponseError
            It is none of what a recording system can send, or far too much.
        """
        _check(chunk, self.info)
        if self._is_restart(chunk):
            self._begin_epoch(chunk)
        shift_s = self._epochs[-1].shift_s if self._epochs else 0.0
        self._take_spikes(chunk, shift_s)
        if len(chunk.sync):
            times_s = self._on_grid_s(chunk.sync.times_s + shift_s)
            self._sync.append(replace(chunk.sync, times_s=times_s))
            self._latest_s = max(self._latest_s, float(times_s.max()))
        self._invalid += [
            Stretch(one.start_s + shift_s, one.end_s + shift_s, one.reason) for one in chunk.invalid
        ]
        self._faults.extend(chunk.faults)
        self._take_watermark(chunk, shift_s)

    def recording(self, start_s: float, *, begun_s: float, has_spikes: bool = True) -> Recording:
        """Return what was received from a moment on, sorted, and each event once.

        Parameters
        ----------
        start_s : float, in seconds
        begun_s : float, in seconds
            See `Recording`.
        has_spikes : bool, optional
            Whether spikes are in it.
        """
        start_s = max(start_s, self._kept_from_s)
        trains, n_twice = self._trains(start_s) if has_spikes else ([], 0)
        sync, n_sync_twice = self.sync(start_s)
        rate_hz = self.info.sample_rate_hz
        whole_from_s = max(start_s, self._epochs[0].start_s) if self._epochs else start_s
        return Recording(
            spikes_s=tuple(ticks / rate_hz for ticks in trains),
            sync=sync,
            whole_from_s=whole_from_s,
            complete_until_s=self.complete_until_s,
            sample_rate_hz=rate_hz,
            invalid=tuple(one for one in self._invalid if one.end_s > start_s),
            faults=tuple(self._faults),
            epochs=self._epochs_from(start_s),
            lines=self.info.lines,
            n_duplicates=n_twice + n_sync_twice,
            begun_s=begun_s,
        )

    def sync(self, start_s: float) -> tuple[SyncEvents, int]:
        """Return the sync events from a moment on, sorted, and how many came twice."""
        events = SyncEvents.joined(list(self._sync))
        events = events.taken(events.times_s >= start_s)
        events = events.taken(np.lexsort((events.states, events.lines, events.times_s)))
        if not len(events):
            return events, 0
        parts = (events.times_s, events.lines, events.states, events.codes)
        is_first = np.any([np.diff(part) != 0 for part in parts], axis=0)
        kept = events.taken(np.concatenate([[True], is_first]))
        return kept, len(events) - len(kept)

    def forget_before(self, start_s: float) -> None:
        """Let go of what is over."""
        start_s = min(start_s, self._complete_until_s)
        if not np.isfinite(start_s) or start_s <= self._kept_from_s:
            return
        self._kept_from_s = start_s
        tick = int(np.floor(start_s * self.info.sample_rate_hz))
        while self._spikes and int(self._spikes[0].ticks.max()) < tick:
            self._n_kept -= self._spikes.popleft().ticks.size
        while self._sync and float(self._sync[0].times_s.max()) < start_s:
            self._sync.popleft()
        self._invalid = [one for one in self._invalid if one.end_s > start_s]
        self._epochs = list(self._epochs_from(start_s))
        self._faults.clear()

    def _take_spikes(self, chunk: Chunk, shift_s: float) -> None:
        units = np.asarray(chunk.spike_units)
        if not units.size:
            return
        is_listed = (units >= 0) & (units < len(self.info.unit_names))
        self.n_unlisted += int(units.size - is_listed.sum())
        times_s = np.asarray(chunk.spike_times_s)[is_listed] + shift_s
        if not times_s.size:
            return
        ticks = np.rint(times_s * self.info.sample_rate_hz).astype(np.int64)
        self._spikes.append(_Spikes(units[is_listed].astype(np.int64), ticks))
        self._n_kept += ticks.size
        self._latest_s = max(self._latest_s, float(times_s.max()))
        if self._n_kept > MAX_SPIKES:
            raise ResponseError(
                f"More than {MAX_SPIKES:,} spikes have come since the pass began, more than this "
                "program keeps. Are the thresholds of the recording system set?"
            )

    def _take_watermark(self, chunk: Chunk, shift_s: float) -> None:
        if not self.info.has_watermark:
            # What comes in order says that what was before it has come; `delay_s` is how far one
            # may be wrong in that.
            self._complete_until_s = max(self._complete_until_s, self._latest_s)
        elif chunk.complete_until_s is not None:
            until_s = chunk.complete_until_s + shift_s
            self._complete_until_s = max(self._complete_until_s, until_s)
            self._latest_s = max(self._latest_s, until_s)

    def _is_restart(self, chunk: Chunk) -> bool:
        if self._device_epoch is None or chunk.epoch != self._device_epoch:
            return True
        # A system that does not notice its own restart: nothing that was received is sent again.
        until_s, shift_s = chunk.complete_until_s, self._epochs[-1].shift_s
        return until_s is not None and until_s + shift_s < self._complete_until_s - MAX_STEP_BACK_S

    def _begin_epoch(self, chunk: Chunk) -> None:
        first_s = _first_s(chunk)
        if first_s is None:
            return  # it tells nothing of the new clock yet
        self._device_epoch = chunk.epoch
        shift_s, start_s = 0.0, first_s
        if self._epochs:
            start_s = self._latest_s + BETWEEN_EPOCHS_S
            shift_s = float(self._on_grid_s(np.array([start_s - first_s]))[0])
            start_s = first_s + shift_s
            self._invalid.append(Stretch(self.complete_until_s, start_s))
            self._faults.append(
                f"The recording system began anew: its clock stood at {first_s:.3f} s after "
                f"{self._latest_s - self._epochs[-1].shift_s:.3f} s."
            )
        # What the system goes on to say of the new run is whole from there on.
        self._epochs.append(Epoch(self._n_epochs, start_s, shift_s))
        self._n_epochs += 1
        self._latest_s = max(self._latest_s, start_s)

    def _trains(self, start_s: float) -> tuple[list[IntArray], int]:
        n_units = len(self.info.unit_names)
        if not self._spikes:
            return [np.empty(0, dtype=np.int64) for _ in range(n_units)], 0
        units = np.concatenate([part.units for part in self._spikes])
        ticks = np.concatenate([part.ticks for part in self._spikes])
        base = int(ticks.min())
        if np.isfinite(start_s):
            base = int(np.ceil(start_s * self.info.sample_rate_hz - 1e-6))
        is_in = ticks >= base
        keys = np.sort((units[is_in] << TICK_BITS) | (ticks[is_in] - base))
        is_new = np.ones(keys.size, dtype=bool)
        is_new[1:] = np.diff(keys) != 0
        kept = keys[is_new]
        borders = np.searchsorted(kept, np.arange(n_units + 1, dtype=np.int64) << TICK_BITS)
        own = (kept & ((1 << TICK_BITS) - 1)) + base
        trains = [own[low:high] for low, high in pairwise(borders)]
        return trains, int(keys.size - kept.size)

    def _epochs_from(self, start_s: float) -> tuple[Epoch, ...]:
        ended = [index for index, one in enumerate(self._epochs) if one.start_s <= start_s]
        return tuple(self._epochs[ended[-1] if ended else 0 :])

    def _on_grid_s(self, times_s: FloatArray) -> FloatArray:
        """Round times to whole samples, as they are recorded."""
        on_grid_s: FloatArray = (
            np.rint(times_s * self.info.sample_rate_hz) / self.info.sample_rate_hz
        )
        return on_grid_s


def _first_s(chunk: Chunk) -> float | None:
    """Return from when on the data of a new run of the device's clock are whole."""
    if chunk.whole_from_s is not None:
        return chunk.whole_from_s
    earliest_s = min(
        float(times_s.min(initial=np.inf)) for times_s in (chunk.spike_times_s, chunk.sync.times_s)
    )
    return earliest_s if np.isfinite(earliest_s) else chunk.complete_until_s


def _check(chunk: Chunk, info: SourceInfo) -> None:
    times = (chunk.spike_times_s, chunk.sync.times_s)
    if chunk.spike_units.shape != chunk.spike_times_s.shape or any(
        array.ndim != 1 or not np.isfinite(array).all() for array in times
    ):
        raise ResponseError(
            f"The response source gave {chunk.spike_units.shape} units and "
            f"{chunk.spike_times_s.shape} spike times, or times that are no numbers. This is a "
            "fault of the plugin: please report it to its author."
        )
    if len(chunk.sync) and not 0 <= int(chunk.sync.lines.min()) <= int(
        chunk.sync.lines.max()
    ) < len(info.lines):
        raise ResponseError(
            f"The response source gave an event of sync line {int(chunk.sync.lines.max())} and has "
            f"{len(info.lines)} lines. This is a fault of the plugin: please report it to its "
            "author."
        )
