"""The loop's end of the wire: a thread that keeps one display, its heartbeat and its clock."""

from __future__ import annotations

import queue
import secrets
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from urllib.parse import urlsplit

import zmq

from signseg_rig.experiment import WireSettings
from signseg_rig.values import ImageArray
from signseg_rig.wire.clock import ClockEstimate, ClockEstimator
from signseg_rig.wire.events import Connected, Event, Failed, Lost, Rejection
from signseg_rig.wire.frames import FrameError, Message, decode, encode
from signseg_rig.wire.handshake import HandshakeMonitor, told_at_loop
from signseg_rig.wire.inbox import Inbox, Received
from signseg_rig.wire.keys import load_loop_keys
from signseg_rig.wire.messages import (
    Body,
    Goodbye,
    Hello,
    Image,
    Ping,
    Pong,
    Reintroduce,
    Rejected,
    Trouble,
    Welcome,
)
from signseg_rig.wire.peer import Conversation, Rejections
from signseg_rig.wire.sockets import Context, bind, make_router
from signseg_rig.wire.strangers import WATCH_INTERVAL_S, Strangers
from signseg_rig.wire.zap import KeyCheck

# A display that is there hears a goodbye within a frame, or after the image that it is loading.
FAREWELL_TIMEOUT_S = 5.0
# Where more waits than a turn takes, somebody sends faster than a display does: a rest leaves the
# processor to the run, and the rest of the flood to its sender.
REST_MS = 2
# Enough for what a display that is gone has left, even where others send as well.
N_LAST_TURNS = 32

Outgoing = tuple[int, Body, ImageArray | None, str]


