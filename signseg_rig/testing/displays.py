"""The conformance kit for displays: third parties run it against their own."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from signseg_rig.errors import DisplayError
from signseg_rig.interfaces import Display
from signseg_rig.values import Placement, array_sha256

N_FLIPS = 12
CENTRE = Placement()


def check_display(display: Display) -> None:
    """Check that a display does what the display process relies on.

    How even its frames are is not checked here: that depends on the computer's load, and
    ``signseg-rig bench`` measures it.

    Parameters
    ----------
    display : Display
        Constructed but not open; it is closed afterwards. Its monitor must have room for an
        image of 64 x 64 pixels.

    Raises
    ------
    AssertionError
        It does something else; the message says what.
    """
    display.open()
    try:
        _check_attributes(display)
        _check_clock(display)
        _check_images(display)
        _check_keys(display)
    finally:
        display.close()
    display.close()


def _check_attributes(display: Display) -> None:
    assert display.refresh_rate_hz > 0, f"refresh_rate_hz is {display.refresh_rate_hz}."
    assert min(display.size_px) > 0, f"size_px is {display.size_px}."
    assert isinstance(display.is_software_paced, bool), "is_software_paced is no bool."
    assert all(isinstance(note, str) for note in display.notes), "notes are no texts."


def _check_clock(display: Display) -> None:
    before_s = display.now_s()
    times_s = []
    for _ in range(N_FLIPS):
        display.draw(None)
        times_s.append(display.flip())
    after_s = display.now_s()
    assert (np.diff(times_s) > 0).all(), f"Flip times do not increase: {times_s}."
    assert before_s <= times_s[0], "The first flip came before the clock was read: other clocks?"
    assert times_s[-1] <= after_s, "The last flip came after the clock was read: other clocks?"


def _check_images(display: Display) -> None:
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 256, (size, 64, 3), dtype=np.uint8) for size in (64, 64, 31)]
    keys = [array_sha256(image) for image in images]
    for key, image in zip(keys, images, strict=True):
        display.load(key, image, CENTRE)
        # The process loads an image anew when a loop that reconnects sends it again.
        display.load(key, image, CENTRE)
    drawn: list[str | None] = [*keys, None, keys[0]]
    for wanted in drawn:
        display.draw(wanted)
        display.flip()
    # An image may be forgotten while it is on the screen.
    display.unload(keys[0])
    display.draw(keys[1])
    display.flip()
    _refuses(lambda: display.draw(keys[0]), "drawing an image that was unloaded")
    far = Placement((170.0, 0.0))
    _refuses(lambda: display.load("far", images[0], far), "an image off the screen")
    _refuses(lambda: display.load("gray", images[0][..., 0], CENTRE), "an image without colours")
    display.draw(None)
    display.flip()


def _check_keys(display: Display) -> None:
    names = display.pressed_keys()
    assert isinstance(names, list), f"pressed_keys gives {type(names).__name__}, not a list."
    assert all(isinstance(name, str) for name in names), f"pressed_keys gives {names}."


def _refuses(act: Callable[[], None], what: str) -> None:
    try:
        act()
    except DisplayError:
        return
    raise AssertionError(f"The display accepts {what}; it has to raise a DisplayError.")
