"""Real sockets and a real display process around the tests of the loop's far ends."""

import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import zmq

from signseg_rig.display.headless import HeadlessDisplay
from signseg_rig.display.markers import open_marker
from signseg_rig.display.presenter import Presenter
from signseg_rig.display.process import DisplayProcess
from signseg_rig.experiment import Experiment, WireSettings
from signseg_rig.wire.frames import decode, encode
from signseg_rig.wire.link import DisplayLink
from signseg_rig.wire.messages import Body, Hello, Welcome
from signseg_rig.wire.peer import Conversation

RUN_ID = "a-run"


@pytest.fixture
def address() -> str:
    """An address of this machine that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"tcp://127.0.0.1:{probe.getsockname()[1]}"


@pytest.fixture
def wire(address: str) -> WireSettings:
    return WireSettings(
        address=address,
        heartbeat_interval_s=0.05,
        # A display that lives is not silent, however busy the machine is.
        heartbeat_timeout_s=20.0,
        connect_timeout_s=60.0,
        preload_timeout_s=10.0,
    )


@pytest.fixture
def impatient_wire(wire: WireSettings) -> WireSettings:
    """For displays that are meant to be silent for too long."""
    return wire.model_copy(update={"heartbeat_timeout_s": 0.5})


def experiment_table(wire: WireSettings, *, n_generations: int = 4) -> dict[str, Any]:
    """A whole experiment without weights, on a screen whose frames take no time."""
    return {
        "run": {"name": "test", "seed": 5},
        "wire": wire.model_dump(mode="json", exclude_none=True),
        "display": {"kind": "headless", "pacing": "fast"},
        "monitor": {"width_px": 320, "height_px": 240},
        "response_source": {
            "kind": "simulated",
            "population": {"kind": "pixels", "n_units": 2},
            "invalid_share": 0.1,
        },
        "generators": {"linear": {"kind": "linear", "n_dims": 12}},
        "protocol": {
            "kind": "evolution",
            "n_generations": n_generations,
            "references": {"kind": "random_codes", "generator": "linear", "n_codes": 4},
            "threads": [
                {
                    "name": f"thread_{unit}",
                    "generator": "linear",
                    "optimizer": {"kind": "cma_es", "n_codes": 8},
                    "score": {"kind": "channel", "unit": f"unit_{unit}"},
                }
                for unit in range(2)
            ],
        },
    }


@pytest.fixture
def experiment_of(synthetic_plugins: Path) -> Callable[..., dict[str, Any]]:
    return experiment_table


@pytest.fixture
def experiment(wire: WireSettings, synthetic_plugins: Path) -> Experiment:
    return Experiment.model_validate(experiment_table(wire))


class LinkEvents:
    """Collects what a link reports."""

    def __init__(self) -> None:
        self.keys: list[str] = []
        self.events: list[object] = []

    def of(self, kind: type) -> list[object]:
        return [event for event in self.events if isinstance(event, kind)]


@pytest.fixture
def link_events() -> LinkEvents:
    return LinkEvents()


@pytest.fixture
def open_link(link_events: LinkEvents) -> Callable[..., DisplayLink]:
    def open_it(
        wire: WireSettings, objection: Callable[[Hello], str | None] = lambda _hello: None
    ) -> DisplayLink:
        return DisplayLink(
            wire,
            run_id=RUN_ID,
            objection=objection,
            on_key=link_events.keys.append,
            on_event=link_events.events.append,
        )

    return open_it


class RunningDisplay:
    """A display process's own code on a headless screen, in a thread of the test."""

    def __init__(self, experiment: Experiment) -> None:
        settings = experiment.display.settings
        self.screen = HeadlessDisplay(settings, experiment.monitor, experiment.stimulus)
        self.screen.open()
        presenter = Presenter(self.screen, open_marker(settings))
        self.process = DisplayProcess(experiment, self.screen, presenter, serves_one_run=True)
        self.error: BaseException | None = None
        self.thread = threading.Thread(target=self._run, name="display")

    def _run(self) -> None:
        try:
            self.process.run()
        except Exception as error:
            self.error = error
        finally:
            self.screen.close()

    def join(self, timeout_s: float = 30.0) -> None:
        self.thread.join(timeout_s)
        assert not self.thread.is_alive(), "the display did not leave when its run was over"


@pytest.fixture
def start_display() -> Iterator[Callable[[Experiment], RunningDisplay]]:
    started: list[RunningDisplay] = []

    def start(experiment: Experiment) -> RunningDisplay:
        display = RunningDisplay(experiment)
        display.thread.start()
        started.append(display)
        return display

    yield start
    for display in started:
        display.join()


class RawLoop:
    """A loop that says whatever the test wants; it takes the first display that comes."""

    def __init__(self, wire: WireSettings) -> None:
        self._context: zmq.Context[Any] = zmq.Context()
        self._socket = self._context.socket(zmq.ROUTER)
        self._socket.setsockopt(zmq.RCVTIMEO, 10_000)
        self._socket.bind(wire.address)
        self._display = b""
        self._conversation = Conversation("a-run", "")

    def welcome(self, session: str) -> None:
        self._conversation = Conversation("a-run", session)
        self.hear(Hello)
        self.say(Welcome(heartbeat_timeout_s=60.0))

    def say(self, body: Body, **payload: Any) -> None:
        message = replace(self._conversation.outgoing(body), **payload)
        self._socket.send_multipart([self._display, *encode(message)])

    def throw(self, frames: list[bytes]) -> None:
        self._socket.send_multipart([self._display, *frames])

    def hear(self, kind: type[Body]) -> Any:
        while True:
            self._display, *frames = self._socket.recv_multipart()
            body = decode(frames).body
            if isinstance(body, kind):
                return body
            assert isinstance(body, Hello), body  # repeated until the welcome is read

    def close(self) -> None:
        self._socket.close(linger=1000)
        self._context.term()


@pytest.fixture
def raw_loop(wire: WireSettings) -> Iterator[RawLoop]:
    loop = RawLoop(wire)
    yield loop
    loop.close()


@pytest.fixture
def hello() -> Hello:
    return Hello(
        display_id="raw",
        launch_id="",
        visit=0,
        name="a raw peer",
        plugin="raw",
        refresh_rate_hz=60.0,
        width_px=100,
        height_px=100,
        width_deg=10.0,
        height_deg=10.0,
        is_software_paced=True,
        setup_sha256="0" * 64,
        notes=[],
        clock_s=0.0,
        at_utc="2026-01-01T00:00:00+00:00",
    )


@pytest.fixture
def raw_peer() -> Any:
    """A ZeroMQ peer that says whatever the test wants."""
    context: zmq.Context[Any] = zmq.Context()
    peers = []

    def make(wire: WireSettings) -> Any:
        peer = context.socket(zmq.DEALER)
        peer.setsockopt(zmq.LINGER, 0)
        peer.setsockopt(zmq.RCVTIMEO, 10_000)
        peer.connect(wire.address)
        peers.append(peer)
        return peer

    yield make
    for peer in peers:
        peer.close(linger=0)
    context.term()
