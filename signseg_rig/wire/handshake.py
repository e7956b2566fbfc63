"""Why a connection comes to nothing before any message: what ZeroMQ tells of its handshakes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal

import zmq
from zmq.utils.monitor import recv_monitor_message

from signseg_rig.experiment import WireSettings
from signseg_rig.wire.sockets import Socket

Handshake = Literal["done", "refused", "wrong key", "one-sided keys", "cut off", "foreign"]

EVENTS = (
    zmq.EVENT_ACCEPTED
    | zmq.EVENT_HANDSHAKE_SUCCEEDED
    | zmq.EVENT_HANDSHAKE_FAILED_AUTH
    | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL
    | zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL
)
MAX_READ_AT_ONCE = 256
_PROTOCOL_FAILURES: dict[int, Handshake] = {
    zmq.PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC: "wrong key",
    zmq.PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH: "one-sided keys",
}
_OTHERS: dict[int, Handshake] = {
    zmq.EVENT_HANDSHAKE_SUCCEEDED: "done",
    zmq.EVENT_HANDSHAKE_FAILED_AUTH: "refused",
    zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL: "cut off",
}


class HandshakeMonitor:
    """Tells how the handshakes of a socket ended.

    Parameters
    ----------
    socket : zmq.Socket
        Neither bound nor connected yet, or the first ones go unseen.
    on_accept : callable, optional
        Called by `read` with the descriptor of each connection that the socket has accepted.

    Attributes
    ----------
    socket : zmq.Socket
        Has something to read where `read` has something to tell.
    """

    def __init__(
        self, socket: Socket, on_accept: Callable[[int], None] = lambda _descriptor: None
    ) -> None:
        self._watched = socket
        self._on_accept = on_accept
        self.socket = socket.get_monitor_socket(EVENTS)

    def read(self) -> Iterator[Handshake]:
        """Yield what has ended since the last call, in order; of very many the first."""
        for _ in range(MAX_READ_AT_ONCE):
            if not self.socket.poll(0):
                return
            event = recv_monitor_message(self.socket, zmq.NOBLOCK)
            if event["event"] == zmq.EVENT_ACCEPTED:
                self._on_accept(event["value"])
            elif event["event"] == zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL:
                yield _PROTOCOL_FAILURES.get(event["value"], "foreign")
            else:
                yield _OTHERS[event["event"]]

    def close(self) -> None:
        """Stop watching; before the watched socket is closed."""
        self._watched.disable_monitor()
        self.socket.close(linger=0)


def told_at_loop(handshake: Handshake, settings: WireSettings) -> str | None:
    """Say what a failed handshake means to the loop; None where it is no display's.

    Refusals for a key are told by `KeyCheck`, which knows the key.
    """
    if handshake == "wrong key":
        return (
            f"A display came that takes another key for this loop's. Copy 'loop.key' of "
            f"{settings.keys_dir} to the display's keys_dir, and start the display again."
        )
    if handshake == "one-sided keys":
        ours = "has keys" if settings.keys_dir else "has no keys"
        theirs = "has none" if settings.keys_dir else "has some"
        return (
            f"A display came that {theirs}, and this loop {ours}. Give both the same keys_dir "
            "under [wire], or neither."
        )
    return None


def told_at_display(handshake: Handshake, settings: WireSettings) -> str:
    """Say what a failed handshake means to the display, and what to do."""
    keys_dir = settings.keys_dir
    loop = f"The loop at {settings.address}"
    if handshake == "refused":
        return (
            f"{loop} does not permit the key of this display. Copy 'display.key' of {keys_dir} to "
            "the loop's keys_dir, and start the run again."
        )
    if handshake != "one-sided keys" and keys_dir is None:
        return (
            f"{loop} ends the connection before it stands. Check that nothing else listens at this "
            "address, and that the loop has no keys_dir under [wire] either."
        )
    if handshake == "one-sided keys":
        ours = "has keys" if keys_dir else "has no keys"
        theirs = "none" if keys_dir else "some"
        return (
            f"{loop} ends the connection before it stands: this display {ours}, the loop seems to "
            f"have {theirs}. Give both the same keys_dir under [wire], or neither."
        )
    return (
        f"{loop} ends the connection before it stands: its key seems to be another than 'loop.key' "
        f"of {keys_dir}. Copy 'loop.key' from the control computer, and check that nothing else "
        "listens at this address."
    )
