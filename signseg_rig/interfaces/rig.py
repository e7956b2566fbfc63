"""The hardware of a rig, real or simulated: screens and recording systems."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

from signseg_rig.interfaces.plugin import Plugin, PluginWithUnits
from signseg_rig.values import FloatArray, ImageArray, Recording, Shown


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
    def load(self, key: str, pixels: ImageArray) -> None:
        """Keep an image ready under a key.

        Parameters
        ----------
        key : str
            The sha256 of the pixels.
        pixels : (height, width, 3) uint8 array
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
        ``pixels(sha256)`` gives the image of this run with that hash. Only simulated animals,
        who have to see the screen, need it.
    """

    seed: int
    pixels: Callable[[str], ImageArray]


class ResponseSource(PluginWithUnits):
    """A recording system: gives spikes and sync edges on its own clock.

    Constructed as ``cls(settings, context)``; `start` before the first read, `stop` at the end.

    Attributes
    ----------
    unit_names : tuple of str
        At the latest when `start` has returned. Where they are there before, a protocol that wants
        a unit which is not among them is refused before anything is recorded.
    """

    @abstractmethod
    def start(self) -> None:
        """Connect, and make sure that data arrive.

        Where it raises, `stop` follows: what it has opened until then may stay open.

        Raises
        ------
        ResponseError
            The recording system does not answer, or sends no data.
        """

    @abstractmethod
    def read(
        self,
        shown: Sequence[Shown],
        *,
        block: int,
        window_s: tuple[float, float],
        timeout_s: float,
    ) -> Recording:
        """Wait for the recording of presentations and return it.

        Parameters
        ----------
        shown : sequence of Shown
            The presentations since the last read, in the order in which they were shown.
        block : int
            Number of the block that they belong to.
        window_s : (start, end), in seconds
            What is needed around every onset.
        timeout_s : float, in seconds
            How long to wait for the device's clock to pass the end of the last window. After
            that what there is is returned, and `complete_until_s` says how far it reaches. A stop
            that the experimenter wishes meanwhile is heard when this returns: do not wait longer.

        Returns
        -------
        recording : Recording

        Raises
        ------
        ResponseError
            The recording system has failed.
        """

    @abstractmethod
    def stop(self) -> None:
        """Disconnect, also where `start` failed on its way; may be called more than once."""

    def ground_truth(self) -> dict[str, FloatArray]:
        """Return what a simulated source knows about itself; nothing for a real one."""
        return {}

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException as error:
            try:
                self.stop()
            except Exception as later:  # noqa: BLE001 - the first error says what is wrong
                error.add_note(f"It could not be disconnected either: {later}")
            raise
        return self

    def __exit__(self, *_exception: object) -> None:
        self.stop()
