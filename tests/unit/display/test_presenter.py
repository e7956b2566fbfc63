"""Presentations, frame by frame, on a display whose clock is exact."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from signseg_rig.display.headless import HeadlessDisplay, HeadlessSettings
from signseg_rig.display.markers import Marker, NoMarker
from signseg_rig.display.presenter import Item, Presenter
from signseg_rig.errors import DisplayError
from signseg_rig.experiment import MonitorSettings, StimulusSettings
from signseg_rig.values import BrokenOff, Placement, Shown

PERIOD_S = 1 / 50
KEY = "a" * 64


class RecordingMarker(Marker):
    def __init__(self, display: HeadlessDisplay) -> None:
        self._display = display
        self.events: list[tuple[str, float, bool]] = []

    def rise(self, code: int | None = None) -> None:
        self._note("rise" if code is None else f"rise {code}")

    def fall(self) -> None:
        self._note("fall")

    def close(self) -> None:
        self._note("close")

    def _note(self, what: str) -> None:
        self.events.append((what, self._display.now_s(), shows_image(self._display)))


@pytest.fixture
def display() -> HeadlessDisplay:
    made = HeadlessDisplay(
        HeadlessSettings(pacing="fast"),
        MonitorSettings(width_px=100, height_px=80, refresh_rate_hz=50.0),
        StimulusSettings(sync_patch={"size_px": 8}),
    )
    made.open()
    made.load("image", np.full((20, 20, 3), 200, dtype=np.uint8), Placement())
    return made


def shows_image(display: HeadlessDisplay) -> bool:
    frame = display.frame()
    has_image, has_patch = bool((frame == 200).any()), bool((frame[-1, 0] == 255).all())
    assert has_image == has_patch
    return has_image


def nothing() -> None:
    pass


def present(
    display: HeadlessDisplay, between_frames: Callable[[], None] = nothing, **changes: int
) -> object:
    frames = {"on_frames": 5, "off_frames": 3, **changes}
    presenter = Presenter(display, NoMarker())
    return present_by(presenter, "p1", between_frames=between_frames, **frames)


def present_by(
    presenter: Presenter,
    name: str,
    *,
    on_frames: int,
    off_frames: int,
    between_frames: Callable[[], None] = nothing,
    image: str = "image",
    code: int | None = None,
) -> Any:
    """Show one image, and return the report of it."""
    item = Item(name, image, KEY, code)
    presenter.begin([item], on_frames=on_frames, off_frames=off_frames)
    reports = []
    while presenter.is_busy:
        reports.append(presenter.step())
        between_frames()
    (report,) = filter(None, reports)
    return report


def test_image_is_on_for_its_frames_and_off_for_the_others(display: HeadlessDisplay) -> None:
    seen: list[bool] = []
    present(display, lambda: seen.append(shows_image(display)))
    assert seen == [True] * 5 + [False] * 3


def test_report_tells_the_flips_that_brought_and_took_the_image(display: HeadlessDisplay) -> None:
    before_s = display.now_s()
    shown = present_by(
        Presenter(display, NoMarker()), "p1", on_frames=5, off_frames=3, between_frames=nothing
    )
    assert shown.presentation_id == "p1"
    assert shown.pixels_sha256 == KEY
    assert shown.onset_s == pytest.approx(before_s + PERIOD_S)
    assert shown.offset_s == pytest.approx(before_s + 6 * PERIOD_S)
    assert (shown.n_frames, shown.n_dropped_frames) == (5, 0)


def test_onsets_follow_each_other_without_an_extra_frame(display: HeadlessDisplay) -> None:
    presenter = Presenter(display, NoMarker())
    onsets = [
        present_by(
            presenter, str(n), on_frames=4, off_frames=off_frames, between_frames=nothing
        ).onset_s
        for n, off_frames in enumerate((1, 3, 2, 1))
    ]
    np.testing.assert_allclose(np.diff(onsets) / PERIOD_S, (5, 7, 6))


def test_marker_changes_at_the_flips_that_change_the_screen(display: HeadlessDisplay) -> None:
    marker = RecordingMarker(display)
    shown = present_by(
        Presenter(display, marker), "p1", on_frames=2, off_frames=2, between_frames=nothing
    )
    assert marker.events == [("rise", shown.onset_s, True), ("fall", shown.offset_s, False)]


@pytest.mark.parametrize(
    ("late_frames", "n_dropped"),
    [((), 0), ((0,), 1), ((4,), 1), ((0, 2, 3), 3), ((5, 6), 0)],
)
def test_frames_that_come_late_during_the_image_are_counted(
    display: HeadlessDisplay, late_frames: tuple[int, ...], n_dropped: int
) -> None:
    n_calls = 0

    def take_too_long_sometimes() -> None:
        nonlocal n_calls
        if n_calls in late_frames:
            display.flip()  # the clock moves on by a frame
        n_calls += 1

    shown = present_by(
        Presenter(display, NoMarker()),
        "p1",
        on_frames=5,
        off_frames=3,
        between_frames=take_too_long_sometimes,
    )
    assert shown.n_dropped_frames == n_dropped


@pytest.mark.parametrize("frames", [{"on_frames": 0}, {"off_frames": 0}])
def test_presentation_without_an_edge_is_refused(
    display: HeadlessDisplay, frames: dict[str, int]
) -> None:
    with pytest.raises(DisplayError, match="at least one"):
        present(display, **frames)


def test_image_that_was_never_loaded_is_refused(display: HeadlessDisplay) -> None:
    presenter = Presenter(display, NoMarker())
    with pytest.raises(DisplayError, match="never loaded"):
        present_by(presenter, "p1", on_frames=1, off_frames=1, image="other")


def test_idle_frame_is_background(display: HeadlessDisplay) -> None:
    display.draw("image")
    display.flip()
    assert shows_image(display)
    Presenter(display, NoMarker()).idle_frame()
    assert not shows_image(display)


def test_marker_gets_the_code_of_its_image(display: HeadlessDisplay) -> None:
    marker = RecordingMarker(display)
    shown = present_by(Presenter(display, marker), "p1", on_frames=2, off_frames=2, code=77)
    assert marker.events[0][0] == "rise 77"
    assert shown.code == 77


def test_code_that_no_marker_passes_on_is_not_reported(display: HeadlessDisplay) -> None:
    shown = present_by(Presenter(display, NoMarker()), "p1", on_frames=2, off_frames=2, code=77)
    assert shown.code is None


class Gaze:
    """Fixation as frame by frame it is told: w waits, f fixates, b breaks."""

    def __init__(self, frames: str) -> None:
        self._frames = iter(frames)
        self._now = next(self._frames)
        self._read_s: float | None = None

    def may_begin(self, now_s: float) -> bool:
        return self._at(now_s) == "f"

    def broken(self, now_s: float) -> str | None:
        return "fixation broken" if self._at(now_s) == "b" else None

    def _at(self, now_s: float) -> str:
        if self._read_s is not None and now_s > self._read_s:
            self._now = next(self._frames, self._now)
        self._read_s = now_s
        return self._now


def reports_of(display: HeadlessDisplay, gaze: str, n_items: int) -> tuple[list[Any], list[bool]]:
    presenter = Presenter(display, NoMarker(), Gaze(gaze))
    items = [Item(f"p{number}", "image", KEY) for number in range(n_items)]
    presenter.begin(items, on_frames=3, off_frames=2)
    reports, seen = [], []
    while presenter.is_busy:
        reports.append(presenter.step())
        seen.append(shows_image(display))
    return [report for report in reports if report is not None], seen


def test_image_waits_until_it_may_begin(display: HeadlessDisplay) -> None:
    (shown,), seen = reports_of(display, "wwwf", 1)
    assert isinstance(shown, Shown)
    assert seen == [False] * 3 + [True] * 3 + [False] * 2


def test_image_goes_when_it_is_broken_off(display: HeadlessDisplay) -> None:
    before_s = display.now_s()
    (broken, shown), seen = reports_of(display, "ffbff", 2)
    assert broken == BrokenOff(
        "p0",
        "fixation broken",
        pytest.approx(before_s + PERIOD_S),
        pytest.approx(before_s + 3 * PERIOD_S),
    )
    assert isinstance(shown, Shown)
    assert seen == [True] * 2 + [False] * 2 + [True] * 3 + [False] * 2


def test_image_that_never_began_has_no_times(display: HeadlessDisplay) -> None:
    (broken,), seen = reports_of(display, "wwb", 1)
    assert broken == BrokenOff("p0", "fixation broken")
    assert not any(seen)


def test_halt_finishes_the_image_and_begins_no_other(display: HeadlessDisplay) -> None:
    presenter = Presenter(display, NoMarker())
    presenter.begin([Item(f"p{n}", "image", KEY) for n in range(3)], on_frames=3, off_frames=2)
    presenter.step()
    presenter.halt()
    reports = []
    while presenter.is_busy:
        reports.append(presenter.step())
    (shown,) = filter(None, reports)
    assert shown.presentation_id == "p0"
    assert shown.n_frames == 3
    assert len(reports) == 4


def test_halt_ends_the_waiting(display: HeadlessDisplay) -> None:
    presenter = Presenter(display, NoMarker(), Gaze("w"))
    presenter.begin([Item("p0", "image", KEY)], on_frames=3, off_frames=2)
    presenter.step()
    assert presenter.is_busy
    presenter.halt()
    assert not presenter.is_busy


def test_abandoned_image_is_gone_with_the_next_frame(display: HeadlessDisplay) -> None:
    marker = RecordingMarker(display)
    presenter = Presenter(display, marker)
    presenter.begin([Item("p0", "image", KEY)], on_frames=3, off_frames=2)
    presenter.step()
    presenter.abandon()
    presenter.step()
    assert not shows_image(display)
    assert [what for what, _, _ in marker.events] == ["rise", "fall"]
