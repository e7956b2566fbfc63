"""Presentations, frame by frame, on a display whose clock is exact."""

from collections.abc import Callable

import numpy as np
import pytest

from signseg_rig.display.headless import HeadlessDisplay, HeadlessSettings
from signseg_rig.display.markers import Marker, NoMarker
from signseg_rig.display.presenter import Presenter
from signseg_rig.errors import DisplayError
from signseg_rig.experiment import MonitorSettings, StimulusSettings

PERIOD_S = 1 / 50


class RecordingMarker(Marker):
    def __init__(self, display: HeadlessDisplay) -> None:
        self._display = display
        self.events: list[tuple[str, float, bool]] = []

    def rise(self) -> None:
        self._note("rise")

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
    made.load("image", np.full((20, 20, 3), 200, dtype=np.uint8))
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
    return presenter.present("p1", "image", between_frames=between_frames, **frames)


def test_image_is_on_for_its_frames_and_off_for_the_others(display: HeadlessDisplay) -> None:
    seen: list[bool] = []
    present(display, lambda: seen.append(shows_image(display)))
    assert seen == [True] * 5 + [False] * 3


def test_report_tells_the_flips_that_brought_and_took_the_image(display: HeadlessDisplay) -> None:
    before_s = display.now_s()
    shown = Presenter(display, NoMarker()).present(
        "p1", "image", on_frames=5, off_frames=3, between_frames=nothing
    )
    assert shown.presentation_id == "p1"
    assert shown.pixels_sha256 == "image"
    assert shown.onset_s == pytest.approx(before_s + PERIOD_S)
    assert shown.offset_s == pytest.approx(before_s + 6 * PERIOD_S)
    assert (shown.n_frames, shown.n_dropped_frames) == (5, 0)


def test_onsets_follow_each_other_without_an_extra_frame(display: HeadlessDisplay) -> None:
    presenter = Presenter(display, NoMarker())
    onsets = [
        presenter.present(
            str(n), "image", on_frames=4, off_frames=off_frames, between_frames=nothing
        ).onset_s
        for n, off_frames in enumerate((1, 3, 2, 1))
    ]
    np.testing.assert_allclose(np.diff(onsets) / PERIOD_S, (5, 7, 6))


def test_marker_changes_at_the_flips_that_change_the_screen(display: HeadlessDisplay) -> None:
    marker = RecordingMarker(display)
    shown = Presenter(display, marker).present(
        "p1", "image", on_frames=2, off_frames=2, between_frames=nothing
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

    shown = Presenter(display, NoMarker()).present(
        "p1", "image", on_frames=5, off_frames=3, between_frames=take_too_long_sometimes
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
        presenter.present("p1", "other", on_frames=1, off_frames=1, between_frames=nothing)


def test_idle_frame_is_background(display: HeadlessDisplay) -> None:
    display.draw("image")
    display.flip()
    assert shows_image(display)
    Presenter(display, NoMarker()).idle_frame()
    assert not shows_image(display)
