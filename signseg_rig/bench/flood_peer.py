"""A peer that floods the loop's address: ``python -m signseg_rig.bench.flood_peer ADDRESS KIND``.

It speaks ZeroMQ's protocol (ZMTP 3.0) by hand, so that it sends what no library would, and begins
anew as soon as it is cut off. It runs until it is ended.
"""

from __future__ import annotations

import contextlib
import json
import socket
import sys
import time
from urllib.parse import urlsplit

from signseg_rig.wire.messages import WIRE_VERSION

KINDS = ("garbage", "hello", "ping", "endless", "connections")
MESSAGES_PER_S = 15_000
BATCH = 150
# As ZeroMQ's own sockets wait.
RECONNECT_S = 0.1
_MORE, _LONG, _COMMAND = b"\x01", b"\x02", b"\x04"


def flood(address: str, kind: str) -> None:
    """Send without an end.

    Parameters
    ----------
    address : str
    kind : str
        "garbage", valid "hello" or "ping" messages, one "endless" message of ever more frames, or
        "connections" that say nothing.
    """
    place = urlsplit(address)
    idle: list[socket.socket] = []
    while True:
        with contextlib.suppress(OSError):
            peer = socket.create_connection((place.hostname, place.port), timeout=5)
            _shake_hands(peer)
            if kind == "connections":
                idle = [*idle[-200:], peer]
                continue
            with peer:
                _send(peer, kind)
        time.sleep(RECONNECT_S)


def _shake_hands(peer: socket.socket) -> None:
    greeting = b"\xff" + bytes(8) + b"\x7f" + b"\x03\x00" + b"NULL".ljust(20, b"\0") + bytes(32)
    ready = b"\x05READY" + b"\x0bSocket-Type" + (6).to_bytes(4, "big") + b"DEALER"
    peer.sendall(greeting + _COMMAND + bytes([len(ready)]) + ready)
    peer.recv(64)


def _send(peer: socket.socket, kind: str) -> None:
    if kind == "endless":
        parts = 1000 * (_MORE + b"\x40" + bytes(64))
        while True:
            peer.sendall(parts)
    content = {"garbage": b"\x9c" * 100, "hello": _hello(), "ping": _ping()}[kind]
    frame = _LONG + len(content).to_bytes(8, "big") + content
    due_s = time.monotonic()
    while True:
        peer.sendall(BATCH * frame)
        due_s += BATCH / MESSAGES_PER_S
        time.sleep(max(0.0, due_s - time.monotonic()))


def _hello() -> bytes:
    body = {
        "display_id": "stranger",
        "launch_id": "",
        "visit": 0,
        "name": "a stranger",
        "plugin": "headless",
        "refresh_rate_hz": 60.0,
        "width_px": 640,
        "height_px": 480,
        "width_deg": 20.0,
        "height_deg": 15.0,
        "is_software_paced": True,
        "setup_sha256": "0" * 64,
        "notes": [],
    }
    return _message("hello", body)


def _ping() -> bytes:
    return _message("ping", {"loop_s": 0.0})


def _message(kind: str, body: dict[str, object]) -> bytes:
    marks = {"v": WIRE_VERSION, "kind": kind, "run": "", "session": "", "seq": 1, "body": body}
    return json.dumps(marks).encode()


if __name__ == "__main__":
    flood(*sys.argv[1:])
