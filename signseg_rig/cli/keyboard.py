"""Single keys from the terminal of a run, on POSIX and on Windows."""

from __future__ import annotations

import os
import select
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

POLL_S = 0.2


@contextmanager
def watched_keys(on_key: Callable[[str], None]) -> Iterator[None]:
    """Call a function with every key that is pressed, for as long as the context lasts.

    Without a terminal at standard input nothing is watched.

    Parameters
    ----------
    on_key : callable
        Called from another thread.
    """
    if sys.stdin is None or not sys.stdin.isatty():
        yield
        return
    is_over = threading.Event()
    with _single_keys():
        thread = threading.Thread(target=_watch, args=(on_key, is_over), name="keyboard")
        thread.start()
        try:
            yield
        finally:
            is_over.set()
            thread.join()


if sys.platform == "win32":
    import msvcrt

    @contextmanager
    def _single_keys() -> Iterator[None]:
        yield

    def _watch(on_key: Callable[[str], None], is_over: threading.Event) -> None:
        while not is_over.wait(POLL_S):
            while msvcrt.kbhit():
                on_key(msvcrt.getwch().lower())

else:
    import termios
    import tty

    @contextmanager
    def _single_keys() -> Iterator[None]:
        descriptor = sys.stdin.fileno()
        before = termios.tcgetattr(descriptor)
        tty.setcbreak(descriptor)
        try:
            yield
        finally:
            termios.tcsetattr(descriptor, termios.TCSADRAIN, before)

    def _watch(on_key: Callable[[str], None], is_over: threading.Event) -> None:
        while not is_over.is_set():
            readable, _, _ = select.select([sys.stdin], [], [], POLL_S)
            if readable and (key := os.read(sys.stdin.fileno(), 1)):
                on_key(key.decode("ascii", "ignore").lower())
