"""ZeroMQ sockets with the defaults that a rig needs, and their CURVE keys."""

from __future__ import annotations

import errno
from urllib.parse import urlsplit

import zmq

from signseg_rig.errors import AddressInUseError, WireError
from signseg_rig.experiment import WireSettings
from signseg_rig.wire.frames import MAX_PAYLOAD_BYTES
from signseg_rig.wire.keys import load_display_keys, load_loop_keys
from signseg_rig.wire.messages import MAX_BYTES_TO_LOOP

Socket = zmq.Socket[bytes]
Context = zmq.Context[Socket]

# Enough for the images of a large block; a peer that takes none of them is found by its heartbeat.
QUEUED_MESSAGES = 20_000
# Of one connection of the loop's, where anybody may be at the other end. A display that says more
# at a time keeps the rest.
QUEUED_MESSAGES_AT_LOOP = 200
LINGER_MS = 2000
# What is too large for `decode` is refused by name and counted; what is larger than this is never
# taken into memory: ZeroMQ drops its sender's connection, and tells nobody.
MAX_BYTES_TO_DISPLAY = 2 * MAX_PAYLOAD_BYTES


def make_router(context: Context, settings: WireSettings) -> Socket:
    """Make the loop's socket, without binding it."""
    keys = None if settings.keys_dir is None else load_loop_keys(settings.keys_dir)
    socket = _prepared(context.socket(zmq.ROUTER), settings)
    socket.setsockopt(zmq.RCVHWM, QUEUED_MESSAGES_AT_LOOP)
    socket.setsockopt(zmq.MAXMSGSIZE, MAX_BYTES_TO_LOOP)
    # A message to a display that is gone must be an error, not silently dropped.
    socket.setsockopt(zmq.ROUTER_MANDATORY, 1)
    if keys is not None:
        socket.curve_secretkey, socket.curve_publickey = keys.secret, keys.public
        socket.curve_server = True
    return socket


def bind(socket: Socket, settings: WireSettings) -> None:
    """Bind the loop's socket.

    Raises
    ------
    WireError
        The address is taken, or is not one of this machine's.
    """
    try:
        socket.bind(settings.address)
    except zmq.ZMQError as error:
        kind = AddressInUseError if error.errno == zmq.EADDRINUSE else WireError
        raise kind(
            f"The loop cannot listen at {settings.address}: {error.strerror}. "
            f"{_remedy(error.errno)}"
        ) from None


def _remedy(number: int | None) -> str:
    if number == zmq.EADDRINUSE:
        return (
            "Is another run going on at this address? Stop it, or give this experiment another "
            "port under [wire] address."
        )
    if number in (zmq.EADDRNOTAVAIL, errno.ENODEV):
        return (
            "This is no address of this machine. Run this on the control computer, and give its "
            "address under [wire] address as a number, such as 192.168.1.10, not as a name."
        )
    return "Give this experiment another port under [wire] address."


def check_listening(settings: WireSettings) -> None:
    """Make sure that a loop could listen; the address is free again afterwards.

    Raises
    ------
    WireError
        The address is taken, or is not one of this machine's.
    ConfigError
        The loop's keys are missing or damaged.
    """
    with Context() as context, make_router(context, settings) as router:
        bind(router, settings)


def make_dealer(context: Context, settings: WireSettings) -> Socket:
    """Make the display's socket; once connected, it goes on trying until the loop is there."""
    keys = None if settings.keys_dir is None else load_display_keys(settings.keys_dir)
    socket = _prepared(context.socket(zmq.DEALER), settings)
    socket.setsockopt(zmq.RCVHWM, QUEUED_MESSAGES)
    socket.setsockopt(zmq.MAXMSGSIZE, MAX_BYTES_TO_DISPLAY)
    # Nothing is queued for a loop that is not there: it would arrive late and be stale.
    socket.setsockopt(zmq.IMMEDIATE, 1)
    socket.setsockopt(zmq.RECONNECT_IVL, 100)
    socket.setsockopt(zmq.RECONNECT_IVL_MAX, 1000)
    if keys is not None:
        socket.curve_secretkey, socket.curve_publickey = keys.secret, keys.public
        socket.curve_serverkey = keys.loop_public
    return socket


def _prepared(socket: Socket, settings: WireSettings) -> Socket:
    socket.setsockopt(zmq.LINGER, LINGER_MS)
    socket.setsockopt(zmq.SNDHWM, QUEUED_MESSAGES)
    # Only for an address in figures: of a name ZeroMQ would take the IPv6 address alone, where
    # there is one, and not find a loop that listens at the IPv4 one.
    socket.setsockopt(zmq.IPV6, ":" in (urlsplit(settings.address).hostname or ""))
    return socket
