"""The kit that signseg-rig ships says whether a response source keeps the interface."""

import json
import socket
import threading
from collections.abc import Iterator

import pytest
from signseg_line_source import LineSource, LineSourceSettings

from signseg_rig.errors import ResponseError
from signseg_rig.testing import check_response_source, synthetic_images, synthetic_shown

AHEAD_S = 1000.0  # of the device's clock, compared with the display's


def packets() -> Iterator[bytes]:
    """Return what a device would send about the presentations of the kit."""
    for shown in synthetic_shown(list(synthetic_images(6))):
        edge_s = shown.onset_s + AHEAD_S
        packet = {
            "edges_s": [edge_s],
            "spikes_s": {"ch1": [edge_s + 0.06, edge_s + 0.08]},
            "until_s": edge_s + 0.24,
        }
        yield json.dumps(packet).encode() + b"\n"


@pytest.fixture
def device() -> Iterator[int]:
    """Start a device in a thread, which sends all that it has to each who connects; its port."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return  # the test is over
                with connection:
                    connection.sendall(b"".join(packets()))
                    connection.recv(1)  # until the source disconnects

        thread = threading.Thread(target=serve)
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
    thread.join()


def test_keeps_the_interface(device: int) -> None:
    settings = LineSourceSettings(port=device, units=("ch1", "ch2"))
    check_response_source(lambda context: LineSource(settings, context))


def test_a_device_that_is_not_there_is_a_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    source = LineSource(LineSourceSettings(port=port, units=("ch1",)), None)
    with pytest.raises(ResponseError, match=r"does not answer at 127\.0\.0\.1"):
        source.start()
