"""What the loop asks of the display: hold these images, show them, stop."""

from __future__ import annotations

import logging
import math
import queue
import time
from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Self

from signseg_rig.errors import DisplayError, DisplayTimeoutError, RigError, WireError
from signseg_rig.experiment import WireSettings
from signseg_rig.values import BrokenOff, ImageArray, Order, Placement, Shown, View
from signseg_rig.wire.clock import ClockEstimate
from signseg_rig.wire.events import Connected, Event, Failed, LateOnsets, Lost, Rejection
from signseg_rig.wire.frames import check_size
from signseg_rig.wire.messages import (
    Aborted,
    Body,
    Halt,
    Hello,
    Image,
    KeyPressed,
    Place,
    PlacedKey,
    Preload,
    Preloaded,
    Show,
    ShowDone,
    ShowItem,
    ShownReport,
    Trouble,
)
from signseg_rig.wire.server import DisplayServer

log = logging.getLogger(__name__)

WAKE_INTERVAL_S = 0.1
# Of displays; other rejections are of messages, from anybody.
REFUSALS = ("unauthorised", "setup", "version", "second display")
# An onset that is later than this many frames was late by one at least.
LATE_FRAMES = 0.5
REPORTS = (ShownReport, Aborted)


class DisplayLost(DisplayError):  # noqa: N818 - an event that the loop handles, not a fault of its own
    """The display went away; what it had not shown must be shown again."""


