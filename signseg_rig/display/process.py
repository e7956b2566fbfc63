"""The display process: serves one screen to whichever loop it is connected to."""

from __future__ import annotations

import logging
import platform
import secrets
import time

from signseg_rig.display.presenter import Presenter
from signseg_rig.errors import DisplayError, DisplayTimeoutError, RigError
from signseg_rig.experiment import Experiment
from signseg_rig.interfaces import Display
from signseg_rig.values import ImageArray
from signseg_rig.wire.client import DisplayClient, LoopFound, LoopLost
from signseg_rig.wire.frames import Message
from signseg_rig.wire.messages import (
    MAX_MISSING,
    MAX_NOTE_LENGTH,
    MAX_NOTES,
    Halt,
    Hello,
    Image,
    KeyPressed,
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
        self._key_on_screen: str | None = None
        self._is_halted = False
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
            case Image() if message.pixels is not None:
                self._hold(message.key, message.pixels)
            case Preload(number=number, keys=keys):
                self._keep_only(set(keys))
                missing = [key for key in keys if key not in self._held]
                self._client.send(Preloaded(number=number, missing=missing[:MAX_MISSING]))
            case Show() as orders:
                self._accept(orders)
            case Halt():
                self._is_halted = True
            case other:
                self._complain(f"a {other.kind!r} message is nothing that a display can act on")

    def _hold(self, key: str, pixels: ImageArray) -> None:
        if sum(self._held.values()) + pixels.nbytes > MAX_HELD_BYTES:
            self._complain(f"more than {MAX_HELD_BYTES / 2**30:.0f} GiB of images to be held")
            return
        if key not in self._held:
            self._display.load(key, pixels)
            self._held[key] = pixels.nbytes

    def _keep_only(self, keys: set[str]) -> None:
        if self._orders is not None:
            keys = keys | {item.key for item in self._orders.items}
        if self._key_on_screen is not None:
            keys = keys | {self._key_on_screen}
        for key in self._held.keys() - keys:
            self._display.unload(key)
            del self._held[key]

    def _accept(self, orders: Show) -> None:
        missing = {item.key for item in orders.items} - self._held.keys()
        if missing:
            self._complain(f"{len(missing)} images to be shown that were never preloaded")
        elif self._orders is not None:
            self._complain("two blocks to be shown at once")
        else:
            self._orders, self._is_halted = orders, False

    def _show(self, orders: Show) -> None:
        n_shown = 0
        for item in orders.items:
            if self._is_halted:
                break
            self._key_on_screen = item.key
            shown = self._presenter.present(
                item.id,
                item.key,
                on_frames=orders.on_frames,
                off_frames=orders.off_frames,
                between_frames=self._serve_between_frames,
            )
            self._key_on_screen = None
            if self._orders is not orders:
                # The loop was lost meanwhile; another one may have come, and has its own orders.
                return
            n_shown += 1
            self._client.send(
                ShownReport(
                    number=orders.number,
                    id=shown.presentation_id,
                    key=shown.pixels_sha256,
                    onset_s=shown.onset_s,
                    offset_s=shown.offset_s,
                    n_frames=shown.n_frames,
                    n_dropped_frames=shown.n_dropped_frames,
                )
            )
            self._tell_keys()
        self._client.send(ShowDone(number=orders.number, n_shown=n_shown))
        self._orders = None

    def _serve_between_frames(self) -> None:
        end_s = time.monotonic() + SERVING_SHARE / self._display.refresh_rate_hz
        while (event := self._client.poll(0.0)) is not None:
            self._take(event)
            if time.monotonic() > end_s:
                return

    def _forget_all(self) -> None:
        self._orders = None
        self._keep_only(set())
        # A presentation that is on the screen ends on its own, with the background.
        if self._key_on_screen is None:
            self._presenter.idle_frame()

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
    )
