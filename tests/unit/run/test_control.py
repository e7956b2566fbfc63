"""The experimenter's wishes."""

import signal
import sys
from collections.abc import Iterator
from types import FrameType
from typing import Any

import pytest

from signseg_rig.run.control import RunControl


def test_keys_pause_and_stop() -> None:
    control = RunControl()
    assert control.is_going()
    control.press("p")
    assert control.is_paused
    assert not control.is_going()
    control.press("p")
    control.press("x")
    assert control.is_going()
    control.press("q")
    assert control.is_stopped
    assert not control.is_going()


def test_escape_stops_too() -> None:
    control = RunControl()
    control.press("escape")
    assert control.is_stopped


@pytest.fixture
def signalled() -> Iterator[RunControl]:
    """A control that SIGTERM pauses and stops."""
    control = RunControl()

    def on_signal(*_signal: object) -> None:
        control.toggle_pause()
        control.stop()

    before = signal.signal(signal.SIGTERM, on_signal)
    yield control
    signal.signal(signal.SIGTERM, before)


@pytest.mark.timeout(30)  # a handler that waits for what it interrupted would wait for ever
@pytest.mark.parametrize("key", ["p", "q"])
def test_signal_may_come_at_any_line_of_a_wish(signalled: RunControl, key: str) -> None:
    n_signals = 0

    def trace(_frame: FrameType, event: str, _argument: object) -> Any:
        nonlocal n_signals
        if event == "line":
            n_signals += 1
            signal.raise_signal(signal.SIGTERM)
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        signalled.press(key)
    finally:
        sys.settrace(before)
    assert n_signals > 0
    assert signalled.is_stopped
