"""Connections that are not the display's: what they may send, and their end where they send more.

ZeroMQ can neither end one connection of a bound socket nor bound what one holds: a message of ever
more parts is kept until its last part, and no high-water mark counts them. But it tells the
descriptor of each connection, and shutting that down ends it as if its peer had gone.
"""

from __future__ import annotations

import math
import socket
import struct
import sys
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

# A display that seeks its loop sends some hundred bytes a second, and is answered.
MAX_MESSAGES = 64
MAX_BYTES = 2**20
# Of all strangers together. The first message of a connection always passes: a display has to be
# able to introduce itself while others shout.
MESSAGES_PER_S = 50.0
# How often it is looked at what they have sent, while there are any.
WATCH_INTERVAL_S = 0.02
# Each takes a descriptor, and without any left the run could open no file.
MAX_CONNECTIONS = 64
# Where struct tcp_info of <linux/tcp.h> has tcpi_bytes_received, since Linux 4.1.
_BYTES_RECEIVED_OFFSET = 128
# ZeroMQ still hands over what it had taken of a connection that has ended.
_N_ENDED_KEPT = 1024

Told = TypeVar("Told")


@dataclass(slots=True)
class _Connection:
    peer: str
    identity: bytes | None = None
    n_messages: int = 0
    n_bytes_before: int = 0


class Strangers:
    """Keeps account of the connections of the loop's socket, and cuts off those that abuse it.

    Where the system does not tell how much has come over a connection (all but Linux), only
    messages count, and one that never ends is not found.

    Parameters
    ----------
    port : int
        That the socket listens at.
    tell : callable
        Called with a sentence about each connection that was cut off.

    Attributes
    ----------
    display : int or None
        Descriptor of the display's connection, which may send what it likes.
    """

    def __init__(self, port: int, tell: Callable[[str], None]) -> None:
        self.display: int | None = None
        self._port = port
        self._tell = tell
        self._connections: dict[int, _Connection] = {}
        self._ended: deque[bytes] = deque(maxlen=_N_ENDED_KEPT)
        self._allowance = float(MAX_MESSAGES)
        self._counted_s = self._checked_s = -math.inf

    @property
    def are_here(self) -> bool:
        """Whether there is any connection beside the display's."""
        return any(descriptor != self.display for descriptor in self._connections)

    def accept(self, descriptor: int) -> None:
        """Note a new connection; where there are too many, the oldest stranger's ends."""
        self._forget(descriptor)  # descriptors are used again
        if (peer := self._on(descriptor, _peer)) is not None:
            self._connections[descriptor] = _Connection(peer)
        if len(self._connections) > MAX_CONNECTIONS:
            oldest = next(one for one in self._connections if one != self.display)
            self._cut(oldest, f"there were more than {MAX_CONNECTIONS} connections")

    def may_speak(self, identity: bytes, descriptor: int, now_s: float) -> bool:
        """Count a message, and tell whether it is to be read.

        Parameters
        ----------
        identity : bytes
            Of the peer, not the display's.
        descriptor : int
            Of the connection that the message came over.
        now_s : float, in seconds
        """
        if identity in self._ended:
            return False
        is_affordable = self._takes_from_allowance(now_s)
        connection = self._connections.get(descriptor)
        if connection is None:  # it has ended
            return is_affordable
        connection.identity = identity
        connection.n_messages += 1
        is_first = connection.n_messages == 1
        if is_first or (is_affordable and connection.n_messages <= MAX_MESSAGES):
            return True
        self._cut(
            descriptor,
            f"it sends messages ({connection.n_messages} so far), and is no display of this run",
        )
        return False

    def check(self, now_s: float) -> None:
        """Cut off who has sent too much, also of a message that never ends; forget who has gone.

        Where it was looked at less than `WATCH_INTERVAL_S` ago, that was soon enough.
        """
        if now_s < self._checked_s + WATCH_INTERVAL_S:
            return
        self._checked_s = now_s
        for descriptor, connection in list(self._connections.items()):
            peer, n_bytes = self._on(descriptor, _received) or ("", 0)
            if peer != connection.peer:
                self._forget(descriptor)
            elif descriptor == self.display:
                # What it sent as the display is not held against it once it is that no more.
                connection.n_bytes_before, connection.n_messages = n_bytes, 0
            elif n_bytes - connection.n_bytes_before > MAX_BYTES:
                self._cut(descriptor, f"it has sent {n_bytes} bytes, and is no display of this run")

    def _takes_from_allowance(self, now_s: float) -> bool:
        refilled = self._allowance + MESSAGES_PER_S * (now_s - self._counted_s)
        self._allowance, self._counted_s = min(refilled, float(MAX_MESSAGES)), now_s
        is_affordable = self._allowance >= 1
        self._allowance -= is_affordable
        return is_affordable

    def _cut(self, descriptor: int, reason: str) -> None:
        peer = self._forget(descriptor)
        if self._on(descriptor, lambda found: _shut_down(found, peer)):
            self._tell(f"The connection of {peer} was cut off: {reason}.")

    def _forget(self, descriptor: int) -> str:
        connection = self._connections.pop(descriptor, None)
        if connection is None:
            return ""
        if connection.identity is not None:
            self._ended.append(connection.identity)
        return connection.peer

    def _on(self, descriptor: int, act: Callable[[socket.socket], Told]) -> Told | None:
        """Do something with the connection behind a descriptor; None where there is none any more.

        ZeroMQ may have closed it meanwhile, and something else of this process be open there.
        """
        try:
            borrowed = socket.socket(fileno=descriptor)
        except OSError:
            return None
        try:
            is_ours = borrowed.family in (socket.AF_INET, socket.AF_INET6)
            return act(borrowed) if is_ours and borrowed.getsockname()[1] == self._port else None
        except OSError:
            return None
        finally:
            borrowed.detach()


def _peer(connection: socket.socket) -> str:
    host, port, *_ = connection.getpeername()
    return f"{host}, port {port}"


def _shut_down(connection: socket.socket, peer: str) -> bool:
    if _peer(connection) != peer:
        return False
    connection.shutdown(socket.SHUT_RDWR)
    return True


def _received(connection: socket.socket) -> tuple[str, int]:
    return _peer(connection), _n_bytes_received(connection)


if sys.platform == "linux":

    def _n_bytes_received(connection: socket.socket) -> int:
        size = _BYTES_RECEIVED_OFFSET + struct.calcsize("=Q")
        info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, size)
        if len(info) < size:
            return 0
        (n_bytes,) = struct.unpack_from("=Q", info, _BYTES_RECEIVED_OFFSET)
        return int(n_bytes)

else:

    def _n_bytes_received(_connection: socket.socket) -> int:
        return 0
