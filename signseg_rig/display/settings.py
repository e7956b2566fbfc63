"""Settings that displays share: the marker, a line or byte that goes with every image."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from signseg_rig.settings import Settings

Byte = Annotated[int, Field(ge=0, le=255)]


class NoMarkerSettings(Settings):
    """Only the sync patch on the screen marks the images."""

    kind: Literal["none"] = "none"


class SerialMarkerSettings(Settings):
    """A byte through a serial port, such as a USB trigger box.

    `port` is what the system calls it: ``"COM3"`` or ``"/dev/ttyUSB0"``.
    """

    kind: Literal["serial"]
    port: str = Field(min_length=1)
    baud_rate: int = Field(default=115200, ge=300, le=4_000_000)
    onset_byte: Byte = 1
    offset_byte: Byte = 0


class ParallelMarkerSettings(Settings):
    """The data lines of a parallel port.

    `address` is a device such as ``"/dev/parport0"``, on Windows a port such as ``"0x0378"``.
    """

    kind: Literal["parallel"]
    address: str = Field(min_length=1)
    onset_byte: Byte = 255
    offset_byte: Byte = 0


MarkerSettings = Annotated[
    NoMarkerSettings | SerialMarkerSettings | ParallelMarkerSettings,
    Field(discriminator="kind"),
]


class DisplaySettings(Settings):
    """What every display of this package can be set to."""

    marker: MarkerSettings = NoMarkerSettings()
