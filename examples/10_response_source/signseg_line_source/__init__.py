"""A response source that reads spikes and sync edges as lines of JSON from a TCP socket."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from signseg_rig.errors import ResponseError
from signseg_rig.interfaces import ResponseSource, SourceContext
from signseg_rig.settings import Conflict, Settings, named_again
from signseg_rig.values import Chunk, SourceInfo, Stretch, SyncEvents

MAX_LINE_BYTES = 2**20
SAMPLE_RATE_HZ = 30_000.0


class LineSourceSettings(Settings):
    """Settings of ``kind = "line_source"``."""

    host: str = "127.0.0.1"
    port: int = Field(ge=1, le=65535)
    units: tuple[str, ...] = Field(min_length=1)
    connect_timeout_s: float = Field(default=5.0, gt=0, le=60)

    def conflicts(self) -> Iterator[Conflict]:
        """Yield each unit that is named again."""
        yield from named_again("units", self.units)


class Packet(BaseModel):
    """What a line holds; what comes from a socket may be anything."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    run: int = Field(ge=0)
    number: int = Field(ge=0)
    from_s: float
    until_s: float
    edges_s: list[float]
    spikes_s: dict[str, list[float]]


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
        self._socket: socket.socket | None = None
        self._rest = b""
        self._before: Packet | None = None

    @classmethod
    def foreseen_unit_names(cls, settings: Any) -> tuple[str, ...]:
        """Return the names of its units; see `ResponseSource.foreseen_unit_names`."""
        return tuple(settings.units)

    def start(self) -> SourceInfo:
        """Connect; see `ResponseSource.start`."""
        where = (self._settings.host, self._settings.port)
        try:
            self._socket = socket.create_connection(where, self._settings.connect_timeout_s)
            self._socket.setblocking(False)
        except OSError as error:
            raise ResponseError(
                f"The recording system does not answer at {where[0]}:{where[1]}: {error}. Start "
                "it, or correct host and port under [response_source]."
            ) from error
        return SourceInfo(
            self._settings.units,
            SAMPLE_RATE_HZ,
            description={"system": "lines of JSON", "address": f"{where[0]}:{where[1]}"},
        )

    def poll(self) -> Chunk | None:
        """Return what the next packet says; see `ResponseSource.poll`."""
        line = self._next_line()
        return None if line is None else self._chunk(_packet(line, self._settings.units))

    def stop(self) -> None:
        """Disconnect; see `ResponseSource.stop`."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _next_line(self) -> bytes | None:
        """Return the next line; None where it has not come whole yet."""
        if self._socket is None:
            raise ResponseError("The recording system was read before it was started. Call start.")
        if b"\n" not in self._rest:
            try:
                received = self._socket.recv(65536)
            except BlockingIOError:
                return None
            except OSError as error:
                raise ResponseError(f"The connection to the device broke: {error}.") from error
            self._rest += received
            if not received or len(self._rest) > MAX_LINE_BYTES:
                raise ResponseError(
                    "The device closed the connection, or sends no lines. Restart it."
                )
        line, newline, rest = self._rest.partition(b"\n")
        if not newline:
            return None
        self._rest = rest
        return line

    def _chunk(self, packet: Packet) -> Chunk:
        before, self._before = self._before, packet
        is_first = before is None or before.run != packet.run
        lost, faults = (), ()
        if before is not None and not is_first:
            n_lost = packet.number - before.number - 1
            if n_lost > 0:
                lost = (Stretch(before.until_s, packet.from_s),)
                faults = (f"{n_lost} packets were lost before {packet.from_s:.3f} s.",)
            elif n_lost < 0:
                self._before = before  # it came a second time, or late
        units = self._settings.units
        return Chunk(
            spike_units=np.array(
                [units.index(unit) for unit, times in packet.spikes_s.items() for _ in times],
                dtype=np.intp,
            ),
            spike_times_s=np.array(
                [time_s for times in packet.spikes_s.values() for time_s in times], dtype=float
            ),
            sync=SyncEvents.of_edges(np.array(packet.edges_s)),
            epoch=packet.run,
            whole_from_s=packet.from_s if is_first else None,
            complete_until_s=packet.until_s,
            invalid=lost,
            faults=faults,
        )


def _packet(line: bytes, unit_names: tuple[str, ...]) -> Packet:
    try:
        packet = Packet.model_validate(json.loads(line))
    except (ValidationError, ValueError, RecursionError) as error:
        wrong = str(error)[:200]
    else:
        if packet.spikes_s.keys() <= set(unit_names):
            return packet
        wrong = f"spikes of {', '.join(packet.spikes_s)}"
    raise ResponseError(
        f"The device sent {line[:80]!r}, which is no packet of the units {', '.join(unit_names)}: "
        f"{wrong}. Compare what it sends with the README."
    )
