"""The display process: serves one screen to whichever loop it is connected to."""

from __future__ import annotations

import datetime as dt
import logging
import platform
import secrets
import time

from signseg_rig.display.presenter import Item, Presenter
from signseg_rig.errors import DisplayError, DisplayTimeoutError, RigError
from signseg_rig.experiment import Experiment
from signseg_rig.interfaces import Display
from signseg_rig.values import BrokenOff, ImageArray, Placement, Shown
from signseg_rig.wire.client import DisplayClient, LoopFound, LoopLost
from signseg_rig.wire.frames import Message
from signseg_rig.wire.messages import (
    MAX_MISSING,
    MAX_NOTE_LENGTH,
    MAX_NOTES,
    Aborted,
    Halt,
    Hello,
    Image,
    KeyPressed,
    Place,
    Preload,
    Preloaded,
    Show,
    ShowDone,
    ShownReport,
    Trouble,
)

log = logging.getLogger(__name__)

IDLE_POLL_S = 0.05
# Share of a frame that may go into messages between two flips.
SERVING_SHARE = 0.4
MAX_HELD_BYTES = 4 * 2**30
ORPHAN_PATIENCE_S = 15.0
SEEKING_NOTE_INTERVAL_S = 60.0


class DisplayProcess:
    """Shows what the loop asks for; without a loop it shows the background and seeks one.

    Parameters
    ----------
    experiment : Experiment
        The same file that the loop runs.
    display : Display
        An open screen.
    presenter : Presenter
    serves_one_run : bool
        Leave when the run ends, or some seconds after the loop was lost.
    launch_id : str, optional
        By which the loop that started this display knows it.
    """

    def __init__(
        self,
        experiment: Experiment,
        display: Display,
        presenter: Presenter,
        *,
        serves_one_run: bool,
        launch_id: str = "",
    ) -> None:
        self._display = display
        self._presenter = presenter
        self._serves_one_run = serves_one_run
        self._address = experiment.wire.address
        self._connect_timeout_s = experiment.wire.connect_timeout_s
        hello = _hello(experiment, display, launch_id)
        self._client = DisplayClient(experiment.wire, hello, display.now_s)
        self._held: dict[str, int] = {}
        self._orders: Show | None = None
        self._is_over = False
        self._had_loop = False
        self._seeking_note_due_s = 0.0

    def run(self) -> None:
        """Serve until the run is over, or for ever.

        Raises
        ------
        DisplayError
            The loop refuses this display or its keys, or the screen fails.
        DisplayTimeoutError
            There is no loop (only where it serves one run).
        """
        try:
            while not self._is_over:
                self._note_seeking()
                self._take(self._client.poll(IDLE_POLL_S))
                if self._orders is not None:
                    self._show(self._orders)
                self._tell_keys()
                self._check_patience()
        except Exception as error:
            # Or the loop would wait for another display, which would not fare better.
            text = str(error) if isinstance(error, RigError) else repr(error)
            self._client.send(Trouble(message=text[:2000]))
            raise
        finally:
            self._client.close("the display was stopped")

    def _take(self, event: Message | LoopFound | LoopLost | None) -> None:
        match event:
            case Message():
                self._obey(event)
            case LoopFound(run_id):
                log.info("Connected to run %s.", run_id)
                self._had_loop = True
                self._forget_all()
            case LoopLost(reason):
                log.info("Disconnected: %s.", reason)
                self._forget_all()
                self._is_over = self._serves_one_run and reason.startswith("the loop left")
                self._seeking_note_due_s = 0.0

    def _note_seeking(self) -> None:
        """Say whom it waits for: where the address is mistyped nothing else would tell."""
        if self._client.state == "seeking" and time.monotonic() >= self._seeking_note_due_s:
            log.info("Seeking the loop at %s.", self._address)
            self._seeking_note_due_s = time.monotonic() + SEEKING_NOTE_INTERVAL_S

    def _obey(self, message: Message) -> None:
        match message.body:
            case Image(place=place) if message.pixels is not None:
                self._hold(message.key, place, message.pixels)
            case Preload(number=number, views=views):
                names = [_name(view.key, view.place) for view in views]
                self._keep_only(set(names))
                missing = [place for place, name in enumerate(names) if name not in self._held]
                self._client.send(Preloaded(number=number, missing=missing[:MAX_MISSING]))
            case Show() as orders:
                self._accept(orders)
            case Halt():
                self._presenter.halt()
            case other:
                self._complain(f"a {other.kind!r} message is nothing that a display can act on")

    def _hold(self, key: str, place: Place, pixels: ImageArray) -> None:
        if sum(self._held.values()) + pixels.nbytes > MAX_HELD_BYTES:
            self._complain(f"more than {MAX_HELD_BYTES / 2**30:.0f} GiB of images to be held")
            return
        name = _name(key, place)
        if name not in self._held:
            right_deg, up_deg = place.position_deg
            self._display.load(name, pixels, Placement((right_deg, up_deg), place.size_deg))
            self._held[name] = pixels.nbytes

    def _keep_only(self, names: set[str]) -> None:
        for name in self._held.keys() - names - self._presenter.held_images:
            self._display.unload(name)
            del self._held[name]

    def _accept(self, orders: Show) -> None:
        items = [
            Item(item.id, _name(item.view.key, item.view.place), item.view.key, item.code)
            for item in orders.items
        ]
        if missing := {item.image for item in items} - self._held.keys():
            self._complain(f"{len(missing)} images to be shown that were never preloaded")
        elif self._orders is not None:
            self._complain("two blocks to be shown at once")
        else:
            self._orders = orders
            self._presenter.begin(items, on_frames=orders.on_frames, off_frames=orders.off_frames)

    def _show(self, orders: Show) -> None:
        n_shown = 0
        while self._presenter.is_busy:
            report = self._presenter.step()
            if report is not None:
                n_shown += isinstance(report, Shown)
                self._client.send(_message_of(orders.number, report))
            self._serve_between_frames()
            if self._orders is not orders:
                # The loop was lost meanwhile; another one may have come, and has its own orders.
                return
            if report is not None:
                self._tell_keys()
        self._client.send(ShowDone(number=orders.number, n_shown=n_shown))
        self._orders = None
        self._display.rest()

    def _serve_between_frames(self) -> None:
        end_s = time.monotonic() + SERVING_SHARE / self._display.refresh_rate_hz
        while (event := self._client.poll(0.0)) is not None:
            self._take(event)
            if time.monotonic() > end_s:
                return

    def _forget_all(self) -> None:
        self._orders = None
        self._presenter.abandon()
        self._presenter.idle_frame()
        self._keep_only(set())

    def _tell_keys(self) -> None:
        for name in self._display.pressed_keys():
            self._client.send(KeyPressed(name=name))

    def _complain(self, what: str) -> None:
        log.error("The loop sent %s.", what)
        self._client.send(Trouble(message=f"the loop sent {what}"))

    def _check_patience(self) -> None:
        patience_s = ORPHAN_PATIENCE_S if self._had_loop else self._connect_timeout_s
        if (
            self._serves_one_run
            and self._client.state == "seeking"
            and self._client.seeking_s > patience_s
        ):
            if self._client.refusal is not None:
                raise DisplayError(self._client.refusal)
            raise DisplayTimeoutError(
                f"No loop for {patience_s:.0f} s: this display was started for one run and leaves."
            )


