"""Markers on real ports: a pseudo terminal stands in for the cable."""

import os
import sys
from collections.abc import Iterator
from importlib.util import find_spec

import pytest
from pydantic import ValidationError

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
