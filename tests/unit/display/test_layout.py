"""Where things lie on the screen."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from signseg_rig.display.layout import Layout, Rect, disc
from signseg_rig.errors import DisplayError
from signseg_rig.experiment import (
    FixationSettings,
    MonitorSettings,
    StimulusSettings,
    SyncPatchSettings,
)
from signseg_rig.values import ImageArray

MONITOR = MonitorSettings(width_px=800, height_px=600, width_cm=40, distance_cm=50)
NO_SPOT = FixationSettings(is_shown=False)
NO_PATCH = SyncPatchSettings(corner="none")


def noise(height: int, width: int) -> ImageArray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


def layout(**stimulus: object) -> Layout:
    return Layout(MONITOR, StimulusSettings.model_validate(stimulus))


@pytest.mark.parametrize(
    ("height", "width", "expected"),
    [
        (256, 256, Rect(272, 172, 256, 256)),
        (100, 300, Rect(250, 250, 300, 100)),
        (255, 253, Rect(273, 172, 253, 255)),
    ],
)
def test_native_image_keeps_its_pixels_in_the_middle(
    height: int, width: int, expected: Rect
) -> None:
    image = noise(height, width)
    placed = layout().place(image)
    assert placed.rect == expected
    np.testing.assert_array_equal(placed.pixels, image)


def test_size_in_degrees_is_that_of_the_longer_side() -> None:
    placed = layout(size_deg=5.0).place(noise(64, 128))
    # 20 pixels per cm, and 5 degrees at 50 cm are 2 * 50 * tan(2.5 degrees) cm.
    expected_px = 20 * 100 * math.tan(math.radians(2.5))
    assert placed.rect.width == pytest.approx(expected_px, abs=1)
    assert placed.rect.height == pytest.approx(expected_px / 2, abs=1)
    assert placed.rect.width % 2 == placed.rect.height % 2 == 0
    assert placed.pixels.shape == (placed.rect.height, placed.rect.width, 3)


def test_resampling_keeps_the_image_upright() -> None:
    image = np.zeros((64, 64, 3), dtype=np.uint8)
    image[:32, :, 0] = 255
    placed = layout(size_deg=4.0).place(image)
    assert (placed.pixels[0, :, 0] == 255).all()
    assert (placed.pixels[-1] == 0).all()


def test_position_is_to_the_right_and_upwards() -> None:
    rect = layout(position_deg=(4.0, 3.0)).place(noise(2, 2)).rect
    assert rect.left + 1 == round(400 + 20 * 50 * math.tan(math.radians(4)))
    assert rect.top + 1 == round(300 - 20 * 50 * math.tan(math.radians(3)))


@pytest.mark.parametrize(
    ("corner", "left", "top"),
    [
        ("top_left", 0, 0),
        ("top_right", 770, 0),
        ("bottom_left", 0, 570),
        ("bottom_right", 770, 570),
    ],
)
def test_sync_patch_is_white_with_an_image_only(corner: str, left: int, top: int) -> None:
    patch = {"corner": corner, "size_px": 30}
    of_patch = layout(sync_patch=patch, fixation=NO_SPOT)
    for has_image, color_rgb in ((True, (255, 255, 255)), (False, (0, 0, 0))):
        (fill,) = of_patch.overlay(has_image=has_image)
        assert fill.rect == Rect(left, top, 30, 30)
        assert fill.color_rgb == color_rgb


def test_composed_frame_is_background_but_for_image_spot_and_patch() -> None:
    full = layout(background_gray=77, fixation={"color_rgb": (0, 255, 0)})
    image = noise(100, 100)
    frame = full.compose(full.place(image))
    assert frame.shape == (600, 800, 3)
    assert (frame[600 - 40 :, :40] == 255).all()
    # The spot lies over the image: 0.2 degrees are 3.5 pixels, so 4.
    assert (frame[299:301, 399:401] == (0, 255, 0)).all()
    spot = (frame == (0, 255, 0)).all(axis=2)
    assert spot.sum() == 12
    under = frame[250:350, 350:450][~spot[250:350, 350:450]]
    np.testing.assert_array_equal(under, image[~spot[250:350, 350:450]])
    frame[250:350, 350:450] = 77
    frame[600 - 40 :, :40] = 77
    assert (frame == 77).all()


@given(
    diameter_px=st.integers(1, 60).map(lambda half: 2 * half),
    x=st.integers(100, 120),
    y=st.integers(90, 110),
)
def test_disc_covers_exactly_the_pixels_inside_the_circle(diameter_px: int, x: int, y: int) -> None:
    covered = np.zeros((300, 300), dtype=int)
    for rect in disc((x, y), diameter_px):
        covered[rect.slices] += 1
    rows, columns = np.mgrid[:300, :300] + 0.5
    inside = (columns - x) ** 2 + (rows - y) ** 2 <= (diameter_px / 2) ** 2
    np.testing.assert_array_equal(covered, inside.astype(int))


@pytest.mark.parametrize(
    ("stimulus", "named"),
    [
        ({"position_deg": (30.0, 0.0)}, "stimulus.position_deg"),
        ({"position_deg": (0.0, -120.0)}, "stimulus.position_deg"),
        ({"fixation": {"position_deg": (0.0, 40.0)}}, "stimulus.fixation.position_deg"),
        ({"fixation": {"position_deg": (21.7, 0.0), "diameter_deg": 2.0}}, "edge"),
        ({"sync_patch": {"size_px": 700}}, "sync patch"),
    ],
)
def test_what_lies_off_the_screen_is_refused_at_once(
    stimulus: dict[str, object], named: str
) -> None:
    with pytest.raises(DisplayError, match=named):
        layout(**stimulus)


def test_hidden_spot_and_patch_may_lie_anywhere() -> None:
    fixation = {"is_shown": False, "position_deg": (80.0, 0.0)}
    patch = {"corner": "none", "size_px": 1000}
    bare = layout(fixation=fixation, sync_patch=patch)
    assert bare.overlay(has_image=True) == bare.overlay(has_image=False) == ()


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((4, 4), dtype=np.uint8),
        np.zeros((4, 4, 4), dtype=np.uint8),
        np.zeros((4, 4, 3), dtype=np.float32),
        np.zeros((0, 4, 3), dtype=np.uint8),
    ],
)
def test_other_arrays_than_rgb_images_are_refused(image: ImageArray) -> None:
    with pytest.raises(DisplayError, match="height, width, 3"):
        layout().place(image)


def test_image_larger_than_the_screen_is_refused() -> None:
    with pytest.raises(DisplayError, match=r"1024 x 1024 px .* does not fit"):
        layout().place(noise(1024, 1024))


def test_image_that_reaches_over_the_edge_is_refused() -> None:
    with pytest.raises(DisplayError, match="does not fit"):
        layout(position_deg=(20.0, 0.0)).place(noise(100, 100))
