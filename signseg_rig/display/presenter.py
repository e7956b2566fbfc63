"""Present images frame by frame, and report when they were on the screen.

A state machine that is stepped once a frame, and whose only clock is the display's: from the
background it waits until a presentation may begin, shows the image, then the background after it.
A presentation may be broken off while it waits and while its image is shown.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Literal, NamedTuple, Protocol

from signseg_rig.display.markers import Marker
from signseg_rig.errors import DisplayError
from signseg_rig.interfaces import Display
from signseg_rig.values import BrokenOff, Shown

# A frame that comes later than this many periods after the one before was dropped.
LATE_PERIODS = 1.5

State = Literal["background", "waiting", "on", "off"]


class Item(NamedTuple):
    """A presentation to be shown.

    Parameters
    ----------
    id : str
    image : str
        Under which it was loaded.
    pixels_sha256 : str
    code : int or None
        For the marker.
    """

    id: str
    image: str
    pixels_sha256: str
    code: int | None = None


class Gate(Protocol):
    """Says whether an image may be shown, such as while the animal fixates; asked every frame."""

    def may_begin(self, now_s: float) -> bool:
        """Return whether a presentation that waits may begin."""

    def broken(self, now_s: float) -> str | None:
        """Return why a presentation is over, such as "fixation broken"; None where it is not."""


class OpenGate:
    """Lets everything pass."""

    def may_begin(self, now_s: float) -> bool:  # noqa: ARG002
        """Return True."""
        return True

    def broken(self, now_s: float) -> str | None:  # noqa: ARG002
        """Return None."""
        return None


@dataclass(slots=True)
class _Showing:
    """One presentation that is under way."""

    item: Item
    flips_s: list[float] = field(default_factory=list)
    n_frames: int = 0
    n_background: int = 0


class Presenter:
    """Shows one image after the other on an open display.

    Parameters
    ----------
    display : Display
        Open.
    marker : Marker
        Raised at the flip that brings an image, lowered at the one that takes it away.
    gate : Gate, optional

    Attributes
    ----------
    state : {"background", "waiting", "on", "off"}
        What the latest frame showed.
    """

    def __init__(self, display: Display, marker: Marker, gate: Gate | None = None) -> None:
        self.state: State = "background"
        self._display = display
        self._marker = marker
        self._gate: Gate = gate or OpenGate()
        self._items: deque[Item] = deque()
        self._showing: _Showing | None = None
        self._on_frames = self._off_frames = 1
        self._now_s = display.now_s()

    @property
    def is_busy(self) -> bool:
        """Whether there is something left to be shown, background after an image included."""
        return bool(self._items) or self._showing is not None

    @property
    def held_images(self) -> set[str]:
        """Names of the images that are still to be drawn."""
        images = {item.image for item in self._items}
        return images | ({self._showing.item.image} if self._showing else set())

    def begin(self, items: Iterable[Item], *, on_frames: int, off_frames: int) -> None:
        """Take presentations, to be shown by `step`.

        The flip after the last background frame belongs to the next presentation, so onsets
        follow each other every ``on_frames + off_frames`` frames.

        Parameters
        ----------
        items : iterable of Item
        on_frames, off_frames : int, >= 1
            At least one frame of background, or neither photodiode nor marker would fall
            between two images.

        Raises
        ------
        DisplayError
            A count is below 1.
        """
        if on_frames < 1 or off_frames < 1:
            raise DisplayError(
                f"Images are to be shown for {on_frames} frames and the background after them for "
                f"{off_frames}; both need at least one, or no edge of the sync line would mark "
                "them. Lengthen 'on_ms' or 'off_ms' under [stimulus]."
            )
        self._items = deque(items)
        self._on_frames, self._off_frames = on_frames, off_frames

    def halt(self) -> None:
        """Begin no further presentation; the one under way is finished."""
        self._items.clear()
        if self._showing is not None and self.state == "waiting":
            self._showing = None

    def abandon(self) -> None:
        """Forget all that is to be shown: the next frame is background."""
        self._items.clear()
        if self.state == "on":
            self._marker.fall()
        self._showing = None

    def step(self) -> Shown | BrokenOff | None:
        """Show the next frame.

        Returns
        -------
        report : Shown, BrokenOff or None
            Once an image has gone.

        Raises
        ------
        DisplayError
            An image was not loaded, or the screen or the marker fails.
        """
        if self._showing is None and self._items:
            self._showing = _Showing(self._items.popleft())
            self.state = "waiting"
        if self._showing is None:
            self._flip(None, "background")
            return None
        match self.state:
            case "waiting":
                return self._wait(self._showing)
            case "on":
                return self._go_on(self._showing)
            case _:
                self._rest(self._showing)
                return None

    def idle_frame(self) -> None:
        """Show the background for a frame."""
        self._flip(None, "background")

    def _wait(self, showing: _Showing) -> BrokenOff | None:
        if self._gate.may_begin(self._now_s):
            showing.flips_s.append(self._flip(showing.item.image, "on"))
            self._marker.rise(showing.item.code)
            showing.n_frames = 1
            return None
        if reason := self._gate.broken(self._now_s):
            self._flip(None, "background")
            self._showing = None
            return BrokenOff(showing.item.id, reason)
        self._flip(None, "waiting")
        return None

    def _go_on(self, showing: _Showing) -> Shown | BrokenOff | None:
        reason = self._gate.broken(self._now_s)
        if reason is None and showing.n_frames < self._on_frames:
            showing.flips_s.append(self._flip(showing.item.image, "on"))
            showing.n_frames += 1
            return None
        showing.flips_s.append(self._flip(None, "off"))
        self._marker.fall()
        self._background(showing)
        onset_s, offset_s = showing.flips_s[0], showing.flips_s[-1]
        if reason is not None:
            return BrokenOff(showing.item.id, reason, onset_s, offset_s)
        return Shown(
            presentation_id=showing.item.id,
            pixels_sha256=showing.item.pixels_sha256,
            onset_s=onset_s,
            offset_s=offset_s,
            n_frames=showing.n_frames,
            n_dropped_frames=self._n_late(showing.flips_s),
            code=showing.item.code if self._marker.has_codes else None,
        )

    def _rest(self, showing: _Showing) -> None:
        self._flip(None, "off")
        self._background(showing)

    def _background(self, showing: _Showing) -> None:
        showing.n_background += 1
        if showing.n_background >= self._off_frames:
            self._showing = None

    def _flip(self, image: str | None, state: State) -> float:
        self._display.draw(image)
        self._now_s = self._display.flip()
        self.state = state
        return self._now_s

    def _n_late(self, flips_s: list[float]) -> int:
        late_s = LATE_PERIODS / self._display.refresh_rate_hz
        return sum(after - before > late_s for before, after in pairwise(flips_s))