class DisplayServer:
    """Serves one display from a thread of its own, so that heartbeats outlast long computations.

    Parameters
    ----------
    settings : WireSettings
    run_id : str
    objection : callable
        ``objection(hello)`` gives a sentence when this display must not be used for the run, else
        None.
    clock : callable
        The loop's clock, in seconds.

    Attributes
    ----------
    events : queue.SimpleQueue of Event
        What happened, in order.
    """

    def __init__(
        self,
        settings: WireSettings,
        *,
        run_id: str,
        objection: Callable[[Hello], str | None],
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self.events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._settings = settings
        self._run_id = run_id
        self._objection = objection
        self._clock = clock
        self._rejections = Rejections()
        self._outbox: queue.SimpleQueue[Outgoing | None] = queue.SimpleQueue()
        self._estimator = ClockEstimator()
        self._context: Context | None = None
        self._key_check: KeyCheck | None = None
        self._identity: bytes | None = None
        self._greeted: Hello | None = None
        # A display that was lost without a goodbye: what it said last may still be on its way.
        self._given_up: bytes | None = None
        # Why nothing could be sent to the display: what it said itself about it is read first.
        self._unreachable: str | None = None
        self._connection = 0
        self._conversation = Conversation(run_id, secrets.token_hex(8))
        # When the oldest ping was sent that nothing has followed yet.
        self._asked_s: float | None = None

    def start(self) -> None:
        """Bind the address and start serving.

        Raises
        ------
        WireError
            The address cannot be bound, or keys are missing.
        """
        self._context = zmq.Context()
        self._thread = threading.Thread(target=self._serve, name="display-server", daemon=True)
        try:
            self._open(self._context)
            self._thread.start()
        except BaseException:
            if self._thread.is_alive():
                self.close("the run was interrupted")
            else:
                # Left to the garbage collector, it would wait there for its sockets.
                self._context.destroy(linger=0)
                self._context = None
            raise

    def _open(self, context: Context) -> None:
        self._wake_in = context.socket(zmq.PAIR)
        self._wake_in.bind("inproc://wake")
        self._wake_out = context.socket(zmq.PAIR)
        self._wake_out.connect("inproc://wake")
        if self._settings.keys_dir is not None:
            self._key_check = KeyCheck(context, load_loop_keys(self._settings.keys_dir).permitted)
        self._router = make_router(context, self._settings)
        self._inbox = Inbox(self._router)
        port = urlsplit(self._settings.address).port or 0
        self._strangers = Strangers(port, partial(self._reject, "flood"))
        self._handshakes = HandshakeMonitor(self._router, on_accept=self._strangers.accept)
        bind(self._router, self._settings)

    def send(
        self, connection: int, body: Body, pixels: ImageArray | None = None, key: str = ""
    ) -> None:
        """Queue a message for the display of a connection; for a later one it is dropped."""
        self._outbox.put((connection, body, pixels, key))
        self._wake()

    def clock_estimate(self) -> ClockEstimate | None:
        """How the display's clock relates to the loop's; None before the first heartbeat."""
        return self._estimator.estimate()

    @property
    def rejection_counts(self) -> dict[str, int]:
        """How many messages were rejected, by fault."""
        return dict(self._rejections.counts)

    def close(self, reason: str) -> None:
        """Say goodbye to the display and stop serving; may be called more than once."""
        if self._context is None:
            return
        self.send(self._connection, Goodbye(reason=reason[:2000]))
        self._outbox.put(None)
        self._wake()
        try:
            self._thread.join()
        finally:
            self._wake_out.close(linger=0)
        self._context.term()
        self._context = None

    def _wake(self) -> None:
        # A server that has failed takes nothing, and one with much to take is awake.
        with suppress(zmq.Again):
            self._wake_out.send(b"", flags=zmq.NOBLOCK)

    def _serve(self) -> None:
        try:
            self._serve_until_closed()
        except Exception as error:  # noqa: BLE001 - it is raised in the thread that reads the events
            self.events.put(Failed(error))
        finally:
            if self._key_check is not None:
                self._key_check.close()
            self._handshakes.close()
            self._router.close()
            self._wake_in.close(linger=0)

    def _serve_until_closed(self) -> None:
        poller = zmq.Poller()
        poller.register(self._router, zmq.POLLIN)
        poller.register(self._wake_in, zmq.POLLIN)
        poller.register(self._handshakes.socket, zmq.POLLIN)
        if self._key_check is not None:
            poller.register(self._key_check.socket, zmq.POLLIN)
        next_ping_s = self._clock()
        is_open = True
        while is_open:
            wait_s = 0.0 if self._unreachable else next_ping_s - self._clock()
            if self._strangers.are_here:
                wait_s = min(wait_s, WATCH_INTERVAL_S)
            poller.poll(max(0, int(wait_s * 1000) + 1))
            self._check_peers()
            self._receive_turn()
            if not self._inbox.is_emptied:
                self._wake_in.poll(REST_MS)
            self._give_up_where_unreachable()
            is_open = self._send_queued()
            if self._clock() >= next_ping_s:
                next_ping_s = self._clock() + self._settings.heartbeat_interval_s
                self._beat()
        self._await_farewell()

    def _check_peers(self) -> None:
        """Let peers in or not, and tell of those that were not."""
        for peer in [] if self._key_check is None else self._key_check.answer():
            self._reject(
                "unauthorised",
                f"{peer} was refused. Where it is this run's display, copy its 'display.key' to "
                f"{self._settings.keys_dir} and start the run again.",
            )
        for handshake in self._handshakes.read():
            if sentence := told_at_loop(handshake, self._settings):
                self._reject("unauthorised", sentence)
        self._strangers.check(self._clock())

    def _await_farewell(self) -> None:
        """Stay until the display answers the goodbye.

        Where the connection ends, ZeroMQ drops what the display has not read yet.
        """
        deadline_s = self._clock() + FAREWELL_TIMEOUT_S
        self._receive_turn()
        while (
            self._identity is not None
            and self._unreachable is None
            and (left_s := deadline_s - self._clock()) > 0
        ):
            self._router.poll(int(left_s * 1000) + 1)
            self._strangers.check(self._clock())
            self._receive_turn()

    def _beat(self) -> None:
        if self._identity is None:
            return
        now_s = self._clock()
        # Silence counts from a question: where this thread was held up itself, it asked none.
        silent_s = 0.0 if self._asked_s is None else now_s - self._asked_s
        if silent_s > self._settings.heartbeat_timeout_s:
            self._give_up(f"the display has been silent for {silent_s:.1f} s")
        else:
            self._ping(now_s)

    def _ping(self, now_s: float) -> None:
        self._asked_s = now_s if self._asked_s is None else self._asked_s
        self._send_now(Ping(loop_s=now_s))

    def _send_queued(self) -> bool:
        while self._wake_in.poll(0):
            self._wake_in.recv()
        while True:
            try:
                item = self._outbox.get_nowait()
            except queue.Empty:
                return True
            if item is None:
                return False
            connection, body, pixels, key = item
            if connection == self._connection:
                self._send_now(body, pixels, key)

    def _send_now(self, body: Body, pixels: ImageArray | None = None, key: str = "") -> None:
        if self._identity is None or self._unreachable is not None:
            return
        message = self._conversation.outgoing(body)
        if isinstance(body, Image):
            message = replace(message, pixels=pixels, key=key)
        self._send_to(self._identity, message)

    def _send_to(self, identity: bytes, message: Message) -> None:
        try:
            self._router.send_multipart([identity, *encode(message)], flags=zmq.NOBLOCK)
        except zmq.ZMQError as error:
            if identity == self._identity:
                self._unreachable = f"the display cannot be reached: {error.strerror}"

    def _give_up_where_unreachable(self) -> None:
        """Give up a display that nothing could be sent to, once all that it said has been read."""
        for _ in range(N_LAST_TURNS if self._unreachable else 0):
            self._receive_turn()
            if self._inbox.is_emptied:
                break
        if self._unreachable is not None and self._identity is not None:
            self._give_up(self._unreachable)
        self._unreachable = None

    def _give_up(self, reason: str) -> None:
        self._given_up = self._identity
        self._lose(reason)

    def _lose(self, reason: str) -> None:
        self._identity = self._strangers.display = None
        self.events.put(Lost(reason, self._connection))

    def _receive_turn(self) -> None:
        for received in self._inbox.turn():
            if not self._is_heard(received):
                continue
            try:
                self._receive(received.identity, decode(received.frames))
            except FrameError as error:
                self._reject(error.fault, str(error))
                if error.fault == "version":
                    self._refuse(received.identity, "version", str(error))
            if received.identity == self._identity:
                self._strangers.display = received.descriptor

    def _is_heard(self, received: Received) -> bool:
        """Check whether a message is of the display, or of a stranger who has not sent too many."""
        identity, descriptor, _frames = received
        if identity in (self._identity, self._given_up):
            return True
        return self._strangers.may_speak(identity, descriptor, self._clock())

    def _receive(self, identity: bytes, message: Message) -> None:
        if isinstance(message.body, Hello):
            self._greet(identity, message.body)
        elif self._is_last_word(identity, message):
            # Without it the run would wait for another display, and never tell why this one failed.
            if isinstance(message.body, Trouble):
                self.events.put(message.body)
        elif identity != self._identity:
            # A display of an earlier process of this loop, or one that was given up too early.
            self._send_to(identity, Message(Reintroduce()))
            self._reject("unknown peer", f"a {message.body.kind!r} message of an unknown display")
        elif fault := self._conversation.fault_of(message):
            self._reject(*fault)
        else:
            self._asked_s = None
            self._take(message.body)

    def _is_last_word(self, identity: bytes, message: Message) -> bool:
        """Return whether a display that was given up says what is wrong with it, or leaves."""
        return (
            identity == self._given_up
            and isinstance(message.body, Trouble | Goodbye)
            and self._conversation.fault_of(message) is None
        )

    def _take(self, body: Body) -> None:
        if isinstance(body, Pong):
            self._estimator.add(body.loop_s, body.received_s, body.sent_s, self._clock())
        elif isinstance(body, Goodbye):
            self._lose(f"the display left: {body.reason}")
        else:
            self.events.put(body)

    def _greet(self, identity: bytes, hello: Hello) -> None:
        if self._identity is not None and identity != self._identity:
            self._refuse(
                identity,
                "busy",
                "Another display is connected to this run. Stop it first, or leave it to its work.",
            )
            self._reject("second display", f"{hello.name} wants to be the display as well")
            return
        if identity == self._identity and hello == self._greeted:
            return  # said again before the welcome was read
        if objection := self._objection(hello):
            self._refuse(identity, "setup", objection)
            self._reject("setup", objection)
            return
        self._identity, self._given_up, self._unreachable = identity, None, None
        self._greeted = hello
        self._connection += 1
        # A session per greeting: what was under way before it is stale on both sides.
        self._conversation = Conversation(self._run_id, secrets.token_hex(8))
        self._estimator = ClockEstimator()
        self._send_now(Welcome(heartbeat_timeout_s=self._settings.heartbeat_timeout_s))
        self._asked_s = None
        self._ping(self._clock())
        self.events.put(Connected(hello, self._connection))

    def _refuse(self, identity: bytes, cause: str, sentence: str) -> None:
        body = Rejected.model_validate({"cause": cause, "message": sentence[:2000]})
        self._send_to(identity, Message(body))

    def _reject(self, fault: str, detail: str) -> None:
        if self._rejections.add(fault, detail):
            self.events.put(Rejection(fault, detail))
