"""The first signal ends a run in good order, the second at once, and none undoes its end."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import SimpleQueue
from types import FrameType

from signseg_rig.run.control import RunControl

STDOUT, STDERR = 1, 2


@contextmanager
def obeyed_signals(
    control: RunControl, say: Callable[[str], None], *, is_over: Callable[[], bool]
) -> Iterator[None]:
    """Stop on SIGINT, SIGTERM or SIGHUP (SIGBREAK on Windows), pause on SIGUSR1 where there is one.

    A SIGHUP that was ignored before, as under ``nohup``, stays so.

    Parameters
    ----------
    control : RunControl
    say : callable
        Told in words what happens, in a thread of its own.
    is_over : callable
        Tells whether nothing is left to stop: signals then leave the result and its report alone.
    """
    # A signal may come in the middle of a print, also of another signal's, and a print within a
    # print of the same thread is an error. This kind of queue is made for such visitors.
    sentences: SimpleQueue[str | None] = SimpleQueue()
    speaker = threading.Thread(target=_say_all, args=(sentences, say), daemon=True)
    terminals = [descriptor for descriptor in (STDOUT, STDERR) if os.isatty(descriptor)]

    def on_stop(number: int, _frame: FrameType | None) -> None:
        _leave_closed(terminals)
        name = signal.Signals(number).name
        if is_over():
            sentences.put(f"{name}: the run is over already; its report follows.")
            return
        if control.is_stopped:
            raise KeyboardInterrupt
        control.stop()
        sentences.put(f"{name}: stopping after this presentation; once more stops at once.")

    def on_pause(_number: int, _frame: FrameType | None) -> None:
        control.toggle_pause()

    handlers: dict[str, Callable[[int, FrameType | None], None]] = {
        "SIGINT": on_stop,
        "SIGTERM": on_stop,
        "SIGBREAK": on_stop,
        "SIGHUP": on_stop,
        "SIGUSR1": on_pause,
    }
    before = {
        number: signal.signal(number, handler)
        for name, handler in handlers.items()
        if (number := getattr(signal, name, None)) is not None
        and not (name == "SIGHUP" and signal.getsignal(number) == signal.SIG_IGN)
    }
    speaker.start()
    try:
        yield
    finally:
        for number, handler_before in before.items():
            signal.signal(number, handler_before)
        sentences.put(None)
        speaker.join()


def _say_all(sentences: SimpleQueue[str | None], say: Callable[[str], None]) -> None:
    while (sentence := sentences.get()) is not None:
        say(sentence)


def _leave_closed(terminals: list[int]) -> None:
    """Write to nowhere what would go to a terminal that is gone: it must not end the run."""
    closed = [descriptor for descriptor in terminals if not os.isatty(descriptor)]
    for descriptor in closed:
        terminals.remove(descriptor)
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, descriptor)
        os.close(nowhere)
