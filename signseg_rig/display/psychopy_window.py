"""The window on a real screen, opened and flipped by PsychoPy."""

from __future__ import annotations

import os
import sys
import time
import warnings
from typing import Any, ClassVar, NamedTuple

import numpy as np

from signseg_rig.display.gl_canvas import GlCanvas
from signseg_rig.display.layout import Layout, Rect
from signseg_rig.display.pacing import GridClock, judge_refresh
from signseg_rig.display.psychopy_import import import_psychopy
from signseg_rig.display.settings import DisplaySettings
from signseg_rig.errors import DisplayError
from signseg_rig.experiment import MonitorSettings, StimulusSettings
from signseg_rig.interfaces import Display
from signseg_rig.settings import Settings
from signseg_rig.values import ImageArray, Placement

N_WARM_UP_FLIPS = 10
N_MEASURED_FLIPS = 45


class PsychopySettings(DisplaySettings):
    """Screen, size and rate are the monitor's; here is only the marker."""


class _Texture(NamedTuple):
    handle: Any
    rect: Rect


class PsychopyDisplay(Display):
    """Shows images on a screen, pixel by pixel and frame by frame.

    PsychoPy opens the window, sets the gamma, waits for the vertical blank and reads the
    keyboard; `GlCanvas` paints. Times are read from the computer's monotonic clock as soon as a
    flip returns.

    Parameters
    ----------
    settings : PsychopySettings
    monitor : MonitorSettings
    stimulus : StimulusSettings

    Raises
    ------
    DisplayError
        Something is to be shown off the screen.
    """

    Config: ClassVar[type[Settings]] = PsychopySettings
    required_packages = ("psychopy",)

    def __init__(
        self,
        settings: PsychopySettings,  # noqa: ARG002 - the marker is opened by the display process
        monitor: MonitorSettings,
        stimulus: StimulusSettings,
    ) -> None:
        self._monitor = monitor
        self._layout = Layout(monitor, stimulus)
        self._textures: dict[str, _Texture] = {}
        self._window: Any = None
        self._event: Any = None
        self._opened_canvas: GlCanvas | None = None
        self._pacer: GridClock | None = None
        self.refresh_rate_hz = monitor.refresh_rate_hz
        self.size_px = self._layout.size_px
        self.is_software_paced = False
        self.notes: list[str] = []

    def open(self) -> None:
        """Open the window, measure its refresh rate, set the gamma and show the background."""
        self._pacer, self.is_software_paced = None, False
        self.notes.clear()
        visual = _import_visual()
        self._event = import_psychopy("psychopy.event")
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                self._open_window(visual)
            self._measure_refresh()
            self._set_gamma()
            self.draw(None)
            self.flip()
            self.pressed_keys()
        except BaseException:
            self.close()
            raise

    def load(self, key: str, pixels: ImageArray, placement: Placement) -> None:
        """Keep an image on the graphics card, at the size at which it is shown."""
        placed = self._layout.place(pixels, placement)
        self.unload(key)
        self._textures[key] = _Texture(self._canvas.upload(placed.pixels), placed.rect)

    def unload(self, key: str) -> None:
        """Free an image's memory; one that is on the screen stays there until the next flip."""
        if texture := self._textures.pop(key, None):
            self._canvas.discard(texture.handle)

    def draw(self, key: str | None) -> None:
        """Paint the whole next frame, so that nothing of an earlier one is left."""
        if key is not None and key not in self._textures:
            raise DisplayError(f"The image {key!r} is to be drawn but was never loaded.")
        self._canvas.fill_all(self._layout.background_rgb)
        if key is not None:
            texture = self._textures[key]
            self._canvas.blit(texture.handle, texture.rect)
        for rect, color_rgb in self._layout.overlay(has_image=key is not None):
            self._canvas.fill(rect, color_rgb)

    def flip(self) -> float:
        """Show what was drawn at the next vertical blank, or at the clock's next frame."""
        if self._pacer is not None:
            self._pacer.next_frame()
        self._window.flip(clearBuffer=False)
        return self.now_s()

    def now_s(self) -> float:
        """Read the computer's monotonic clock."""
        return time.perf_counter()

    def pressed_keys(self) -> list[str]:
        """List pressed keys by PsychoPy's names, such as ``"escape"``."""
        return [str(name) for name in self._event.getKeys()]

    def close(self) -> None:
        """Close the window and restore the gamma that the screen had before."""
        if self._window is not None:
            self._window.close()
        self._window = None
        self._opened_canvas = None
        self._textures.clear()

    @property
    def _canvas(self) -> GlCanvas:
        if self._opened_canvas is None:
            raise DisplayError("The window is not open: 'open' comes before anything else.")
        return self._opened_canvas

    def _open_window(self, visual: Any) -> None:
        width_px, height_px = self.size_px
        monitor = self._monitor
        try:
            self._window = visual.Window(
                size=(width_px, height_px),
                screen=monitor.screen,
                fullscr=monitor.is_full_screen,
                allowGUI=False,
                winType="pyglet",
                units="pix",
                color=self._layout.background_rgb,
                colorSpace="rgb255",
                waitBlanking=True,
                checkTiming=False,
                autoLog=False,
            )
        except Exception as error:
            raise DisplayError(
                f"No window of {width_px} x {height_px} px can be opened on screen "
                f"{monitor.screen}: {type(error).__name__}: {error}. Check the graphics driver, "
                f"and 'screen' under [monitor]."
            ) from error
        _require_screen(self._window.winHandle, monitor.screen)
        self._window.mouseVisible = False
        self._window.winHandle.activate()
        actual_px = tuple(int(length) for length in self._window.winHandle.get_size())
        if actual_px != self.size_px:
            raise DisplayError(
                f"The window came out {actual_px[0]} x {actual_px[1]} px large, but [monitor] "
                f"says {width_px} x {height_px}: images would be of the wrong size in degrees. "
                f"Correct 'width_px' and 'height_px', or the resolution of screen "
                f"{monitor.screen}."
            )
        self._opened_canvas = GlCanvas(sys.modules["pyglet.gl"], self.size_px)

    def _measure_refresh(self) -> None:
        times_s = []
        for _ in range(N_WARM_UP_FLIPS + N_MEASURED_FLIPS):
            self._canvas.fill_all(self._layout.background_rgb)
            times_s.append(self.flip())
        refresh = judge_refresh(
            np.diff(times_s[N_WARM_UP_FLIPS - 1 :]),
            nominal_hz=self._monitor.refresh_rate_hz,
            is_software_rendered=self._canvas.is_software_rendered,
        )
        self.refresh_rate_hz = refresh.rate_hz
        if not refresh.has_vertical_blank:
            self.is_software_paced = True
            self._pacer = GridClock(refresh.rate_hz)
            self.notes.append(
                "The screen gives no vertical blank to wait for: frames were timed by the "
                "computer's clock and may be late by some milliseconds, or torn."
            )

    def _set_gamma(self) -> None:
        gamma = self._monitor.gamma
        if gamma is None:
            return
        reason = "the system ignores it"
        try:
            self._window.gamma = gamma
            ramp = self._window.backend.getGammaRamp()
            if ramp is not None and _is_ramp_of(ramp, gamma):
                return
        except (OSError, TypeError, ValueError) as error:
            reason = str(error).split(". ", maxsplit=1)[0]
        self.notes.append(
            f"The gamma of {gamma:g} was not applied ({reason}): luminance is not linear in the "
            f"pixel values. Set it in the system's colour settings, or leave 'gamma' out."
        )


