"""Messages to frames and back; whatever arrives is checked before anything is allocated for it."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from pydantic import ValidationError

from signseg_rig.errors import WireError
from signseg_rig.values import ImageArray, array_sha256
from signseg_rig.wire.messages import (
    BODIES,
    MAX_SIDE_PX,
    WIRE_VERSION,
    Body,
    Header,
    Image,
    PayloadHeader,
)

MAX_HEADER_BYTES = 16 * 2**20
MAX_PAYLOAD_BYTES = 64 * 2**20
MAX_QUOTED = 80

Fault = Literal["frames", "size", "header", "version", "kind", "body", "payload", "hash"]


class FrameError(WireError):
    """A received message is not acceptable.

    Parameters
    ----------
    fault : str
        Which check it failed, for counting.
    message : str
    """

    def __init__(self, fault: Fault, message: str) -> None:
        super().__init__(message)
        self.fault = fault


@dataclass(frozen=True, slots=True, eq=False)
class Message:
    """One message with the marks by which stale and repeated ones are told apart.

    Parameters
    ----------
    body : Body
    run_id, session : str
        The run, and the process of the loop, that it belongs to; empty before the welcome.
    sequence : int
        Grows with every message of a sender within a session.
    pixels : (height, width, 3) uint8 array or None
        Payload of an `Image`.
    key : str
        Hash of the pixels and their shape, as `array_sha256` gives it.
    """

    body: Body
    run_id: str = ""
    session: str = ""
    sequence: int = 0
    pixels: ImageArray | None = None
    key: str = ""


def encode(message: Message) -> list[bytes | memoryview]:
    """Make the frames of a message.

    Parameters
    ----------
    message : Message

    Returns
    -------
    frames : list of bytes-like
        The JSON header, and the raw pixels where there are any.
    """
    header: dict[str, object] = {
        "v": WIRE_VERSION,
        "kind": message.body.kind,
        "run": message.run_id,
        "session": message.session,
        "seq": message.sequence,
        "body": message.body.model_dump(mode="json"),
    }
    if message.pixels is None:
        return [_json_bytes(header)]
    pixels = np.ascontiguousarray(message.pixels)
    header["payload"] = {
        "dtype": str(pixels.dtype),
        "shape": list(pixels.shape),
        "sha256": message.key or array_sha256(pixels),
    }
    return [_json_bytes(header), pixels.reshape(-1).data]


def check_size(pixels: ImageArray) -> None:
    """Make sure that the other side accepts an image; one that is too large ends the connection.

    Parameters
    ----------
    pixels : (height, width, 3) uint8 array

    Raises
    ------
    WireError
        It is too large.
    """
    height_px, width_px, _ = pixels.shape
    if pixels.nbytes > MAX_PAYLOAD_BYTES or max(height_px, width_px) > MAX_SIDE_PX:
        raise WireError(
            f"An image of {width_px} x {height_px} px cannot be sent to the display, which accepts "
            f"at most {MAX_SIDE_PX} px a side and {MAX_PAYLOAD_BYTES // 2**20} MiB. Scale it down; "
            "no screen shows that much."
        )


def decode(frames: Sequence[bytes]) -> Message:
    """Check received frames and make a message of them.

    Parameters
    ----------
    frames : sequence of bytes

    Returns
    -------
    message : Message
        Pixels are a read-only view of the received frame.

    Raises
    ------
    FrameError
        Anything about the frames is not as it should be; `fault` says what.
    """
    if len(frames) not in (1, 2):
        raise FrameError("frames", f"A message has one or two frames; got {len(frames)}.")
    header = _header(frames[0])
    body = _body(header)
    if (header.payload is None) != (len(frames) == 1) or isinstance(body, Image) != (
        header.payload is not None
    ):
        raise FrameError(
            "frames",
            f"A message of kind {header.kind!r} came with {len(frames) - 1} payload frames and "
            f"{'a' if header.payload else 'no'} payload header; only images carry a payload.",
        )
    if header.payload is None:
        return Message(body, header.run, header.session, header.seq)
    pixels = _pixels(header.payload, frames[1])
    return Message(body, header.run, header.session, header.seq, pixels, header.payload.sha256)


def _json_bytes(header: dict[str, object]) -> bytes:
    return json.dumps(header, separators=(",", ":"), allow_nan=False).encode()


def _header(frame: bytes) -> Header:
    if len(frame) > MAX_HEADER_BYTES:
        raise FrameError(
            "size", f"A header has at most {MAX_HEADER_BYTES} bytes; got {len(frame)}."
        )
    try:
        content = json.loads(frame)
    except (ValueError, RecursionError) as error:
        raise FrameError("header", f"The header is not JSON: {error}.") from None
    version = content.get("v") if isinstance(content, dict) else None
    if version is not None and version != WIRE_VERSION:
        raise FrameError(
            "version",
            f"The peer speaks wire version {_short(repr(version))} and this side {WIRE_VERSION}. "
            "Install the same version of signseg-rig on both computers.",
        )
    try:
        return Header.model_validate(content)
    except ValidationError as error:
        raise FrameError("header", f"The header is not acceptable: {_first(error)}.") from None


def _body(header: Header) -> Body:
    model = BODIES.get(header.kind)
    if model is None:
        raise FrameError("kind", f"There is no message kind {header.kind!r}.")
    try:
        return model.model_validate(header.body)
    except ValidationError as error:
        raise FrameError(
            "body", f"The body of a {header.kind!r} message is not acceptable: {_first(error)}."
        ) from None


def _pixels(payload: PayloadHeader, frame: bytes) -> ImageArray:
    n_bytes = math.prod(payload.shape)
    if payload.shape[2] != 3 or n_bytes > MAX_PAYLOAD_BYTES:
        raise FrameError(
            "payload",
            f"An image is (height, width, 3) with at most {MAX_PAYLOAD_BYTES} bytes; its header "
            f"says {payload.shape}.",
        )
    if n_bytes != len(frame):
        raise FrameError(
            "payload",
            f"The header says {payload.shape}, that is {n_bytes} bytes; {len(frame)} came.",
        )
    pixels = np.frombuffer(frame, dtype=np.uint8).reshape(payload.shape)
    if array_sha256(pixels) != payload.sha256:
        raise FrameError("hash", "The pixels do not have the sha256 that their header says.")
    return pixels


def _first(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    return f"{_short('.'.join(map(str, first['loc']))) or 'top level'}: {first['msg']}"


def _short(text: str) -> str:
    """Keep a peer from writing our log and our errors."""
    return text if len(text) <= MAX_QUOTED else f"{text[:MAX_QUOTED]}..."
