"""When frames come: by the clock, in no time at all, or by a screen whose rate was measured."""

from __future__ import annotations

import math
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import NamedTuple

from signseg_rig.errors import DisplayError
from signseg_rig.values import FloatArray

# Up to this deviation a screen counts as running at the rate that the experiment file says.
RATE_TOLERANCE = 0.02
# No screen is faster than this: flips at a higher rate did not wait for one.
FASTEST_SCREEN_HZ = 1000.0
REST_S = 2.0


class FrameClock(ABC):
    """A clock that also knows when the next frame comes."""

    @abstractmethod
    def now_s(self) -> float:
        """Read the clock, in seconds."""

    @abstractmethod
    def next_frame(self) -> float:
        """Wait for the next frame and tell when it came, in seconds."""

    def rest(self) -> None:  # noqa: B027 - time passes by itself, but for one clock
        """Let time pass between two passes, where it does not pass by itself."""


class VirtualClock(FrameClock):
    """Frames that take no time: the clock moves on by one period per frame, exactly.

    Parameters
    ----------
    refresh_rate_hz : float
    """

    def __init__(self, refresh_rate_hz: float) -> None:
        self._refresh_rate_hz = refresh_rate_hz
        self._n_frames = 0

    def now_s(self) -> float:
        """Return the time of the last frame."""
        return self._n_frames / self._refresh_rate_hz

    def rest(self) -> None:
        """Move on by two seconds: windows of the last image end in them."""
        self._n_frames += round(REST_S * self._refresh_rate_hz)

    def next_frame(self) -> float:
        """Move on by one period."""
        self._n_frames += 1
        return self.now_s()


class GridClock(FrameClock):
    """Frames on a grid of the computer's monotonic clock, which does not drift.

    A frame asked for up to half a period too late comes at once; one asked for later than that
    waits for the next point of the grid, as it would at a screen.

    Parameters
    ----------
    refresh_rate_hz : float
    read_s, sleep : callable, optional
        The clock, in seconds, and how to wait on it.
    """

    def __init__(
        self,
        refresh_rate_hz: float,
        *,
        read_s: Callable[[], float] = time.perf_counter,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._refresh_rate_hz = refresh_rate_hz
        self._read_s = read_s
        self._sleep = sleep
        self._start_s = read_s()
        self._n_frames = 0

    def now_s(self) -> float:
        """Read the computer's monotonic clock."""
        return self._read_s()

    def next_frame(self) -> float:
        """Sleep until the next point of the grid."""
        elapsed = (self.now_s() - self._start_s) * self._refresh_rate_hz
        self._n_frames = max(self._n_frames + 1, math.ceil(elapsed - 0.5))
        deadline_s = self._start_s + self._n_frames / self._refresh_rate_hz
        while (wait_s := deadline_s - self.now_s()) > 0:
            self._sleep(wait_s)
        return self.now_s()


class Refresh(NamedTuple):
    """What bare flips told about a screen.

    Parameters
    ----------
    rate_hz : float
    has_vertical_blank : bool
        Whether a flip waits for the screen.
    """

    rate_hz: float
    has_vertical_blank: bool


def judge_refresh(
    intervals_s: FloatArray, *, nominal_hz: float, is_software_rendered: bool
) -> Refresh:
    """Decide from bare flips whether a screen keeps the rate that the experiment counts on.

    Parameters
    ----------
    intervals_s : (n_flips,) float array, in seconds
        Between flips that did nothing but flip.
    nominal_hz : float
        `refresh_rate_hz` of the experiment file.
    is_software_rendered : bool
        Whether the processor draws, as on a virtual screen, which has no vertical blank.

    Returns
    -------
    refresh : Refresh
        Without a vertical blank the rate is the nominal one, to be kept by a clock.

    Raises
    ------
    DisplayError
        The screen runs at another rate.
    """
    # A late flip now and then must not look like a slower screen, hence the median.
    interval_s = sorted(intervals_s.tolist())[len(intervals_s) // 2]
    measured_hz = 1.0 / interval_s
    if is_software_rendered or measured_hz > max(FASTEST_SCREEN_HZ, 2 * nominal_hz):
        return Refresh(nominal_hz, has_vertical_blank=False)
    if abs(measured_hz / nominal_hz - 1) > RATE_TOLERANCE:
        raise DisplayError(
            f"The screen flips at {measured_hz:.2f} Hz, but 'refresh_rate_hz' under [monitor] is "
            f"{nominal_hz:g}: all durations would be wrong. Set the screen to {nominal_hz:g} Hz "
            f"in the system's settings (and let the graphics driver wait for the vertical "
            f"blank), or write {measured_hz:.2f} into the experiment file."
        )
    return Refresh(measured_hz, has_vertical_blank=True)