def _name(key: str, place: Place) -> str:
    """Return the name of an image at a place."""
    right_deg, up_deg = place.position_deg
    return f"{key}@{right_deg!r},{up_deg!r},{place.size_deg!r}"


def _message_of(number: int, report: Shown | BrokenOff) -> ShownReport | Aborted:
    if isinstance(report, BrokenOff):
        return Aborted(
            number=number,
            id=report.presentation_id,
            reason=report.reason,
            onset_s=report.onset_s,
            offset_s=report.offset_s,
        )
    return ShownReport(
        number=number,
        id=report.presentation_id,
        key=report.pixels_sha256,
        onset_s=report.onset_s,
        offset_s=report.offset_s,
        n_frames=report.n_frames,
        n_dropped_frames=report.n_dropped_frames,
        code=report.code,
    )


def _hello(experiment: Experiment, display: Display, launch_id: str) -> Hello:
    monitor = experiment.monitor
    width_px, height_px = display.size_px
    return Hello(
        display_id=secrets.token_hex(8),
        launch_id=launch_id,
        visit=0,
        name=f"{experiment.display.kind} on {platform.node()}",
        plugin=experiment.display.kind,
        refresh_rate_hz=float(display.refresh_rate_hz),
        width_px=width_px,
        height_px=height_px,
        width_deg=monitor.deg(width_px),
        height_deg=monitor.deg(height_px),
        is_software_paced=display.is_software_paced,
        setup_sha256=experiment.setup_sha256(),
        notes=[note[:MAX_NOTE_LENGTH] for note in display.notes[:MAX_NOTES]],
        clock_s=display.now_s(),
        at_utc=dt.datetime.now(dt.UTC).isoformat(),
    )
