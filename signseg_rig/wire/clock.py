"""Offset and drift between the display's clock and the loop's, from heartbeats."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

from signseg_rig.limits import MAX_DRIFT

MIN_SPAN_FOR_DRIFT_S = 10.0
# Heartbeats; older ones are forgotten.
N_KEPT = 512


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
        Bound of the offset's error at `at_loop_s`, while the drift is constant.
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


class ClockEstimator:
    """Collects round trips and estimates offset and drift from the quickest of them.

    Notes
    -----
    With t0 and t3 on the loop's clock and t1, t2 on the display's, the offset of one round trip is
    ((t1 - t0) + (t2 - t3)) / 2, wrong by at most half of what the trip took (Mills 1991, NTP). A
    message that waited for a flip has a long trip, so only the quickest quarter is used.

    With w the weights of the least-squares slope and E half the trips, the slope is wrong by at
    most sum(|w| E), hence what a trip says of the latest moment by at most E plus that times its
    age; and a median is wrong by at most the median of such bounds.
    """

    def __init__(self) -> None:
        self._trips: deque[tuple[float, float, float]] = deque(maxlen=N_KEPT)

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
        offsets_s, errors_s = offsets_s[quick], trips_s[quick] / 2
        latest_s = float(at_s[quick][-1])
        ages_s = latest_s - at_s[quick]
        slope, slope_error = 0.0, MAX_DRIFT
        if ages_s[0] >= MIN_SPAN_FOR_DRIFT_S:
            deviations_s = ages_s.mean() - ages_s
            weights = deviations_s / (deviations_s @ deviations_s)
            slope = float(weights @ offsets_s)
            slope_error = float(np.abs(weights) @ errors_s)
        offset_s = float(np.median(offsets_s + slope * ages_s))
        error_s = float(np.median(errors_s + slope_error * ages_s))
        return ClockEstimate(offset_s, slope * 1e6, error_s, latest_s, len(trips))
