"""The first signal ends a run in good order, the second at once."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from signseg_rig.control import RunControl


@contextmanager
def obeyed_signals(control: RunControl, say: Callable[[str], None]) -> Iterator[None]:
    """Stop on SIGINT or SIGTERM (SIGBREAK on Windows), pause on SIGUSR1 where there is one.

    Parameters
    ----------
    control : RunControl
    say : callable
        Told in words what happens.
    """

    def on_stop(number: int, _frame: FrameType | None) -> None:
        if control.is_stopped:
            raise KeyboardInterrupt
        control.stop()
        name = signal.Signals(number).name
        say(f"{name}: stopping after this presentation; once more stops at once.")

    def on_pause(_number: int, _frame: FrameType | None) -> None:
        control.toggle_pause()

    handlers: dict[str, Callable[[int, FrameType | None], None]] = {
        "SIGINT": on_stop,
        "SIGTERM": on_stop,
        "SIGBREAK": on_stop,
        "SIGUSR1": on_pause,
    }
    before = {
        number: signal.signal(number, handler)
        for name, handler in handlers.items()
        if (number := getattr(signal, name, None)) is not None
    }
    try:
        yield
    finally:
        for number, handler_before in before.items():
            signal.signal(number, handler_before)
