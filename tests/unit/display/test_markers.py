"""Markers on real ports: a pseudo terminal stands in for the cable."""

import os
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from types import SimpleNamespace

import pytest
from pydantic import ValidationError

from signseg_rig.display import markers
from signseg_rig.display.headless import HeadlessSettings
from signseg_rig.display.markers import NoMarker, SerialMarker, open_marker
from signseg_rig.errors import DisplayError
from signseg_rig.settings import Settings

needs_pty = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo terminals")


def settings(**marker: object) -> HeadlessSettings:
    return HeadlessSettings.model_validate({"marker": marker})


class Cable:
    """The two ends of a serial line."""

    def __init__(self) -> None:
        import tty

        self.far_end, self._near_end = os.openpty()
        tty.setraw(self.far_end)
        self.port = os.ttyname(self._near_end)
        self._is_plugged = True

    def received(self, n_bytes: int) -> bytes:
        data = b""
        while len(data) < n_bytes:
            data += os.read(self.far_end, n_bytes - len(data))
        return data

    def unplug(self) -> None:
        if self._is_plugged:
            os.close(self.far_end)
            os.close(self._near_end)
        self._is_plugged = False


@pytest.fixture
def cable() -> Iterator[Cable]:
    made = Cable()
    yield made
    made.unplug()


def test_displays_have_no_marker_unless_asked() -> None:
    assert isinstance(open_marker(HeadlessSettings()), NoMarker)


def test_settings_of_another_kind_have_no_marker() -> None:
    assert isinstance(open_marker(Settings()), NoMarker)


@needs_pty
def test_serial_marker_sends_a_byte_at_each_edge(cable: Cable) -> None:
    with open_marker(
        settings(kind="serial", port=cable.port, onset_byte=7, offset_byte=9)
    ) as marker:
        marker.rise()
        assert cable.received(1) == b"\x07"
        marker.fall()
        assert cable.received(1) == b"\x09"
        marker.rise()
    # Closing leaves the line low.
    assert cable.received(2) == b"\x07\x09"
    marker.close()


@needs_pty
def test_unplugged_serial_marker_is_an_error_and_still_closes(cable: Cable) -> None:
    marker = open_marker(settings(kind="serial", port=cable.port))
    assert isinstance(marker, SerialMarker)
    cable.unplug()
    with pytest.raises(DisplayError, match="no longer takes bytes"):
        marker.rise()
    marker.close()
    marker.close()


def test_missing_serial_port_is_named_with_the_remedy() -> None:
    with pytest.raises(DisplayError, match=r"'no-such-port' cannot be opened.*Ports of this"):
        open_marker(settings(kind="serial", port="no-such-port"))


@pytest.mark.skipif(find_spec("psychopy") is None, reason="PsychoPy is not installed")
def test_missing_parallel_port_is_named_with_the_remedy() -> None:
    with pytest.raises(DisplayError, match=r"'/dev/no-such-port' cannot be opened.*address"):
        open_marker(settings(kind="parallel", address="/dev/no-such-port"))


class LinesOnly:
    """A parallel port of which only the data lines are there."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.bytes: list[int] = []
        self.failure: Exception | None = None

    def setData(self, data: int) -> None:  # noqa: N802 - PsychoPy's name
        if self.failure is not None:
            raise self.failure
        self.bytes.append(data)


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> Iterator[LinesOnly]:
    made = LinesOnly("")

    def open_port(address: str) -> LinesOnly:
        made.address = address
        return made

    module = SimpleNamespace(ParallelPort=open_port)
    monkeypatch.setattr(markers, "import_psychopy", {"psychopy.parallel": module}.__getitem__)
    return made


def test_parallel_marker_sets_the_lines_at_each_edge(port: LinesOnly) -> None:
    with open_marker(
        settings(kind="parallel", address="0x0378", onset_byte=7, offset_byte=9)
    ) as marker:
        assert (port.address, port.bytes) == ("0x0378", [9])
        marker.rise()
        marker.fall()
        assert port.bytes == [9, 7, 9]
        marker.rise()
    # Closing leaves the lines low.
    assert port.bytes == [9, 7, 9, 7, 9]
    marker.close()


def test_parallel_marker_that_fails_is_an_error_and_still_closes(port: LinesOnly) -> None:
    marker = open_marker(settings(kind="parallel", address="0x0378"))
    port.failure = OSError("the card was removed")
    with pytest.raises(DisplayError, match=r"'0x0378' no longer takes bytes.*card was removed"):
        marker.rise()
    marker.close()


@pytest.mark.parametrize(
    "marker",
    [
        {"kind": "serial"},
        {"kind": "serial", "port": "COM3", "onset_byte": 256},
        {"kind": "parallel", "address": ""},
        {"kind": "lamp"},
        {"kind": "none", "port": "COM3"},
    ],
)
def test_marker_settings_are_checked(marker: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        settings(**marker)
