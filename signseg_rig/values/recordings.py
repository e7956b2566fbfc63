"""What a recording system sends, on its own clock, and what is kept of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Self

import numpy as np

from signseg_rig.values.arrays import BoolArray, FloatArray, IntArray
from signseg_rig.values.responses import InvalidReason

NO_CODE = -1
Description = Mapping[str, str | int | float | bool]


@dataclass(frozen=True, slots=True, eq=False)
class SyncEvents:
    """Changes on the lines by which a recording system is told what the screen does.

    Parameters
    ----------
    times_s : (n_events,) float array, in seconds
    lines : (n_events,) int array
        Position of the line among `SourceInfo.lines`.
    states : (n_events,) int array
        1 where the line rose, 0 where it fell.
    codes : (n_events,) int array
        The word that was on the digital port after the change; -1 where there is none.
    """

    times_s: FloatArray
    lines: IntArray
    states: IntArray
    codes: IntArray

    @classmethod
    def of_edges(cls, times_s: FloatArray, *, line: int = 0) -> Self:
        """Return rising edges of one line, without codes."""
        n = len(times_s)
        return cls(
            np.asarray(times_s, dtype=np.float64),
            np.full(n, line, dtype=np.int16),
            np.ones(n, dtype=np.int8),
            np.full(n, NO_CODE, dtype=np.int32),
        )

    @classmethod
    def none(cls) -> Self:
        """Return no events."""
        return cls.of_edges(np.empty(0))

    @classmethod
    def joined(cls, parts: tuple[Self, ...] | list[Self]) -> Self:
        """Return the events of all parts, one after the other."""
        if not parts:
            return cls.none()
        return cls(
            *(np.concatenate([getattr(part, one.name) for part in parts]) for one in fields(cls))
        )

    def taken(self, which: IntArray | BoolArray) -> Self:
        """Return some of the events, by index or mask."""
        return type(self)(*(getattr(self, one.name)[which] for one in fields(self)))

    def __len__(self) -> int:
        return len(self.times_s)


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of time, half-open, and what it is.

    Parameters
    ----------
    start_s, end_s : float, in seconds
    reason : InvalidReason
        Why a presentation whose windows touch it may not be used.
    """

    start_s: float
    end_s: float
    reason: InvalidReason = InvalidReason.STREAM_GAP


@dataclass(frozen=True, slots=True)
class SourceInfo:
    """What a recording system offers, as it says once it is connected.

    Parameters
    ----------
    unit_names : tuple of str
    sample_rate_hz : float, > 0, in samples per second
        Of the clock on which it tells times: they are recorded in whole samples.
    lines : tuple of str
        Names of the sync lines.
    has_watermark : bool
        Whether it says until when everything has been received. Otherwise a spike or an edge that
        comes later has to do, and a silent stretch cannot be told from a dead system.
    delay_s : float, in seconds
        By how much spikes may come later than the watermark says.
    description : mapping of str to str, int, float or bool
        For the record: such as version, stream and host of the recording system.
    """

    unit_names: tuple[str, ...]
    sample_rate_hz: float
    lines: tuple[str, ...] = ("sync",)
    has_watermark: bool = True
    delay_s: float = 0.0
    description: Description = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not 0 < self.sample_rate_hz < np.inf or not 0 <= self.delay_s < np.inf:
            raise ValueError(
                "A recording system has a sample rate above 0 Hz and a delay of 0 s or more; got "
                f"{self.sample_rate_hz} Hz and {self.delay_s} s."
            )


@dataclass(frozen=True, slots=True, eq=False)
class Chunk:
    """What has come from a recording system since the chunk before.

    Nothing in it needs to be sorted, and what was sent before may be in it again.

    Parameters
    ----------
    spike_units : (n_spikes,) int array
        Position of the unit among `SourceInfo.unit_names`.
    spike_times_s : (n_spikes,) float array, in seconds
        On the device's clock, as all times here.
    sync : SyncEvents
    epoch : int
        Counts how often the device's clock began anew; all times of a chunk are of one epoch.
    whole_from_s : float or None, in seconds
        Told with the first chunk of an epoch: data are whole from this moment on. None means from
        the earliest time in the chunk on.
    complete_until_s : float or None, in seconds
        Everything before this moment has been received. None where it says nothing new.
    invalid : tuple of Stretch
        In which data were lost, or which the recording system knows to be unusable.
    faults : tuple of str
        What went wrong, such as a message that could not be read.
    """

    spike_units: IntArray = field(default_factory=lambda: np.empty(0, dtype=np.intp))
    spike_times_s: FloatArray = field(default_factory=lambda: np.empty(0))
    sync: SyncEvents = field(default_factory=SyncEvents.none)
    epoch: int = 0
    whole_from_s: float | None = None
    complete_until_s: float | None = None
    invalid: tuple[Stretch, ...] = ()
    faults: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Epoch:
    """A run of the device's clock.

    Parameters
    ----------
    number : int
    start_s : float, in seconds
        Where it begins on the recording's clock, which never goes back.
    shift_s : float, in seconds
        What was added to the device's own times.
    """

    number: int
    start_s: float
    shift_s: float


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """A stretch of a recording system's data, on a clock that never goes back.

    Parameters
    ----------
    spikes_s : tuple of (n_spikes,) float arrays, in seconds
        Sorted spike times, one array per unit.
    sync : SyncEvents
        Sorted by time.
    whole_from_s, complete_until_s : float, in seconds
        Everything between these was received, but for what `invalid` tells.
    sample_rate_hz : float, in samples per second
        All times are whole multiples of its period.
    invalid : tuple of Stretch
    faults : tuple of str
        What went wrong meanwhile.
    epochs : tuple of Epoch
        The runs of the device's clock in it.
    lines : tuple of str
        Names of the sync lines.
    n_duplicates : int
        Spikes and sync events that came twice, and are in it once.
    begun_s : float, in seconds
        The device's clock had reached this when the pass was begun: nothing of it was shown before.
    """

    spikes_s: tuple[FloatArray, ...]
    sync: SyncEvents
    whole_from_s: float
    complete_until_s: float
    sample_rate_hz: float
    invalid: tuple[Stretch, ...] = ()
    faults: tuple[str, ...] = ()
    epochs: tuple[Epoch, ...] = ()
    lines: tuple[str, ...] = ("sync",)
    n_duplicates: int = 0
    begun_s: float = -np.inf


@dataclass(frozen=True, slots=True)
class ClockLine:
    """How the recording's clock follows from the display's: a straight line.

    Parameters
    ----------
    offset_s, at_display_s : float, in seconds
        Recording's clock less display's clock, at a moment of the display's clock.
    drift : float
        How much faster the recording's clock runs, per second of the display's.
    drift_error : float
        By how much the drift may be wrong.
    epoch : int
        Of the device's clock, to which it holds.
    """

    offset_s: float
    at_display_s: float
    drift: float = 0.0
    drift_error: float = 0.0
    epoch: int = 0

    def at(self, display_s: FloatArray) -> FloatArray:
        """Convert times of the display's clock to the recording's."""
        since_s = display_s - self.at_display_s
        times_s: FloatArray = display_s + self.offset_s + self.drift * since_s
        return times_s