class DisplayLink:
    """Conducts the display, one thing at a time.

    Parameters
    ----------
    settings : WireSettings
    run_id : str
    objection : callable
        See `DisplayServer`.
    on_key : callable
        Called with the name of a key that was pressed in the display's window.
    on_event : callable
        Called with everything worth a note in the record: connections, losses, rejections, and
        onsets that were late.
    check_display : callable, optional
        Called while no display is connected; it raises where none can come.

    Attributes
    ----------
    hello : Hello or None
        How the connected display introduced itself.
    """

    def __init__(
        self,
        settings: WireSettings,
        *,
        run_id: str,
        objection: Callable[[Hello], str | None],
        on_key: Callable[[str], None],
        on_event: Callable[[Connected | Lost | Rejection | LateOnsets], None],
        check_display: Callable[[], None] = lambda: None,
    ) -> None:
        self.hello: Hello | None = None
        self._settings = settings
        self._server = DisplayServer(settings, run_id=run_id, objection=objection)
        self._on_key = on_key
        self._on_event = on_event
        self._check_display = check_display
        self._held: set[View] = set()
        self._refusal: Rejection | None = None
        self._number = 0
        self._connection = 0
        # Events of the pass under way that came while an answer to something else was awaited.
        self._waiting: deque[Event] = deque()

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_rest: object) -> None:
        self._server.close("the run is over" if kind is None else "the run was interrupted")

    def clock_estimate(self) -> ClockEstimate | None:
        """How the display's clock relates to the loop's; None before the first heartbeat."""
        return self._server.clock_estimate()

    @property
    def rejection_counts(self) -> dict[str, int]:
        """How many messages were rejected, by fault."""
        return self._server.rejection_counts

    def wait_until_connected(self, is_wanted: Callable[[], bool]) -> bool:
        """Wait for a display.

        Parameters
        ----------
        is_wanted : callable
            Asked ten times a second; waiting ends once it says False.

        Returns
        -------
        is_connected : bool
            False where `is_wanted` ended the waiting.

        Raises
        ------
        DisplayTimeoutError
            No display came within `connect_timeout_s`.
        DisplayError
            None can come, as `check_display` says.
        """
        deadline_s = time.monotonic() + self._settings.connect_timeout_s
        while self.hello is None:
            if not is_wanted():
                return False
            if time.monotonic() > deadline_s:
                raise DisplayTimeoutError(
                    f"No display connected to {self._settings.address} within "
                    f"{self._settings.connect_timeout_s:g} s. {self._connect_remedy()}"
                )
            self._check_display()
            self._next_event(WAKE_INTERVAL_S, may_be_lost=True)
        return True

    def _connect_remedy(self) -> str:
        if self._refusal is not None:
            return f"One was refused: {self._refusal.detail}"
        return (
            "Start it on the stimulus computer with 'signseg-rig display FILE', FILE being this "
            "experiment's file."
        )

    def attend(self, seconds: float) -> None:
        """Wait for the next thing that the display reports while nothing is asked of it.

        Its keys are passed on; where it has left, `hello` is None afterwards.

        Parameters
        ----------
        seconds : float
            How long to wait at most.

        Raises
        ------
        DisplayError
            The display has failed.
        """
        self._next_event(seconds, may_be_lost=True)

    def preload(self, images: Mapping[View, ImageArray], keep: Collection[View] = ()) -> None:
        """Make the display hold images at their places, and wait until it does.

        Parameters
        ----------
        images : mapping of View to (height, width, 3) uint8 array
        keep : collection of View
            What it should go on holding; it forgets all others.

        Raises
        ------
        DisplayLost
            The display went away.
        DisplayTimeoutError
            The display did not acknowledge in time.
        WireError
            An image is too large to be sent.
        """
        wanted = images.keys() | set(keep)
        self._send_images(images, [view for view in images if view not in self._held])
        deadline_s = time.monotonic() + self._settings.preload_timeout_s
        while missing := self._missing(list(wanted), deadline_s):
            if unknown := [view for view in missing if view not in images]:
                raise DisplayError(
                    f"The display no longer holds {len(unknown)} images that it was to keep. This "
                    "is a fault of the program: please report it."
                )
            self._send_images(images, missing)
        self._held = wanted

    def show(
        self,
        orders: Sequence[Order],
        *,
        on_frames: int,
        off_frames: int,
        is_wanted: Callable[[], bool],
        meanwhile: Callable[[], None],
    ) -> Iterator[Shown | BrokenOff]:
        """Show preloaded images and give every report as it comes.

        Parameters
        ----------
        orders : sequence of Order
        on_frames, off_frames : int
        is_wanted : callable
            Asked ten times a second and after every presentation; once it says False, the
            presentation on the screen is finished and no further one is shown.
        meanwhile : callable
            Called once the display has its orders: time to prepare the next block.

        Yields
        ------
        report : Shown or BrokenOff

        Raises
        ------
        DisplayLost
            The display went away before it had shown them all.
        DisplayTimeoutError
            The display is there, but shows nothing.
        """
        self._number += 1
        self._waiting.clear()
        number = self._number
        items = [
            ShowItem(id=order.presentation_id, view=_placed(order.view), code=order.code)
            for order in orders
        ]
        self._send(Show(number=number, items=items, on_frames=on_frames, off_frames=off_frames))
        try:
            meanwhile()
        except DisplayLost:
            # What it reported before it went away was shown, and stays shown.
            yield from (_report(event) for event in self._waiting if isinstance(event, REPORTS))
            raise
        reports = self._reports(number, on_frames + off_frames, is_wanted)
        yield from self._timed(reports, off_frames)

    def _timed(
        self, reports: Iterator[Shown | BrokenOff], off_frames: int
    ) -> Iterator[Shown | BrokenOff]:
        """Pass reports on and note late onsets, which no presentation's dropped frames tell of."""
        assert self.hello is not None
        limit_s = (off_frames + LATE_FRAMES) / self.hello.refresh_rate_hz
        late_s = []
        offset_s = math.inf
        try:
            for report in reports:
                if isinstance(report, Shown):
                    background_s, offset_s = report.onset_s - offset_s, report.offset_s
                    if background_s > limit_s:
                        late_s.append(background_s)
                else:
                    offset_s = math.inf  # how long the animal takes to come back is no fault
                yield report
        except RigError:
            self._note_late(late_s)
            raise
        self._note_late(late_s)

    def _note_late(self, late_s: Sequence[float]) -> None:
        if late_s:
            self._on_event(LateOnsets(len(late_s), max(late_s)))

    def _reports(
        self, number: int, n_frames: int, is_wanted: Callable[[], bool]
    ) -> Iterator[Shown | BrokenOff]:
        assert self.hello is not None
        patience_s = self._settings.preload_timeout_s + 2 * n_frames / self.hello.refresh_rate_hz
        deadline_s = time.monotonic() + patience_s
        is_halted = False
        while True:
            if not is_halted and not is_wanted():
                self._send(Halt())
                is_halted = True
            event = self._waiting.popleft() if self._waiting else self._next_event(WAKE_INTERVAL_S)
            if isinstance(event, REPORTS) and event.number == number:
                yield _report(event)
                deadline_s = time.monotonic() + patience_s
            elif isinstance(event, ShowDone) and event.number == number:
                return
            elif time.monotonic() > deadline_s:
                raise DisplayTimeoutError(
                    f"The display is connected but reported no presentation for {patience_s:.0f} s."
                    " Look at its window and its terminal, then resume the run."
                )

    def _missing(self, views: list[View], deadline_s: float) -> list[View]:
        self._number += 1
        number = self._number
        self._send(Preload(number=number, views=[_placed(view) for view in views]))
        while time.monotonic() < deadline_s:
            event = self._next_event(WAKE_INTERVAL_S)
            if isinstance(event, Preloaded):
                if event.number == number:
                    return [views[place] for place in event.missing if place < len(views)]
            elif event is not None:
                self._waiting.append(event)
        raise DisplayTimeoutError(
            f"The display did not acknowledge {len(views)} images within "
            f"{self._settings.preload_timeout_s:g} s. Is its computer overloaded, or the network "
            "slow? [wire] preload_timeout_s can be raised."
        )

    def _send_images(self, images: Mapping[View, ImageArray], views: Sequence[View]) -> None:
        for view in views:
            check_size(images[view])
            self._send(Image(place=_place(view.placement)), images[view], view.pixels_sha256)

    def _log_notes(self) -> None:
        """Tell at once, and not only in the record, what is wrong with the screen."""
        if self.hello is not None:
            for note in self.hello.notes:
                log.warning("%s: %s", self.hello.name, note)

    def _send(self, body: Body, pixels: ImageArray | None = None, key: str = "") -> None:
        self._server.send(self._connection, body, pixels, key)

    def _next_event(self, timeout_s: float, *, may_be_lost: bool = False) -> Event | None:
        try:
            event = self._server.events.get(timeout=timeout_s)
        except queue.Empty:
            return None
        _raise_failure(event)
        if isinstance(event, Connected | Lost | Rejection):
            self._on_event(event)
        if isinstance(event, Rejection):
            if event.fault in REFUSALS:
                self._refusal = event
            return None
        if isinstance(event, KeyPressed):
            self._on_key(event.name)
            return None
        if isinstance(event, Connected | Lost):
            self._held, self._refusal = set(), None
            self.hello = event.hello if isinstance(event, Connected) else None
            self._connection = event.connection
            self._log_notes()
            if not may_be_lost:
                reason = event.reason if isinstance(event, Lost) else "the display started anew"
                raise DisplayLost(reason)
        return event


def _raise_failure(event: Event) -> None:
    if isinstance(event, Failed):
        raise WireError(
            f"The loop's end of the connection to the display failed: {event.error!r}. This is a "
            "fault of the program: please report it, and resume the run."
        ) from event.error
    if isinstance(event, Trouble):
        raise DisplayError(f"The display reports: {event.message}")


def _placed(view: View) -> PlacedKey:
    return PlacedKey(key=view.pixels_sha256, place=_place(view.placement))


def _place(placement: Placement) -> Place:
    return Place(position_deg=list(placement.position_deg), size_deg=placement.size_deg)


def _report(event: ShownReport | Aborted) -> Shown | BrokenOff:
    if isinstance(event, Aborted):
        return BrokenOff(event.id, event.reason, event.onset_s, event.offset_s)
    return Shown(
        presentation_id=event.id,
        pixels_sha256=event.key,
        onset_s=event.onset_s,
        offset_s=event.offset_s,
        n_frames=event.n_frames,
        n_dropped_frames=event.n_dropped_frames,
        code=event.code,
    )
