"""Whatever a loop says, the display counts what is wrong with it and goes on with the rest."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from signseg_rig.errors import DisplayError
from signseg_rig.experiment import Experiment
from signseg_rig.wire.frames import MAX_HEADER_BYTES, Message, encode
from signseg_rig.wire.messages import (
    WIRE_VERSION,
    Goodbye,
    Hello,
    Image,
    Place,
    PlacedKey,
    Preload,
    Preloaded,
    Show,
    ShowItem,
    Trouble,
)

RUN, SESSION = "a-run", "session"
PIXELS = np.arange(16 * 16 * 3, dtype=np.uint8).reshape(16, 16, 3)
# Far behind everything that the tests throw.
LAST = 10**6


def frames_of(message: Message) -> list[bytes]:
    return [bytes(frame) for frame in encode(message)]


CENTRE = Place(position_deg=[0.0, 0.0], size_deg=None)
IMAGE = frames_of(Message(Image(place=CENTRE), RUN, SESSION, 100, PIXELS))
HALF = PIXELS.nbytes // 2


def bare(kind: str, body: str) -> list[bytes]:
    marks = f'"run":"{RUN}","session":"{SESSION}","seq":100'
    return [f'{{"v":{WIRE_VERSION},"kind":"{kind}",{marks},"body":{body}}}'.encode()]


def still_works(raw_loop: Any, display: Any) -> dict[str, int]:
    """Make sure that the display answers and leaves in good order; give what it has counted."""
    raw_loop.say(Preload(number=7, views=[]), sequence=LAST)
    assert raw_loop.hear(Preloaded).number == 7
    raw_loop.say(Goodbye(reason="the run is over"), sequence=LAST + 1)
    raw_loop.hear(Goodbye)
    display.join()
    assert display.error is None
    return display.process._client.rejection_counts


@pytest.mark.parametrize(
    ("frames", "counts"),
    [
        ([b""], {"header": 1}),
        ([b"garbage"], {"header": 1}),
        ([b"\x00" * 4096, b"\xff" * 4096], {"header": 1}),
        ([b"[" * 100_000], {"header": 1}),
        ([b" " * (MAX_HEADER_BYTES + 1)], {"size": 1}),
        ([b"{}", b"", b"", b""], {"frames": 1}),
        (bare("explode", "{}"), {"kind": 1}),
        (bare("show", '{"number":1}'), {"body": 1}),
        (bare("ping", '{"loop_s":NaN}'), {"body": 1}),
        ([IMAGE[0][:-20], IMAGE[1]], {"header": 1}),
        (IMAGE[:1], {"frames": 1}),
        ([IMAGE[0], IMAGE[1][:HALF]], {"payload": 1}),
        ([IMAGE[0], IMAGE[1][:HALF] + bytes(HALF)], {"hash": 1}),
        (frames_of(Message(Image(place=CENTRE), RUN, "old", 100, PIXELS)), {"stale": 1}),
        (frames_of(Message(Image(place=CENTRE), "another", SESSION, 100, PIXELS)), {"stale": 1}),
        (frames_of(Message(Image(place=CENTRE), RUN, SESSION, 0, PIXELS)), {"replayed": 1}),
    ],
)
def test_what_is_wrong_is_counted_and_nothing_else_happens(
    experiment: Experiment,
    start_display: Callable,
    raw_loop: Any,
    frames: list[bytes],
    counts: dict[str, int],
) -> None:
    display = start_display(experiment)
    raw_loop.welcome(SESSION)
    raw_loop.throw(frames)
    assert still_works(raw_loop, display) == counts


def test_image_that_is_sent_again_is_held_once(
    experiment: Experiment, start_display: Callable, raw_loop: Any
) -> None:
    display = start_display(experiment)
    raw_loop.welcome(SESSION)
    for _ in range(3):
        raw_loop.throw(IMAGE)
    assert still_works(raw_loop, display) == {"replayed": 2}


def test_orders_before_the_welcome_are_not_obeyed(
    experiment: Experiment, start_display: Callable, raw_loop: Any
) -> None:
    display = start_display(experiment)
    raw_loop.hear(Hello)
    raw_loop.throw(IMAGE)
    raw_loop.welcome(SESSION)
    assert still_works(raw_loop, display) == {"early": 1}


@pytest.mark.parametrize(
    "orders",
    [
        Show(
            number=1,
            items=[ShowItem(id="p0", view=PlacedKey(key="0" * 64, place=CENTRE), code=None)],
            on_frames=1,
            off_frames=1,
        ),
        Preloaded(number=1, missing=[]),
    ],
)
def test_orders_that_cannot_be_obeyed_are_told_and_the_display_stays(
    experiment: Experiment, start_display: Callable, raw_loop: Any, orders: Any
) -> None:
    display = start_display(experiment)
    raw_loop.welcome(SESSION)
    raw_loop.say(orders)
    assert "the loop sent" in raw_loop.hear(Trouble).message
    assert still_works(raw_loop, display) == {}


def test_changed_bytes_never_stop_the_display(
    experiment: Experiment, start_display: Callable, raw_loop: Any
) -> None:
    rng = np.random.default_rng(0)
    display = start_display(experiment)
    raw_loop.welcome(SESSION)
    for _ in range(300):
        frames = [bytearray(frame) for frame in IMAGE]
        frame = frames[rng.integers(2)]
        # Another version, which stands first, would be the end of it.
        frame[rng.integers(8, len(frame))] ^= rng.integers(1, 256)
        raw_loop.throw([bytes(one) for one in frames])
    assert sum(still_works(raw_loop, display).values()) >= 298


@pytest.mark.parametrize("is_welcome", [True, False])
def test_loop_of_another_version_is_left_with_a_sentence(
    experiment: Experiment, start_display: Callable, raw_loop: Any, is_welcome: bool
) -> None:
    display = start_display(experiment)
    if is_welcome:
        raw_loop.welcome(SESSION)
    else:
        raw_loop.hear(Hello)
    raw_loop.throw([b'{"v":99,"kind":"rejected","run":"","session":"","seq":0,"body":{}}'])
    display.join()
    assert isinstance(display.error, DisplayError)
    assert "same version of signseg-rig" in str(display.error)
