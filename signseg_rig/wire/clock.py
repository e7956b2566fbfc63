"""Offset and drift between the display's clock and the loop's, from heartbeats."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

MIN_SPAN_FOR_DRIFT_S = 10.0


@dataclass(frozen=True, slots=True)
class ClockEstimate:
    """How the display's clock relates to the loop's.

    Parameters
    ----------
    offset_s : float, in seconds
        Display clock minus loop clock, at `at_loop_s`.
    drift_ppm : float
        How much faster the display's clock runs, in parts per million; 0 until heartbeats span
        ten seconds.
    error_s : float, in seconds
        Bound of the offset's error: half the shortest round trip that it rests on.
    at_loop_s : float, in seconds
        The moment on the loop's clock.
    n_heartbeats : int
        Round trips that entered.
    """

    offset_s: float
    drift_ppm: float
    error_s: float
    at_loop_s: float
    n_heartbeats: int

    def to_loop_s(self, display_s: float) -> float:
        """Convert a time on the display's clock to the loop's clock."""
        elapsed_s = display_s - self.offset_s - self.at_loop_s
        return self.at_loop_s + elapsed_s / (1 + self.drift_ppm * 1e-6)


class ClockEstimator:
    """Collects round trips and estimates offset and drift from the quickest of them.

    Parameters
    ----------
    n_kept : int
        Round trips that are kept; older ones are forgotten.

    Notes
    -----
    With t0 and t3 on the loop's clock and t1, t2 on the display's, the offset of one round trip is
    ((t1 - t0) + (t2 - t3)) / 2, wrong by at most half of what the trip took (Mills 1991, NTP). A
    message that waited for a flip has a long trip, so only the quickest quarter is used.
    """

    def __init__(self, n_kept: int = 512) -> None:
        self._trips: deque[tuple[float, float, float]] = deque(maxlen=n_kept)

    def add(self, sent_s: float, received_s: float, returned_s: float, back_s: float) -> None:
        """Add one round trip: sent (loop), received, returned (display), back (loop)."""
        round_trip_s = (back_s - sent_s) - (returned_s - received_s)
        offset_s = ((received_s - sent_s) + (returned_s - back_s)) / 2
        self._trips.append(((sent_s + back_s) / 2, offset_s, max(round_trip_s, 0.0)))

    def estimate(self) -> ClockEstimate | None:
        """Estimate from what was collected; None before the first round trip."""
        trips = list(self._trips)  # a copy: another thread may be adding
        if not trips:
            return None
        at_s, offsets_s, trips_s = np.array(trips).T
        quick = trips_s <= np.quantile(trips_s, 0.25)
        at_s, offsets_s = at_s[quick], offsets_s[quick]
        latest_s = float(at_s[-1])
        slope = 0.0
        if at_s[-1] - at_s[0] >= MIN_SPAN_FOR_DRIFT_S:
            slope = float(np.polyfit(at_s - latest_s, offsets_s, 1)[0])
        offset_s = float(np.median(offsets_s - slope * (at_s - latest_s)))
        error_s = float(trips_s.min()) / 2
        return ClockEstimate(offset_s, slope * 1e6, error_s, latest_s, len(trips))
