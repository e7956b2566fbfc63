"""A display without a screen, for tests, simulations and dry runs."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from signseg_rig.display.layout import Layout, Placed
from signseg_rig.display.pacing import FrameClock, GridClock, VirtualClock
from signseg_rig.display.settings import DisplaySettings
from signseg_rig.errors import DisplayError
from signseg_rig.experiment import MonitorSettings, StimulusSettings
from signseg_rig.interfaces import Display
from signseg_rig.settings import Settings
from signseg_rig.values import ImageArray, Placement


class HeadlessSettings(DisplaySettings):
    """Frames come at the monitor's rate (``"realtime"``) or take no time (``"fast"``)."""

    pacing: Literal["realtime", "fast"] = "realtime"


class HeadlessDisplay(Display):
    """Keeps frames in memory, where `frame` can look at them.

    Parameters
    ----------
    settings : HeadlessSettings
    monitor : MonitorSettings
    stimulus : StimulusSettings

    Raises
    ------
    DisplayError
        Something is to be shown off the screen.
    """

    Config: ClassVar[type[Settings]] = HeadlessSettings
    needs_screen: ClassVar[bool] = False

    def __init__(
        self, settings: HeadlessSettings, monitor: MonitorSettings, stimulus: StimulusSettings
    ) -> None:
        clock_type = GridClock if settings.pacing == "realtime" else VirtualClock
        self._clock: FrameClock = clock_type(monitor.refresh_rate_hz)
        self._layout = Layout(monitor, stimulus)
        self._images: dict[str, Placed] = {}
        self._drawn: Placed | None = None
        self._shown: Placed | None = None
        self.refresh_rate_hz = monitor.refresh_rate_hz
        self.size_px = self._layout.size_px
        self.is_software_paced = True
        self.notes = ["This display is headless: nothing was shown on a screen."]

    def open(self) -> None:
        """Show the background."""
        self.draw(None)
        self.flip()

    def load(self, key: str, pixels: ImageArray, placement: Placement) -> None:
        """Keep an image, at the size at which it is shown."""
        self._images[key] = self._layout.place(pixels, placement)

    def unload(self, key: str) -> None:
        """Forget an image; one that is on the screen stays there until the next flip."""
        self._images.pop(key, None)

    def draw(self, key: str | None) -> None:
        """Choose what the next frame shows."""
        if key is not None and key not in self._images:
            raise DisplayError(f"The image {key!r} is to be drawn but was never loaded.")
        self._drawn = None if key is None else self._images[key]

    def flip(self) -> float:
        """Wait for the next frame and show what was drawn."""
        time_s = self._clock.next_frame()
        self._shown = self._drawn
        return time_s

    def now_s(self) -> float:
        """Read the clock; with fast pacing it moves on with frames only."""
        return self._clock.now_s()

    def rest(self) -> None:
        """Let time pass after a pass, where frames take none."""
        self._clock.rest()

    @classmethod
    def keeps_time(cls, settings: Any) -> bool:
        """Return whether frames take time; see `Display.keeps_time`."""
        return bool(settings.pacing == "realtime")

    def pressed_keys(self) -> list[str]:
        """List no keys: there is no window to press them in."""
        return []

    def close(self) -> None:
        """Forget all images."""
        self._images.clear()

    def frame(self) -> ImageArray:
        """Compose what is on the screen since the last flip.

        Returns
        -------
        frame : (height_px, width_px, 3) uint8 array
        """
        return self._layout.compose(self._shown)
