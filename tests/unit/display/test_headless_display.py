"""The display without a screen."""

import numpy as np
import pytest

from signseg_rig.display.headless import HeadlessDisplay, HeadlessSettings
from signseg_rig.experiment import MonitorSettings, StimulusSettings
from signseg_rig.values import Placement

IMAGE = np.random.default_rng(0).integers(0, 256, (30, 40, 3), dtype=np.uint8)


@pytest.fixture
def display() -> HeadlessDisplay:
    made = HeadlessDisplay(
        HeadlessSettings(pacing="fast"),
        MonitorSettings(width_px=100, height_px=80),
        StimulusSettings(fixation={"is_shown": False}, sync_patch={"size_px": 10}),
    )
    made.open()
    made.load("image", IMAGE, Placement())
    return made


def test_screen_changes_with_the_flip_and_not_with_the_drawing(display: HeadlessDisplay) -> None:
    background = display.frame()
    assert (background[10:70] == 128).all()
    display.draw("image")
    np.testing.assert_array_equal(display.frame(), background)
    display.flip()
    np.testing.assert_array_equal(display.frame()[25:55, 30:70], IMAGE)


def test_unloaded_image_stays_on_the_screen_until_the_next_flip(display: HeadlessDisplay) -> None:
    display.draw("image")
    display.flip()
    display.unload("image")
    np.testing.assert_array_equal(display.frame()[25:55, 30:70], IMAGE)


def test_clock_moves_with_frames_only(display: HeadlessDisplay) -> None:
    before_s = display.now_s()
    assert display.now_s() == before_s
    assert display.flip() == display.now_s() == pytest.approx(before_s + 1 / 60)
