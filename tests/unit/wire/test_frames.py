"""What arrives is checked before anything is made of it."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from signseg_rig.values import array_sha256
from signseg_rig.wire.frames import (
    MAX_HEADER_BYTES,
    MAX_PAYLOAD_BYTES,
    FrameError,
    Message,
    decode,
    encode,
)
from signseg_rig.wire.messages import Image, Ping, Place, PlacedKey, Preload, Show, ShowItem


def frames_of(message: Message) -> list[bytes]:
    return [bytes(frame) for frame in encode(message)]


def header_of(message: Message, **changes: object) -> bytes:
    content = json.loads(frames_of(message)[0])
    content.update(changes)
    return json.dumps(content).encode()


CENTRE = Place(position_deg=[0.0, 0.0], size_deg=None)
IMAGE = Message(Image(place=CENTRE), "run", "session", 7, np.zeros((4, 6, 3), np.uint8))
PING = Message(Ping(loop_s=1.5), "run", "session", 8)
NAN_PING = header_of(PING, body={"loop_s": float("nan")})


@given(
    arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9), st.just(3))),
    st.integers(0, 2**53 - 1),
)
def test_image_survives_the_wire(pixels: np.ndarray, sequence: int) -> None:
    message = decode(frames_of(Message(Image(place=CENTRE), "a run", "s", sequence, pixels)))
    assert np.array_equal(message.pixels, pixels)
    assert message.key == array_sha256(pixels)
    assert (message.run_id, message.session, message.sequence) == ("a run", "s", sequence)


@given(st.lists(st.tuples(st.text(min_size=1, max_size=120)), min_size=1, max_size=5))
def test_orders_survive_the_wire(names: list[tuple[str]]) -> None:
    body = Show(
        number=3,
        items=[
            ShowItem(id=name, view=PlacedKey(key="0" * 64, place=CENTRE), code=None)
            for (name,) in names
        ],
        on_frames=6,
        off_frames=1,
    )
    assert decode(frames_of(Message(body, "run", "s", 1))).body == body


def test_image_in_another_memory_order_arrives_upright() -> None:
    pixels = np.arange(5 * 7 * 3, dtype=np.uint8).reshape(5, 7, 3).transpose(1, 0, 2)
    assert np.array_equal(
        decode(frames_of(Message(Image(place=CENTRE), "", "", 1, pixels))).pixels, pixels
    )


@pytest.mark.parametrize(
    ("frames", "fault"),
    [
        ([], "frames"),
        ([b"a", b"b", b"c"], "frames"),
        ([b"\xff\x00 garbage"], "header"),
        ([b"[" * 200_000], "header"),
        ([b"[1, 2]"], "header"),
        ([b" " * (MAX_HEADER_BYTES + 1)], "size"),
        ([header_of(PING, v=99)], "version"),
        ([header_of(PING, v="1")], "version"),
        ([header_of(PING, seq=-1)], "header"),
        ([header_of(PING, surprise=1)], "header"),
        ([header_of(PING, kind="explode")], "kind"),
        ([header_of(PING, body={})], "body"),
        ([header_of(PING, body={"loop_s": "1.5"})], "body"),
        ([NAN_PING], "body"),
        ([header_of(PING, body={"loop_s": 1.0, "more": 2})], "body"),
        ([*frames_of(PING), b"payload"], "frames"),
        (frames_of(IMAGE)[:1], "frames"),
        ([frames_of(IMAGE)[0], b"short"], "payload"),
        ([frames_of(IMAGE)[0], b"\1" * 72], "hash"),
    ],
)
def test_bad_frames_are_refused_by_name(frames: list[bytes], fault: str) -> None:
    with pytest.raises(FrameError) as caught:
        decode(frames)
    assert caught.value.fault == fault


@pytest.mark.parametrize(
    "shape", [[2**40, 1, 3], [16_384, 16_384, 3], [4, 6, 4], [0, 1, 3], [4, 6]]
)
def test_absurd_image_sizes_are_refused_before_allocation(shape: list[int]) -> None:
    payload = {"dtype": "uint8", "shape": shape, "sha256": "0" * 64}
    with pytest.raises(FrameError) as caught:
        decode([header_of(IMAGE, payload=payload), b"x"])
    assert caught.value.fault in ("payload", "header")
    assert MAX_PAYLOAD_BYTES < 16_384 * 16_384 * 3


@given(st.lists(st.binary(max_size=200), max_size=4))
def test_garbage_never_escapes_as_another_error(frames: list[bytes]) -> None:
    with pytest.raises(FrameError):
        decode(frames)


@given(st.data())
def test_a_flipped_byte_is_never_taken_for_the_message(data: st.DataObject) -> None:
    frames = [bytearray(frame) for frame in frames_of(IMAGE)]
    frame = data.draw(st.sampled_from(frames))
    position = data.draw(st.integers(0, len(frame) - 1))
    frame[position] ^= data.draw(st.integers(1, 255))
    try:
        message = decode([bytes(frame) for frame in frames])
    except FrameError:
        return
    # What the checks cannot see must at least not touch the pixels.
    assert message.pixels is not None
    assert np.array_equal(message.pixels, IMAGE.pixels)


@pytest.mark.parametrize(
    "changes",
    [
        {"v": "9" * 5_000_000},
        {"v": [[1] * 1000] * 1000},
        {"kind": "k" * 5_000_000},
        {"k" * 5_000_000: 1},
        {"body": {"k" * 5_000_000: 1, "loop_s": 1.0}},
        {"session": "s" * 5_000_000},
    ],
)
def test_errors_repeat_little_of_what_came(changes: dict[str, object]) -> None:
    with pytest.raises(FrameError) as caught:
        decode([header_of(PING, **changes)])
    assert len(str(caught.value)) < 400


def test_hashes_in_orders_must_be_hashes() -> None:
    body = {"number": 1, "keys": ["../../etc/passwd"]}
    content = header_of(Message(Preload(number=1, views=[])), body=body)
    with pytest.raises(FrameError) as caught:
        decode([content])
    assert caught.value.fault == "body"
