"""The hardware of a rig, real or simulated: screens and recording systems."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from signseg_rig.interfaces.plugin import Plugin, PluginWithUnits
from signseg_rig.values import Chunk, FloatArray, ImageArray, PassPlan, Placement, Shown, SourceInfo


class Display(Plugin):
    """A screen that shows one image at a time, frame by frame.

    Constructed as ``cls(settings, monitor, stimulus)``; it lives in the display process and is
    used by one thread.

    Attributes
    ----------
    refresh_rate_hz : float
        Frames per second that `flip` keeps.
    size_px : (width, height)
    is_software_paced : bool
        Whether `flip` waits by the clock, because the screen gives no vertical blank to wait for.
    notes : list of str
        What the experimenter should know about this screen, such as a gamma that was not applied.
    needs_screen : bool
        Whether `open` needs a screen; where there is none a virtual one is started in dry runs.
    """

    needs_screen: ClassVar[bool] = True
    notes: list[str]
    refresh_rate_hz: float
    size_px: tuple[int, int]
    is_software_paced: bool

    @abstractmethod
    def open(self) -> None:
        """Open the screen and show the background.

        Raises
        ------
        DisplayError
            There is no screen, or it cannot do what the settings ask for.
        """

    @abstractmethod
    def load(self, key: str, pixels: ImageArray, placement: Placement) -> None:
        """Keep an image ready under a key.

        Parameters
        ----------
        key : str
            One for an image and its place: the same image may be shown at several.
        pixels : (height, width, 3) uint8 array
        placement : Placement

        Raises
        ------
        DisplayError
            It does not fit the screen there.
        """

    @abstractmethod
    def unload(self, key: str) -> None:
        """Forget an image."""

    @abstractmethod
    def draw(self, key: str | None) -> None:
        """Draw an image, or the background alone, into the frame that comes next.

        With an image the sync patch is white, without one it is black.
        """

    @abstractmethod
    def flip(self) -> float:
        """Wait for the next frame, show what was drawn, and tell when.

        Returns
        -------
        time_s : float, in seconds
            On the clock of `now_s`.
        """

    @abstractmethod
    def now_s(self) -> float:
        """Read the display's clock."""

    def rest(self) -> None:
        """Learn that a pass is over; only a clock that moves on with frames alone needs to."""

    @classmethod
    def keeps_time(cls, settings: Any) -> bool:  # noqa: ARG003
        """Return whether its frames take the time that they should take.

        Parameters
        ----------
        settings : Settings
            An instance of `Config`.
        """
        return True

    @abstractmethod
    def pressed_keys(self) -> list[str]:
        """List the keys pressed in the display's window since the last call."""

    @abstractmethod
    def close(self) -> None:
        """Close the screen; may be called more than once."""


@dataclass(frozen=True, slots=True)
class SourceContext:
    """What a response source is given besides its settings.

    Parameters
    ----------
    seed : int
        Seed of the run.
    pixels : callable
        ``pixels(sha256)`` gives the image of this run with that hash, to any thread. Only simulated
        animals, who have to see the screen, need it.
    window_s : (start, end), in seconds
        What is counted around every onset.
    keeps_time : bool
        Whether the display's frames take time; in a dry run they need not.
    """

    seed: int
    pixels: Callable[[str], ImageArray]
    window_s: tuple[float, float] = (0.0, 0.2)
    keeps_time: bool = True


class ResponseSource(PluginWithUnits):
    """A recording system that streams spikes and sync events, on its own clock.

    Constructed as ``cls(settings, context)``, which connects to nothing. All else is called by one
    thread, in this order: `start`; then `poll` again and again, and `begin`, `saw` and `end` for
    each pass between two of them; at last `stop`. It need not align anything, sort anything, wait
    for anything, nor remember what it has told: that is done for all recording systems alike.
    """

    @abstractmethod
    def start(self) -> SourceInfo:
        """Connect, make sure that data arrive, and tell what the system offers.

        Where it raises, `stop` follows: what it has opened until then may stay open.

        Returns
        -------
        info : SourceInfo

        Raises
        ------
        ResponseError
            The recording system does not answer, or sends no data.
        """

    def begin(self, plan: PassPlan) -> None:
        """Learn that a pass, or what is left of one, is going to be shown.

        For a system that keeps a file or a marker for each pass. Returns within a second.
        """

    def saw(self, shown: Shown) -> None:
        """Learn what was on the screen, a moment after it was; only simulated animals need to."""

    def end(self, plan: PassPlan) -> None:
        """Learn that nothing more of a pass will be shown.

        The windows of the last images may not be over: a system that closes a file closes it later,
        when its clock has passed them.
        """

    @abstractmethod
    def poll(self) -> Chunk | None:
        """Return what has come since the last call.

        It waits for nothing: where nothing has come, or only a part of something, it returns at
        once, within 0.1 s in any case. It is called again at once until it returns None.

        Returns
        -------
        chunk : Chunk or None
            Of one run of the device's clock: what came after a restart is for the next call.

        Raises
        ------
        ResponseError
            The recording system has failed for good. What a run may outlive, such as a lost
            message, is told as an invalid stretch and a fault in the chunk.
        """

    @abstractmethod
    def stop(self) -> None:
        """Disconnect, also where `start` failed on its way; may be called more than once."""

    def ground_truth(self) -> dict[str, FloatArray]:
        """Return what a simulated source knows about itself; nothing for a real one."""
        return {}
