"""What X11 holds for the window equals what was sent, pixel by pixel."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from signseg_rig.display.layout import Layout
from signseg_rig.experiment import MonitorSettings, StimulusSettings
from signseg_rig.values import ImageArray

pytestmark = [
    pytest.mark.display,
    pytest.mark.skipif(sys.platform != "linux", reason="pixels are read back through X11"),
    pytest.mark.skipif(find_spec("psychopy") is None, reason="PsychoPy is not installed"),
]

MONITOR: dict[str, Any] = {"width_px": 640, "height_px": 480, "is_full_screen": False}
PATIENCE_S = 10.0


def noise(height: int, width: int, *, seed: int = 0) -> ImageArray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


class Window:
    """The far end of a child's window, and what X11 holds for it."""

    def __init__(self, display_name: str, folder: Path) -> None:
        from Xlib.display import Display

        self._folder = folder
        self.x = Display(display_name)
        self._child = subprocess.Popen(
            [sys.executable, "-W", "error", str(Path(__file__).with_name("window_child.py"))],
            env={**os.environ, "DISPLAY": display_name},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._window: Any = None
        self._layout: Layout | None = None

    def order(self, do: str, **arguments: Any) -> dict[str, Any]:
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        self._child.stdin.write(json.dumps({"do": do, **arguments}) + "\n")
        self._child.stdin.flush()
        answer: dict[str, Any] = json.loads(self._child.stdout.readline())
        return answer

    def open(self, monitor: dict[str, Any] | None = None, **stimulus: Any) -> dict[str, Any]:
        monitor = {**MONITOR, **(monitor or {})}
        answer = self.order("open", monitor=monitor, stimulus=stimulus)
        if "window" in answer:
            self._window = self.x.create_resource_object("window", answer["window"])
            self._layout = Layout(
                MonitorSettings.model_validate(monitor), StimulusSettings.model_validate(stimulus)
            )
        return answer

    def load(self, key: str, image: ImageArray) -> dict[str, Any]:
        path = self._folder / f"{key}.npy"
        np.save(path, image)
        return self.order("load", key=key, path=str(path))

    def composed(self, image: ImageArray | None) -> ImageArray:
        assert self._layout is not None
        return self._layout.compose(None if image is None else self._layout.place(image))

    def grab(self) -> ImageArray:
        from Xlib.X import ZPixmap

        size = self._window.get_geometry()
        raw = self._window.get_image(0, 0, size.width, size.height, ZPixmap, 0xFFFFFFFF)
        bgrx = np.frombuffer(raw.data, dtype=np.uint8).reshape(size.height, size.width, 4)
        return bgrx[..., 2::-1]

    def root(self) -> Any:
        return self._window.query_tree().root

    def frame_like(self, expected: ImageArray) -> ImageArray:
        """Grab until it is as expected: the X server takes its time with what was flipped."""
        end_s = time.monotonic() + PATIENCE_S
        while not np.array_equal(frame := self.grab(), expected) and time.monotonic() < end_s:
            pass
        return frame

    def close(self) -> int:
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        self._child.stdin.close()
        self._child.stdout.close()
        code = self._child.wait(timeout=30)
        self.x.close()
        return code


@pytest.fixture(scope="module")
def window(x_display: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Window]:
    opened = Window(x_display, tmp_path_factory.mktemp("window"))
    yield opened
    assert opened.close() == 0


@pytest.fixture
def bare(window: Window) -> Callable[..., None]:
    """Open a window that shows an image and nothing else."""

    def open_bare(**stimulus: Any) -> None:
        nothing_else = {"fixation": {"is_shown": False}, "sync_patch": {"corner": "none"}}
        assert "error" not in window.open(**{**nothing_else, **stimulus})

    return open_bare


def test_pixels_on_the_screen_are_the_pixels_sent(
    window: Window, bare: Callable[..., None]
) -> None:
    bare()
    for seed, (height, width) in enumerate(((64, 64), (256, 256), (300, 200), (480, 640))):
        image = noise(height, width, seed=seed)
        window.load("noise", image)
        window.order("draw", key="noise")
        top, left = 240 - height // 2, 320 - width // 2
        frame = window.frame_like(window.composed(image))
        np.testing.assert_array_equal(frame[top : top + height, left : left + width], image)


def test_images_of_odd_size_are_exact_too(window: Window, bare: Callable[..., None]) -> None:
    bare()
    image = noise(255, 253)
    window.load("odd", image)
    window.order("draw", key="odd")
    expected = window.composed(image)
    np.testing.assert_array_equal(window.frame_like(expected), expected)
    np.testing.assert_array_equal(expected[112:367, 193:446], image)


def test_image_is_upright_and_not_mirrored(window: Window, bare: Callable[..., None]) -> None:
    bare()
    image = np.zeros((100, 100, 3), dtype=np.uint8)
    image[:10] = (255, 0, 0)
    image[:, :10, 1] = 255
    window.load("corner", image)
    window.order("draw", key="corner")
    frame = window.frame_like(window.composed(image))
    assert tuple(frame[190, 270]) == (255, 255, 0)
    assert tuple(frame[190, 369]) == (255, 0, 0)
    assert tuple(frame[289, 270]) == (0, 255, 0)
    assert tuple(frame[289, 369]) == (0, 0, 0)


@pytest.mark.parametrize("gray", [0, 1, 127, 128, 254])
def test_background_is_exact(window: Window, bare: Callable[..., None], gray: int) -> None:
    bare(background_gray=gray)
    frame = window.frame_like(np.full((480, 640, 3), gray, dtype=np.uint8))
    assert np.unique(frame).tolist() == [gray]


def test_frame_with_everything_is_what_the_headless_display_composes(window: Window) -> None:
    window.open(
        size_deg=3.0,
        position_deg=(-2.0, 1.5),
        fixation={"diameter_deg": 0.5, "position_deg": (-2.0, 1.0), "color_rgb": (1, 2, 250)},
        sync_patch={"corner": "top_right", "size_px": 33},
    )
    image = noise(64, 48)
    window.load("noise", image)
    for key, shown, patch in (("noise", image, 255), (None, None, 0), ("noise", image, 255)):
        window.order("draw", key=key)
        expected = window.composed(shown)
        frame = window.frame_like(expected)
        np.testing.assert_array_equal(frame, expected)
        assert np.unique(frame[:33, -33:]).tolist() == [patch]
        assert tuple(frame[33, -1]) == tuple(frame[0, -34]) == (128, 128, 128)


def test_times_are_on_one_clock(window: Window, bare: Callable[..., None]) -> None:
    bare()
    answers = [window.order("draw", key=None) for _ in range(4)]
    times = [time_s for answer in answers for time_s in (answer["flip_s"], answer["now_s"])]
    assert times == sorted(times)


def test_virtual_screen_is_paced_by_the_clock_and_says_so(
    window: Window, bare: Callable[..., None]
) -> None:
    answer = window.open()
    assert answer["is_software_paced"]
    assert any("no vertical blank" in note for note in answer["notes"])


def test_gamma_that_cannot_be_set_is_noted(window: Window) -> None:
    if window.x.has_extension("XFree86-VidModeExtension"):
        pytest.skip("this X server may be able to set a gamma")
    answer = window.open({"gamma": 2.2})
    assert any("gamma of 2.2 was not applied" in note for note in answer["notes"])
    assert not any("gamma" in note for note in window.open()["notes"])


def test_window_opens_on_a_second_screen(window: Window) -> None:
    if window.x.screen_count() < 2:
        pytest.skip("this X server has one screen")
    root = window.x.screen(1).root.get_geometry()
    size_px = {"width_px": root.width, "height_px": root.height}
    assert "error" not in window.open({**size_px, "screen": 1, "is_full_screen": True})
    assert window.root().id == window.x.screen(1).root.id
    image = noise(200, 200)
    window.load("noise", image)
    window.order("draw", key="noise")
    expected = window.composed(image)
    np.testing.assert_array_equal(window.frame_like(expected), expected)


def test_missing_screen_is_refused(window: Window) -> None:
    assert "There is no screen 7" in window.open({"screen": 7})["error"]


def test_screen_of_another_size_is_refused(window: Window) -> None:
    answer = window.open({"width_px": 123, "height_px": 77, "is_full_screen": True})
    assert "123 x 77" in answer["error"]


def test_unloaded_image_is_refused(window: Window, bare: Callable[..., None]) -> None:
    bare()
    window.load("noise", noise(16, 16))
    window.order("unload", key="noise")
    assert "never loaded" in window.order("draw", key="noise")["error"]


def test_pressed_keys_are_reported_once_and_by_name(
    window: Window, bare: Callable[..., None]
) -> None:
    from Xlib import XK, X
    from Xlib.ext import xtest

    bare()
    window.order("keys")
    window.x.set_input_focus(window._window, X.RevertToParent, X.CurrentTime)
    for name in ("p", "Escape"):
        code = window.x.keysym_to_keycode(XK.string_to_keysym(name))
        xtest.fake_input(window.x, X.KeyPress, code)
        xtest.fake_input(window.x, X.KeyRelease, code)
    window.x.sync()
    names: list[str] = []
    end_s = time.monotonic() + PATIENCE_S
    while len(names) < 2 and time.monotonic() < end_s:
        names += window.order("keys")["names"]
    assert names == ["p", "escape"]
