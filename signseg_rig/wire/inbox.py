"""A turn's worth of messages from a socket: never more, whoever sends."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import zmq

from signseg_rig.wire.sockets import Socket

MESSAGES_PER_TURN = 64
FRAMES_PER_TURN = 1024
# One more than any message has: enough to see that there are too many.
FRAMES_KEPT = 3


class Received(NamedTuple):
    """A message as it came.

    Parameters
    ----------
    identity : bytes
        Of the peer, as ZeroMQ routes to it.
    descriptor : int
        Of the connection.
    frames : list of bytes
        The first few; the rest of a message of many frames is thrown away.
    """

    identity: bytes
    descriptor: int
    frames: list[bytes]


class Inbox:
    """Receives from a ROUTER socket by turns, which ZeroMQ shares out among its peers.

    Parameters
    ----------
    socket : zmq.Socket

    Attributes
    ----------
    is_emptied : bool
        Whether the latest turn has left nothing that waits.
    """

    def __init__(self, socket: Socket) -> None:
        self.is_emptied = True
        self._socket = socket
        # A message of many frames may outlast a turn.
        self._is_within_rest = False
        self._n_frames_left = 0

    def turn(self) -> Iterator[Received]:
        """Yield the messages of a turn."""
        self._n_frames_left = FRAMES_PER_TURN
        self.is_emptied = False
        for _ in range(MESSAGES_PER_TURN):
            self._drop_rest()
            if self._n_frames_left <= 0:
                return
            try:
                routing = self._socket.recv(zmq.NOBLOCK, copy=False)
            except zmq.Again:
                self.is_emptied = True
                return
            yield Received(routing.bytes, routing.get(zmq.SRCFD), self._frames())

    def _frames(self) -> list[bytes]:
        frames = [self._socket.recv(zmq.NOBLOCK)]
        while (has_more := self._has_more()) and len(frames) < FRAMES_KEPT:
            frames.append(self._socket.recv(zmq.NOBLOCK))
        self._n_frames_left -= len(frames) + 1
        self._is_within_rest = has_more
        return frames

    def _drop_rest(self) -> None:
        while self._is_within_rest and self._n_frames_left > 0:
            self._socket.recv(zmq.NOBLOCK)
            self._n_frames_left -= 1
            self._is_within_rest = self._has_more()

    def _has_more(self) -> bool:
        return bool(self._socket.getsockopt(zmq.RCVMORE))
