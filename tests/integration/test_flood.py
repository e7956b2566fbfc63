"""Whoever sends without pause, and without keys: the run goes on, and its memory is bounded."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np
import psutil
import pytest

from signseg_rig.bench.flood_peer import KINDS
from signseg_rig.experiment import Experiment, WireSettings
from signseg_rig.values import Order, Placement, View, array_sha256
from signseg_rig.wire.events import Connected, Lost
from signseg_rig.wire.frames import Message, encode
from signseg_rig.wire.link import DisplayLink
from signseg_rig.wire.messages import Hello
from signseg_rig.wire.strangers import MAX_CONNECTIONS, MAX_MESSAGES

N_IMAGES = 10
MAX_GROWTH_BYTES = 300 * 2**20


@contextmanager
def flood(wire: WireSettings, kind: str) -> Iterator[None]:
    command = [sys.executable, "-m", "signseg_rig.bench.flood_peer", wire.address, kind]
    with ExitStack() as stack:
        for _ in range(2):
            peer = stack.enter_context(subprocess.Popen(command))
            stack.callback(peer.kill)
        yield


def take_pass(link: DisplayLink, images: dict[str, Any]) -> int:
    views = {View(key, Placement()): image for key, image in images.items()}
    link.preload(views)
    plan = [Order(f"p{index}", view) for index, view in enumerate(views)]
    orders: dict[str, Any] = {"is_wanted": lambda: True, "meanwhile": lambda: None}
    return len(list(link.show(plan, on_frames=2, off_frames=1, **orders)))


@pytest.mark.parametrize("kind", KINDS)
def test_flood_of_two_peers_neither_stops_nor_restarts_a_run(
    wire: WireSettings,
    experiment: Experiment,
    open_link: Callable,
    start_display: Callable,
    link_events: Any,
    kind: str,
) -> None:
    process = psutil.Process()
    made = np.random.default_rng(0).integers(0, 256, (N_IMAGES, 32, 32, 3), dtype=np.uint8)
    images = {array_sha256(image): image for image in made}
    with open_link(wire) as link:
        start_display(experiment)
        assert link.wait_until_connected(lambda: True)
        assert take_pass(link, images) == N_IMAGES
        before = process.memory_info().rss
        with flood(wire, kind):
            n_passes = 0
            while n_passes < 20 or link.rejection_counts.get("flood", 0) < 4:
                assert take_pass(link, images) == N_IMAGES
                assert process.memory_info().rss - before < MAX_GROWTH_BYTES
                n_passes += 1
        assert take_pass(link, images) == N_IMAGES
    assert len(link_events.of(Connected)) == 1
    assert link_events.of(Lost) == []


def test_display_is_found_among_those_who_flood(
    wire: WireSettings, experiment: Experiment, open_link: Callable, start_display: Callable
) -> None:
    with open_link(wire) as link, flood(wire, "garbage"):
        while link.rejection_counts.get("flood", 0) < 2:
            link.attend(0.1)
        start_display(experiment)
        assert link.wait_until_connected(lambda: True)
        link.preload({})


def test_peer_that_goes_on_after_it_was_refused_is_cut_off(
    wire: WireSettings, open_link: Callable, raw_peer: Callable, link_events: Any
) -> None:
    with open_link(wire) as link:
        peer = raw_peer(wire)
        for _ in range(2 * MAX_MESSAGES):
            peer.send(b"garbage")
        while not (told := [one.detail for one in link_events.events if one.fault == "flood"]):
            link.attend(0.1)
        # It may be back already with what it had not sent.
        assert link.rejection_counts["header"] >= MAX_MESSAGES
        assert "was cut off: it sends messages (65 so far)" in told[0]


def test_hello_that_is_said_again_before_the_welcome_is_read_begins_one_session(
    wire: WireSettings, open_link: Callable, raw_peer: Callable, hello: Hello, link_events: Any
) -> None:
    """As from a display that begins while the loop still loads, or after the loop was held up."""
    with open_link(wire) as link:
        peer = raw_peer(wire)
        for _ in range(21):
            peer.send_multipart(encode(Message(hello)))
        assert link.wait_until_connected(lambda: True)
        while "header" not in link.rejection_counts:
            peer.send(b"garbage")  # behind all of them
            link.attend(0.1)
    assert len(link_events.of(Connected)) == 1
    assert link_events.of(Lost) == []


def test_connections_are_no_more_than_a_run_can_spare(
    wire: WireSettings, open_link: Callable, start_display: Callable, experiment: Experiment
) -> None:
    process = psutil.Process()
    with open_link(wire) as link:
        start_display(experiment)
        assert link.wait_until_connected(lambda: True)
        before = process.num_fds()
        with flood(wire, "connections"):
            while link.rejection_counts.get("flood", 0) < 2 * MAX_CONNECTIONS:
                link.preload({})
            # Those cut off are closed by ZeroMQ in its own time; were none, all these would stay.
            while process.num_fds() > before + 2 * MAX_CONNECTIONS:
                link.preload({})
