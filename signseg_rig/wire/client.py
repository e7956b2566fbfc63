"""The display's end of the wire, for one thread that must never wait longer than it wants to."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import zmq

from signseg_rig.errors import DisplayError
from signseg_rig.experiment import WireSettings
from signseg_rig.wire.frames import FrameError, Message, decode, encode
from signseg_rig.wire.handshake import HandshakeMonitor, told_at_display
from signseg_rig.wire.messages import (
    Body,
    Goodbye,
    Hello,
    Ping,
    Pong,
    Reintroduce,
    Rejected,
    Welcome,
)
from signseg_rig.wire.peer import Conversation, Rejections
from signseg_rig.wire.sockets import Context, make_dealer

log = logging.getLogger(__name__)

HELLO_INTERVAL_S = 1.0
# Until the loop is there, sending fails at once and is tried again soon.
RETRY_INTERVAL_S = 0.1

LinkState = Literal["seeking", "connected"]


@dataclass(frozen=True, slots=True)
class LoopLost:
    """The loop is gone, or does not want this display any more."""

    reason: str


@dataclass(frozen=True, slots=True)
class LoopFound:
    """The loop took this display for its run."""

    run_id: str


class DisplayClient:
    """Seeks the loop, answers its heartbeats, and hands over what it says.

    Parameters
    ----------
    settings : WireSettings
    hello : Hello
        How the display introduces itself.
    clock : callable
        The display's clock, in seconds: the one that onsets are told on.
    """

    def __init__(self, settings: WireSettings, hello: Hello, clock: Callable[[], float]) -> None:
        self._settings = settings
        self._hello = hello
        self._clock = clock
        self._rejections = Rejections()
        self._context: Context = zmq.Context()
        self._refusal: str | None = None
        self._told_refusals: set[str] = set()
        self._reconnect_due_s: float | None = None
        self._conversation: Conversation | None = None
        self._timeout_s = settings.heartbeat_timeout_s
        # Liveness runs on the wall, whatever clock the display tells onsets on.
        self._heard_s = time.monotonic()
        self._hello_due_s = 0.0
        try:
            self._connect()
        except BaseException:
            # Left to the garbage collector, it would wait there for its sockets.
            self._context.destroy(linger=0)
            raise

    @property
    def state(self) -> LinkState:
        """Whether a loop has taken this display."""
        return "seeking" if self._conversation is None else "connected"

    @property
    def seeking_s(self) -> float:
        """Seconds since the loop was last heard."""
        return time.monotonic() - self._heard_s

    @property
    def refusal(self) -> str | None:
        """Why there is no connection to a loop that is there; None where nothing speaks of one."""
        return self._refusal

    @property
    def rejection_counts(self) -> dict[str, int]:
        """How many messages were rejected, by fault."""
        return dict(self._rejections.counts)

    def poll(self, timeout_s: float) -> Message | LoopFound | LoopLost | None:
        """Wait for the next thing that the display has to act on.

        Parameters
        ----------
        timeout_s : float, in seconds
            How long to wait at most; 0 returns at once.

        Returns
        -------
        event : Message, LoopFound, LoopLost or None
            None where nothing came in time.

        Raises
        ------
        DisplayError
            The loop refuses this display for good, and says why.
        """
        deadline_s = time.monotonic() + timeout_s
        while True:
            # What waits to be read is no silence: this display may have been busy for long.
            if not self._socket.poll(0) and (lost := self._check_liveness()):
                return lost
            if self._conversation is None:
                self._seek()
            left_s = max(0.0, deadline_s - time.monotonic())
            if not self._socket.poll(int(1000 * min(left_s, RETRY_INTERVAL_S))):
                if left_s <= 0:
                    return None
                continue
            if (event := self._receive()) is not None:
                return event

    def send(self, body: Body) -> None:
        """Send a message to the loop; without a loop there is nobody to send it to."""
        if self._conversation is None:
            return
        self._send_message(self._conversation.outgoing(body))

    def close(self, reason: str) -> None:
        """Say goodbye and close; may be called more than once."""
        if not self._socket.closed:
            self.send(Goodbye(reason=reason[:2000]))
            self._disconnect()
        # With what is open still, where connecting anew failed halfway.
        self._context.destroy()

    def _connect(self) -> None:
        socket = make_dealer(self._context, self._settings)
        self._handshakes = HandshakeMonitor(socket)
        self._socket = socket
        self._socket.connect(self._settings.address)

    def _disconnect(self) -> None:
        self._handshakes.close()
        self._socket.close()

    def _seek(self) -> None:
        for handshake in self._handshakes.read():
            if handshake == "done":
                self._refusal = None
                self._told_refusals.clear()
            elif handshake != "cut off" or self._refusal is None:  # which says least
                self._note_refusal(told_at_display(handshake, self._settings))
            if handshake not in ("done", "cut off"):
                # ZeroMQ does not try such a connection again, but the keys may be mended.
                self._reconnect_due_s = time.monotonic() + HELLO_INTERVAL_S
        if self._reconnect_due_s is not None and time.monotonic() >= self._reconnect_due_s:
            self._reconnect_due_s = None
            self._disconnect()
            self._connect()
        self._say_hello()

    def _note_refusal(self, sentence: str) -> None:
        self._refusal = sentence
        if sentence not in self._told_refusals:
            self._told_refusals.add(sentence)
            log.error(sentence)

    def _check_liveness(self) -> LoopLost | None:
        if self._conversation is None or self.seeking_s <= self._timeout_s:
            return None
        return self._lose(f"the loop has been silent for {self.seeking_s:.1f} s")

    def _lose(self, reason: str) -> LoopLost:
        self._conversation = None
        self._hello_due_s = 0.0
        self._hello = self._hello.model_copy(update={"visit": self._hello.visit + 1})
        return LoopLost(reason)

    def _say_hello(self) -> None:
        # What waits to be read may be the welcome: another hello would begin everything anew.
        if time.monotonic() >= self._hello_due_s and not self._socket.poll(0):
            is_sent = self._send_message(Message(self._hello))
            wait_s = HELLO_INTERVAL_S if is_sent else RETRY_INTERVAL_S
            self._hello_due_s = time.monotonic() + wait_s

    def _send_message(self, message: Message) -> bool:
        """Send at once or not at all: without a loop its missing heartbeat will tell."""
        try:
            self._socket.send_multipart(encode(message), flags=zmq.NOBLOCK)
        except zmq.Again:
            return False
        return True

    def _receive(self) -> Message | LoopFound | LoopLost | None:
        received_s = self._clock()
        try:
            message = decode(self._socket.recv_multipart())
        except FrameError as error:
            self._rejections.add(error.fault, str(error))
            if error.fault == "version":
                raise DisplayError(str(error)) from None
            return None
        return self._sort(message, received_s)

    def _sort(self, message: Message, received_s: float) -> Message | LoopFound | LoopLost | None:
        match message.body:
            case Welcome() as body:
                return self._accept(message, body)
            case Rejected() as body:
                self._take_no(body)
                return None
            case Reintroduce():
                return None if self._conversation is None else self._lose("the loop was restarted")
            case _:
                return self._converse(message, received_s)

    def _converse(self, message: Message, received_s: float) -> Message | LoopLost | None:
        if self._conversation is None:
            self._rejections.add("early", f"a {message.body.kind!r} message before the welcome")
            return None
        if fault := self._conversation.fault_of(message):
            self._rejections.add(*fault)
            return None
        self._heard_s = time.monotonic()
        match message.body:
            case Ping() as ping:
                now_s = self._clock()
                self.send(Pong(loop_s=ping.loop_s, received_s=received_s, sent_s=now_s))
                return None
            case Goodbye() as goodbye:
                self.send(Goodbye(reason="the loop left"))
                return self._lose(f"the loop left: {goodbye.reason}")
            case _:
                return message

    def _accept(self, message: Message, body: Welcome) -> LoopFound:
        self._conversation = Conversation(message.run_id, message.session)
        self._conversation.fault_of(message)
        self._heard_s = time.monotonic()
        self._timeout_s = body.heartbeat_timeout_s
        return LoopFound(message.run_id)

    def _take_no(self, body: Rejected) -> None:
        # A display that died is given up only after its heartbeat timed out: asking again until
        # then lets a restarted display take its place.
        if body.cause == "busy" and self.seeking_s < 2 * self._settings.heartbeat_timeout_s + 5:
            return
        raise DisplayError(f"The loop at {self._settings.address} refuses: {body.message}")
