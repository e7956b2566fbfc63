"""The kits that signseg-rig ships say whether a response source keeps the interface."""

import json
import socket
from contextlib import suppress

import pytest
from signseg_line_source import LineSource, LineSourceSettings

from signseg_rig.errors import ResponseError
from signseg_rig.testing import (
    Packet,
    RecordingWorld,
    check_recording_world,
    check_response_source,
)

UNITS = ("ch1", "ch2")
AHEAD_S = 1000.0  # of the device's clock, compared with the display's


class Device(RecordingWorld):
    """Sends to whoever has connected, and keeps nothing for later."""

    n_units = len(UNITS)

    def __init__(self):
        self._server = socket.create_server(("127.0.0.1", 0))
        self._server.setblocking(False)
        self._connection = None
        self._run, self._number = 0, 0

    def make(self):
        """Make a source; see `RecordingWorld.make`."""
        port = self._server.getsockname()[1]
        return LineSource(LineSourceSettings(port=port, units=UNITS), None)

    def send(self, packet):
        """Send a packet; see `RecordingWorld.send`."""
        self.say(self._next(packet))

    def send_twice(self, packet):
        """Send a packet twice; see `RecordingWorld.send_twice`."""
        line = self._next(packet)
        self.say(line)
        self.say(line)

    def lose(self, packet):
        """Count a packet and send nothing; see `RecordingWorld.lose`."""
        self._next(packet)

    def restart(self):
        """Begin anew; see `RecordingWorld.restart`."""
        self._run, self._number = self._run + 1, 0

    def close(self):
        """Hang up; see `RecordingWorld.close`."""
        self._server.close()
        if self._connection is not None:
            self._connection.close()

    def say(self, line):
        """Send a line to whoever has connected."""
        if self._connection is None:
            with suppress(BlockingIOError):
                self._connection, _ = self._server.accept()
        if self._connection is not None:
            # In pieces, as TCP may.
            for start in range(0, len(line), 50):
                self._connection.sendall(line[start : start + 50])

    def _next(self, packet):
        spikes = {unit: [] for unit in UNITS}
        for unit, time_s in packet.spikes:
            spikes[UNITS[unit]].append(time_s)
        table = {"run": self._run, "number": self._number, "spikes_s": spikes}
        table |= {"from_s": packet.start_s, "until_s": packet.end_s, "edges_s": packet.edges_s}
        self._number += 1
        return json.dumps(table).encode() + b"\n"


@pytest.fixture
def device():
    made = Device()
    yield made
    made.close()


def test_keeps_the_interface():
    devices = []

    def make(_context):
        devices.append(Device())
        return devices[-1].make()

    def present(_source, shown):
        for item in shown:
            onset_s = item.onset_s + AHEAD_S
            spikes = ((0, onset_s + 0.06), (1, onset_s + 0.08))
            devices[-1].send(Packet(onset_s - 0.01, onset_s + 0.24, spikes, (onset_s,)))

    check_response_source(make, present)
    for one in devices:
        one.close()


def test_bears_what_goes_wrong():
    assert check_recording_world(Device) == (
        "every spike is counted once",
        "what comes twice is counted once",
        "lost data are no silence",
        "missing and extra edges change no other image",
        "stream that is joined late is whole from there on",
        "restarted clock mixes nothing",
        "silence is no rate of zero and does not keep a run",
    )


def poll_until_it_comes(source):
    while source.poll() is None:
        pass


@pytest.mark.parametrize(
    "line",
    [
        b"no json",
        b"{}",
        b'{"run": 0, "number": 0, "from_s": 0, "until_s": NaN, "edges_s": [], "spikes_s": {}}',
        b'{"run": 0, "number": 0, "from_s": 0, "until_s": 1, "edges_s": [], "spikes_s": {"x": []}}',
    ],
)
def test_line_that_is_no_packet_is_a_sentence(device, line):
    source = device.make()
    source.start()
    device.say(line + b"\n")
    with pytest.raises(ResponseError, match="which is no packet of the units ch1, ch2"):
        poll_until_it_comes(source)
    source.stop()


def test_a_device_that_is_not_there_is_a_sentence():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    source = LineSource(LineSourceSettings(port=port, units=("ch1",)), None)
    with pytest.raises(ResponseError, match=r"does not answer at 127\.0\.0\.1"):
        source.start()
