"""Who may connect: the answers to ZeroMQ's own question whether it knows a peer's key (RFC 27)."""

from __future__ import annotations

from collections.abc import Collection

import zmq
from zmq.utils import z85

from signseg_rig.wire.sockets import Context

ADDRESS = "inproc://zeromq.zap.01"
VERSION = b"1.0"
MAX_ANSWERED_AT_ONCE = 256


class KeyCheck:
    """Lets peers in whose CURVE key is permitted, and tells of all others.

    ZeroMQ asks through a socket, which whoever serves the connection reads as one more: there is
    no other thread, and no event loop, that could end unseen.

    Parameters
    ----------
    context : zmq.Context
        That of the socket to protect, which must be bound later than this is made.
    permitted : collection of bytes
        Public keys, in Z85.

    Attributes
    ----------
    socket : zmq.Socket
        Has something to read where `answer` has something to do.
    """

    def __init__(self, context: Context, permitted: Collection[bytes]) -> None:
        self._permitted = frozenset(permitted)
        self.socket = context.socket(zmq.REP)
        self.socket.bind(ADDRESS)

    def answer(self) -> list[str]:
        """Answer the questions that wait; of very many the first.

        Returns
        -------
        refused : list of str
            Who was not let in, by address and key.
        """
        refused = []
        for _ in range(MAX_ANSWERED_AT_ONCE):
            if not self.socket.poll(0):
                break
            version, request, _domain, address, _identity, mechanism, *credentials = (
                self.socket.recv_multipart()
            )
            key = z85.encode(credentials[0]) if mechanism == b"CURVE" else b""
            is_permitted = version == VERSION and key in self._permitted
            verdict = [b"200", b"OK"] if is_permitted else [b"400", b"The key is not permitted."]
            self.socket.send_multipart([VERSION, request, *verdict, b"", b""])
            if not is_permitted:
                refused.append(f"the peer at {address.decode()} with the key {key.decode()}")
        return refused

    def close(self) -> None:
        """Stop answering."""
        self.socket.close(linger=0)
