"""Markers: what the recording system is told, by wire, at the flip that changes the screen."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import suppress
from typing import Any, ClassVar, Self

from signseg_rig.display.psychopy_import import import_psychopy
from signseg_rig.display.settings import (
    DisplaySettings,
    ParallelMarkerSettings,
    SerialMarkerSettings,
)
from signseg_rig.errors import DisplayError
from signseg_rig.settings import Settings

# A port that takes no byte for this long is stuck; a frame must not wait for it any longer.
WRITE_TIMEOUT_S = 0.05


class Marker(ABC):
    """Marks the time for which an image is on the screen.

    Attributes
    ----------
    has_codes : bool
        Whether the number that comes with an onset reaches the recording system.
    """

    has_codes: ClassVar[bool] = True

    @abstractmethod
    def rise(self, code: int | None = None) -> None:
        """Mark the onset; returns at once.

        Parameters
        ----------
        code : int or None, 1 to 65535
            What to put on the port; None puts what the settings say.
        """

    @abstractmethod
    def fall(self) -> None:
        """Mark the offset; returns at once."""

    @abstractmethod
    def close(self) -> None:
        """Leave the line low and release it; may be called more than once."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()


def open_marker(display_settings: Settings) -> Marker:
    """Open the marker that a display's settings ask for.

    Parameters
    ----------
    display_settings : Settings
        A display's `Config`; one that does not derive from `DisplaySettings` has no marker.

    Raises
    ------
    DisplayError
        There is no such port, or it cannot be opened.
    """
    if not isinstance(display_settings, DisplaySettings):
        return NoMarker()
    match display_settings.marker:
        case SerialMarkerSettings() as settings:
            return SerialMarker(settings)
        case ParallelMarkerSettings() as settings:
            return ParallelMarker(settings)
        case _:
            return NoMarker()


class NoMarker(Marker):
    """Marks nothing."""

    has_codes: ClassVar[bool] = False

    def rise(self, code: int | None = None) -> None:
        """Do nothing."""

    def fall(self) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""


class SerialMarker(Marker):
    """Writes a byte at the onset and one at the offset; of a wide code two, the high one first.

    Parameters
    ----------
    settings : SerialMarkerSettings

    Raises
    ------
    DisplayError
        The port cannot be opened.
    """

    def __init__(self, settings: SerialMarkerSettings) -> None:
        try:
            import serial
        except ModuleNotFoundError as error:
            raise DisplayError(
                'The marker kind = "serial" needs pyserial, which is not installed. Install it '
                "with 'pip install pyserial'."
            ) from error
        self._settings = settings
        self._failure: type[Exception] = serial.SerialException
        try:
            self._port: Any = serial.Serial(
                settings.port, settings.baud_rate, write_timeout=WRITE_TIMEOUT_S
            )
        except (serial.SerialException, ValueError) as error:
            raise DisplayError(
                f"The marker's serial port {settings.port!r} cannot be opened: {error}. Ports of "
                f"this computer: {_serial_ports() or 'none'}. Plug the device in, or correct "
                f"'port' under [display.marker]."
            ) from error

    def rise(self, code: int | None = None) -> None:
        """Write the code, or the onset byte."""
        word = self._settings.onset_byte if code is None else code
        self._write(word.to_bytes(1 if word < 256 else 2, "big"))

    def fall(self) -> None:
        """Write the offset byte."""
        self._write(bytes([self._settings.offset_byte]))

    def close(self) -> None:
        """Write the offset byte once more, and close the port."""
        if self._port.is_open:
            with suppress(DisplayError):
                self.fall()
            self._port.close()

    def _write(self, content: bytes) -> None:
        try:
            self._port.write(content)
        except self._failure as error:
            raise DisplayError(
                f"The marker's serial port {self._settings.port!r} no longer takes bytes: "
                f"{error}. Check its cable; presentations without a marker cannot be aligned."
            ) from error


class ParallelMarker(Marker):
    """Sets the data lines of a parallel port.

    Parameters
    ----------
    settings : ParallelMarkerSettings

    Raises
    ------
    DisplayError
        The port, or its driver, is not there.
    """

    def __init__(self, settings: ParallelMarkerSettings) -> None:
        self._settings = settings
        parallel = import_psychopy("psychopy.parallel")
        try:
            self._port: Any = parallel.ParallelPort(settings.address)
            self._port.setData(settings.offset_byte)
        except Exception as error:
            raise DisplayError(
                f"The marker's parallel port {settings.address!r} cannot be opened: "
                f"{type(error).__name__}: {error}. On Linux it needs pyparallel and the ppdev "
                f"module without lp ('rmmod lp; modprobe ppdev'), on Windows the inpoutx64 "
                f"driver; or correct 'address' under [display.marker]."
            ) from error

    def rise(self, code: int | None = None) -> None:
        """Set the lines to the code, or to the onset byte."""
        self._set(self._settings.onset_byte if code is None else code)

    def fall(self) -> None:
        """Set the lines to the offset byte."""
        self._set(self._settings.offset_byte)

    def close(self) -> None:
        """Set the lines to the offset byte."""
        with suppress(DisplayError):
            self.fall()

    def _set(self, byte: int) -> None:
        try:
            self._port.setData(byte)
        except OSError as error:
            raise DisplayError(
                f"The marker's parallel port {self._settings.address!r} no longer takes bytes: "
                f"{error}. Check the port; presentations without a marker cannot be aligned."
            ) from error


def _serial_ports() -> str:
    from serial.tools import list_ports

    return ", ".join(sorted(port.device for port in list_ports.comports()))
