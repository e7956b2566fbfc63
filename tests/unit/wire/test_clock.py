"""The estimate of the display's clock against clocks of known offset and drift."""

import numpy as np
import pytest

from signseg_rig.wire.clock import ClockEstimator


def heartbeats(
    offset_s: float, drift_ppm: float, *, n: int, interval_s: float, seed: int = 0
) -> ClockEstimator:
    """Simulate round trips whose two ways take different, random times."""
    rng = np.random.default_rng(seed)
    estimator = ClockEstimator()

    def display_clock(loop_s: float) -> float:
        return offset_s + loop_s * (1 + drift_ppm * 1e-6)

    for sent_s in np.arange(n) * interval_s:
        there_s = 1e-4 + rng.exponential(4e-3)  # waits for a flip
        back_s = 1e-4 + rng.exponential(2e-4)
        received = display_clock(sent_s + there_s)
        returned = display_clock(sent_s + there_s + 1e-3)
        estimator.add(sent_s, received, returned, sent_s + there_s + 1e-3 + back_s)
    return estimator


@pytest.mark.parametrize("drift_ppm", [-80.0, 0.0, 35.0])
@pytest.mark.parametrize("offset_s", [-3.0, 1e5])
def test_finds_offset_and_drift(offset_s: float, drift_ppm: float) -> None:
    estimate = heartbeats(offset_s, drift_ppm, n=400, interval_s=0.5).estimate()
    assert estimate is not None
    true_offset_s = offset_s + estimate.at_loop_s * drift_ppm * 1e-6
    assert estimate.offset_s == pytest.approx(true_offset_s, abs=2e-3)
    assert estimate.drift_ppm == pytest.approx(drift_ppm, abs=15)


@pytest.mark.parametrize("n", [1, 2, 7, 19, 40, 400])
@pytest.mark.parametrize("drift_ppm", [-120.0, 0.0, 120.0])
def test_the_offset_is_within_its_error(drift_ppm: float, n: int) -> None:
    for seed in range(50):
        estimate = heartbeats(7.0, drift_ppm, n=n, interval_s=0.5, seed=seed).estimate()
        assert estimate is not None
        true_offset_s = 7.0 + estimate.at_loop_s * drift_ppm * 1e-6
        # Within a trip the clocks drift as well, by less than a microsecond.
        assert abs(estimate.offset_s - true_offset_s) <= estimate.error_s + 1e-6


def test_the_error_shrinks_with_the_trips() -> None:
    estimate = heartbeats(7.0, 30.0, n=400, interval_s=0.5).estimate()
    assert estimate is not None
    assert estimate.error_s < 2e-3


def test_a_symmetric_trip_is_exact() -> None:
    estimator = ClockEstimator()
    estimator.add(10.0, 15.25, 15.25, 10.5)
    estimate = estimator.estimate()
    assert estimate is not None
    assert estimate.offset_s == pytest.approx(5.0)
    assert estimate.error_s == pytest.approx(0.25)
    assert estimate.drift_ppm == 0.0


def test_knows_nothing_before_the_first_heartbeat() -> None:
    assert ClockEstimator().estimate() is None
