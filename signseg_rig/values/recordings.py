"""What a recording system sent, on its own clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from signseg_rig.values.arrays import FloatArray
from signseg_rig.values.responses import InvalidReason


@dataclass(frozen=True, slots=True)
class ClockOffset:
    """By how much the recording system's clock is ahead of the display's.

    Parameters
    ----------
    value_s, at_display_s : float, in seconds
        The offset, and when it held, on the display's clock: clocks drift.
    """

    value_s: float
    at_display_s: float


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """A stretch of a recording system's data, on its own clock.

    Parameters
    ----------
    edges_s : (n_edges,) float array, in seconds
        Rising edges of the sync line, sorted.
    spikes_s : tuple of (n_spikes,) float arrays, in seconds
        Sorted spike times, one array per unit.
    complete_until_s : float, in seconds
        The device's own clock has passed this moment: a window that ends later is incomplete.
    gaps_s : tuple of (start, end), in seconds
        Stretches in which data were lost.
    invalid : mapping of presentation id to reason
        What the recording system itself knows to be invalid, such as broken fixation.
    """

    edges_s: FloatArray
    spikes_s: tuple[FloatArray, ...]
    complete_until_s: float
    gaps_s: tuple[tuple[float, float], ...] = ()
    invalid: Mapping[str, InvalidReason] = field(default_factory=dict)
