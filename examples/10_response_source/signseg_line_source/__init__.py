"""A response source that reads spikes and sync edges as lines of JSON from a TCP socket."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from pydantic import Field

from signseg_rig.errors import ResponseError
from signseg_rig.interfaces import ResponseSource, SourceContext
from signseg_rig.settings import Conflict, Settings, named_again
from signseg_rig.values import Recording, Shown

MAX_LINE_BYTES = 2**20


class LineSourceSettings(Settings):
    """Settings of ``kind = "line_source"``."""

    host: str = "127.0.0.1"
    port: int = Field(ge=1, le=65535)
    units: tuple[str, ...] = Field(min_length=1)
    connect_timeout_s: float = Field(default=5.0, gt=0, le=60)

    def conflicts(self) -> Iterator[Conflict]:
        """Yield each unit that is named again."""
        yield from named_again("units", self.units)


class LineSource(ResponseSource):
    """Reads packets of a recording system, one line of JSON each; see the README beside it.

    Parameters
    ----------
    settings : LineSourceSettings
    context : SourceContext
    """

    Config = LineSourceSettings

    def __init__(self, settings: LineSourceSettings, context: SourceContext) -> None:
        del context  # who records a real animal does not have to see the screen
        self._settings = settings
        self.unit_names = settings.units
        self._socket: socket.socket | None = None
        self._rest = b""

    @classmethod
    def foreseen_unit_names(cls, settings: Any) -> tuple[str, ...]:
        """Return the names of its units; see `ResponseSource.foreseen_unit_names`."""
        return tuple(settings.units)

    def start(self) -> None:
        """Connect; see `ResponseSource.start`."""
        where = (self._settings.host, self._settings.port)
        try:
            self._socket = socket.create_connection(where, self._settings.connect_timeout_s)
        except OSError as error:
            raise ResponseError(
                f"The recording system does not answer at {where[0]}:{where[1]}: {error}. Start "
                "it, or correct host and port under [response_source]."
            ) from error

    def stop(self) -> None:
        """Disconnect; see `ResponseSource.stop`."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def read(
        self,
        shown: Sequence[Shown],
        *,
        block: int,
        window_s: tuple[float, float],
        timeout_s: float,
    ) -> Recording:
        """Collect packets until the last window is over; see `ResponseSource.read`."""
        del block
        deadline_s = time.monotonic() + timeout_s
        edges_s: list[float] = []
        spikes_s: dict[str, list[float]] = {unit: [] for unit in self.unit_names}
        until_s = -np.inf
        while len(edges_s) < len(shown) or until_s < max(edges_s, default=-np.inf) + window_s[1]:
            packet = self._next_packet(deadline_s)
            if packet is None:
                break  # what there is, is returned, and `complete_until_s` tells how far it reaches
            edges_s += packet["edges_s"]
            for unit, times_s in packet["spikes_s"].items():
                spikes_s[unit] += times_s
            until_s = packet["until_s"]
        return Recording(
            edges_s=np.sort(np.array(edges_s, dtype=np.float64)),
            spikes_s=tuple(np.sort(np.array(one, dtype=np.float64)) for one in spikes_s.values()),
            complete_until_s=float(until_s),
        )

    def _next_packet(self, deadline_s: float) -> dict[str, Any] | None:
        """Wait for the next line; None where it is late."""
        if self._socket is None:
            raise ResponseError("The recording system was read before it was started. Call start.")
        while b"\n" not in self._rest:
            left_s = deadline_s - time.monotonic()
            if left_s <= 0:
                return None
            self._socket.settimeout(left_s)
            try:
                received = self._socket.recv(65536)
            except TimeoutError:
                return None
            except OSError as error:
                raise ResponseError(f"The connection to the device broke: {error}.") from error
            if not received or len(self._rest) > MAX_LINE_BYTES:
                raise ResponseError(
                    "The device closed the connection, or sends no lines. Restart it."
                )
            self._rest += received
        line, _, self._rest = self._rest.partition(b"\n")
        return _packet(line, self.unit_names)


def _packet(line: bytes, unit_names: tuple[str, ...]) -> dict[str, Any]:
    """Check what a line holds: what comes from a socket may be anything."""
    try:
        packet = json.loads(line)
        times = [packet["until_s"], *packet["edges_s"]]
        times += [time_s for unit in packet["spikes_s"] for time_s in packet["spikes_s"][unit]]
        is_right = bool(np.isfinite(times).all()) and set(packet["spikes_s"]) <= set(unit_names)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        is_right = False
    if not is_right:
        raise ResponseError(
            f"The device sent {line[:80]!r}, which is no packet of edges_s, spikes_s of the units "
            f"{', '.join(unit_names)}, and until_s. Compare what it sends with the README."
        )
    return dict(packet)