def _import_visual() -> Any:
    if sys.platform == "linux" and not os.environ.get("DISPLAY"):
        raise DisplayError(
            "There is no screen: DISPLAY is not set. Start from a desktop session, or start a "
            "virtual screen ('Xvfb :99 -screen 0 1280x720x24 &', then 'export DISPLAY=:99'), or "
            'choose the display kind = "headless".'
        )
    # There is one window only: it shares no textures with a hidden one, which pyglet would make on
    # the first screen, so that the window could be on no other X screen.
    import_psychopy("pyglet").options["shadow_window"] = False
    return import_psychopy("psychopy.visual")


def _require_screen(handle: Any, screen: int) -> None:
    """Refuse a screen that is not there; PsychoPy would silently take the first one."""
    display = handle.display
    n_screens = len(display.get_screens())
    # An X server may count its screens itself, or make one of several monitors.
    if screen not in (0, display.x_screen) and screen >= n_screens:
        raise DisplayError(
            f"There is no screen {screen}: this computer has {n_screens}, counted from 0. "
            f"Correct 'screen' under [monitor], or connect the screen."
        )


def _is_ramp_of(ramp: Any, gamma: float) -> bool:
    expected = np.linspace(0, 1, ramp.shape[1]) ** (1 / gamma)
    # Graphics cards keep 8 to 16 bits of it.
    return bool(np.allclose(ramp, expected, atol=1 / 128))
