"""When frames come."""

import numpy as np
import pytest

from signseg_rig.display.pacing import GridClock, VirtualClock, judge_refresh
from signseg_rig.errors import DisplayError


class Time:
    """A clock that moves only when somebody sleeps or is told to."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def read_s(self) -> float:
        return self.now_s

    def sleep(self, duration_s: float) -> None:
        # A system may wake a sleeper too early.
        self.now_s += max(0.7 * duration_s, 1e-9)


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def clock(time: Time) -> GridClock:
    return GridClock(50.0, read_s=time.read_s, sleep=time.sleep)


def test_virtual_frames_are_exact_after_an_hour() -> None:
    clock = VirtualClock(60.0)
    for _ in range(60 * 3600):
        clock.next_frame()
    assert clock.now_s() == 3600.0


def test_grid_does_not_drift(time: Time, clock: GridClock) -> None:
    for _ in range(1000):
        time.now_s += 0.013
        clock.next_frame()
    assert time.now_s == pytest.approx(100 + 1000 * 0.02, abs=1e-6)


def test_slightly_late_frame_comes_at_once_and_the_next_on_the_grid(
    time: Time, clock: GridClock
) -> None:
    time.now_s += 0.029
    assert clock.next_frame() == pytest.approx(100.029)
    assert clock.next_frame() == pytest.approx(100.04)


def test_frame_later_than_half_a_period_waits_for_the_grid(time: Time, clock: GridClock) -> None:
    time.now_s += 0.031
    assert clock.next_frame() == pytest.approx(100.04)
    assert clock.next_frame() == pytest.approx(100.06)


def test_grid_is_kept_after_a_long_rest(time: Time, clock: GridClock) -> None:
    time.now_s += 3600.0115
    frames = [clock.next_frame() for _ in range(3)]
    np.testing.assert_allclose(np.diff(frames), 0.02, atol=1e-6)
    assert frames[0] == pytest.approx(3700.02)


def test_screen_at_the_rate_of_the_file_tells_its_true_rate() -> None:
    intervals = np.full(45, 1 / 59.94)
    intervals[::9] *= 2  # dropped frames are no slower screen
    refresh = judge_refresh(intervals, nominal_hz=60.0, is_software_rendered=False)
    assert refresh.has_vertical_blank
    assert refresh.rate_hz == pytest.approx(59.94)


@pytest.mark.parametrize("measured_hz", [50.0, 58.5, 61.5, 120.0, 240.0, 600.0])
def test_screen_at_another_rate_is_refused_with_both_rates(measured_hz: float) -> None:
    intervals = np.full(45, 1 / measured_hz)
    with pytest.raises(DisplayError, match=rf"{measured_hz:.2f} Hz.*refresh_rate_hz.*60"):
        judge_refresh(intervals, nominal_hz=60.0, is_software_rendered=False)


@pytest.mark.parametrize(("measured_hz", "is_software_rendered"), [(4000.0, False), (45.0, True)])
def test_flips_that_wait_for_no_screen_are_timed_by_the_clock(
    measured_hz: float, is_software_rendered: bool
) -> None:
    refresh = judge_refresh(
        np.full(45, 1 / measured_hz), nominal_hz=60.0, is_software_rendered=is_software_rendered
    )
    assert refresh == (60.0, False)
