"""Connections beside the display's: what they may send, and that no other is ever cut off."""

import math
import socket
from collections.abc import Callable, Iterator

import pytest

from signseg_rig.wire.strangers import (
    MAX_BYTES,
    MAX_CONNECTIONS,
    MAX_MESSAGES,
    MESSAGES_PER_S,
    Strangers,
)

Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0), backlog=MAX_CONNECTIONS + 8) as made:
        yield made


@pytest.fixture
def connect(listener: socket.socket) -> Iterator[Callable[[], Pair]]:
    """Make connections: our end, which ZeroMQ would have, and the peer's."""
    made: list[socket.socket] = []

    def make() -> Pair:
        theirs = socket.create_connection(listener.getsockname())
        ours, _ = listener.accept()
        made.extend((ours, theirs))
        return ours, theirs

    yield make
    for one in made:
        one.close()


@pytest.fixture
def cut_off() -> list[str]:
    return []


@pytest.fixture
def strangers(listener: socket.socket, cut_off: list[str]) -> Strangers:
    return Strangers(listener.getsockname()[1], cut_off.append)


def is_open(theirs: socket.socket) -> bool:
    theirs.setblocking(False)
    try:
        return theirs.recv(1) != b""
    except BlockingIOError:
        return True


def test_each_may_say_so_much(
    strangers: Strangers, connect: Callable[[], Pair], cut_off: list[str]
) -> None:
    ours, theirs = connect()
    strangers.accept(ours.fileno())
    said = [strangers.may_speak(b"a", ours.fileno(), 0.0) for _ in range(MAX_MESSAGES + 3)]
    assert said == [True] * MAX_MESSAGES + [False] * 3
    assert not is_open(theirs)
    (told,) = cut_off
    assert f"port {theirs.getsockname()[1]}" in told


def test_first_message_is_read_whatever_others_say(
    strangers: Strangers, connect: Callable[[], Pair]
) -> None:
    for number in range(10):
        ours, _theirs = connect()
        strangers.accept(ours.fileno())
        identity = bytes([number])
        assert strangers.may_speak(identity, ours.fileno(), 0.0)
        while strangers.may_speak(identity, ours.fileno(), 0.0):
            pass


def test_all_together_may_say_so_much_a_second(
    strangers: Strangers, connect: Callable[[], Pair]
) -> None:
    n_heard = 0
    for number in range(400):
        ours, theirs = connect()
        strangers.accept(ours.fileno())
        now_s = number / 100  # as quickly as that a peer comes again
        n_heard += strangers.may_speak(number.to_bytes(2), ours.fileno(), now_s)
        n_heard += strangers.may_speak(number.to_bytes(2), ours.fileno(), now_s)
        ours.close()
        theirs.close()
    assert n_heard <= 400 + MAX_MESSAGES + 4 * MESSAGES_PER_S


def test_message_that_never_ends_is_cut_off_by_its_bytes(
    strangers: Strangers, connect: Callable[[], Pair], cut_off: list[str]
) -> None:
    ours, theirs = connect()
    display, display_theirs = connect()
    for one in (ours, display):
        strangers.accept(one.fileno())
    strangers.display = display.fileno()
    for sender, receiver in ((theirs, ours), (display_theirs, display)):
        receiver.settimeout(5)
        n_left = MAX_BYTES + 1
        while n_left > 0:
            sender.sendall(bytes(2**14))
            n_left -= len(receiver.recv(2**14, socket.MSG_WAITALL))
    strangers.check(1.0)
    if cut_off == []:
        pytest.skip("This system does not tell how much a connection has received.")
    assert (is_open(theirs), is_open(display_theirs)) == (False, True)
    # A display that is one no more may still say its last words.
    strangers.display = None
    strangers.check(2.0)
    assert is_open(display_theirs)
    assert len(cut_off) == 1


def test_connection_that_is_gone_is_forgotten_whatever_has_its_descriptor(
    strangers: Strangers, connect: Callable[[], Pair], cut_off: list[str]
) -> None:
    ours, _theirs = connect()
    strangers.accept(ours.fileno())
    assert strangers.are_here
    with socket.create_server(("127.0.0.1", 0)) as other:
        apart = socket.create_connection(other.getsockname())
        accepted, _ = other.accept()
        number = ours.detach()
        socket.close(number)
        taken = [accepted.dup()]
        while taken[-1].fileno() != number:  # the lowest that is free comes first
            taken.append(accepted.dup())
        for _ in range(2 * MAX_MESSAGES):
            strangers.may_speak(b"a", number, 0.0)
        strangers.check(1.0)
        assert is_open(apart)
        for one in (apart, accepted, *taken):
            one.close()
    assert cut_off == []
    assert not strangers.are_here


def test_what_is_left_of_a_connection_is_not_held_against_the_next(
    strangers: Strangers, connect: Callable[[], Pair]
) -> None:
    ours, _ = connect()
    strangers.accept(ours.fileno())
    while strangers.may_speak(b"old", ours.fileno(), 0.0):
        pass
    strangers.accept(ours.fileno())
    for _ in range(500):
        assert not strangers.may_speak(b"old", ours.fileno(), 0.0)
    assert strangers.may_speak(b"new", ours.fileno(), 0.0)


def test_oldest_stranger_goes_where_there_are_too_many(
    strangers: Strangers, connect: Callable[[], Pair], cut_off: list[str]
) -> None:
    pairs = [connect() for _ in range(MAX_CONNECTIONS + 2)]
    strangers.accept(pairs[0][0].fileno())
    strangers.display = pairs[0][0].fileno()
    for ours, _theirs in pairs[1:]:
        strangers.accept(ours.fileno())
    assert [is_open(theirs) for _ours, theirs in pairs[:4]] == [True, False, False, True]
    assert len(cut_off) == 2


def test_nothing_to_account_for(strangers: Strangers) -> None:
    strangers.check(0.0)
    assert not strangers.are_here
    assert strangers.may_speak(b"", -1, math.pi)
