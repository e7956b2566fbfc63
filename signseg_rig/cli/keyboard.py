"""Single keys from the terminal of a run, on POSIX and on Windows."""

from __future__ import annotations

import os
import select
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

POLL_S = 0.2


def can_watch_keys() -> bool:
    """Check that standard input is a terminal, and that no other program has it."""
    return sys.stdin is not None and sys.stdin.isatty() and _is_in_foreground()


@contextmanager
def watched_keys(on_key: Callable[[str], None]) -> Iterator[None]:
    """Call a function with every key that is pressed, for as long as the context lasts.

    Nothing is watched where standard input is no terminal, or another program has it: reading
    from the background would stop this one. A terminal that is closed is no longer watched.

    Parameters
    ----------
    on_key : callable
        Called from another thread.
    """
    if not can_watch_keys():
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

    def _is_in_foreground() -> bool:
        return True

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

    def _is_in_foreground() -> bool:
        try:
            return os.tcgetpgrp(sys.stdin.fileno()) == os.getpgrp()
        except OSError:
            return True  # nobody else shares a terminal that controls no session

    @contextmanager
    def _single_keys() -> Iterator[None]:
        descriptor = sys.stdin.fileno()
        before = termios.tcgetattr(descriptor)
        tty.setcbreak(descriptor)
        try:
            yield
        finally:
            with suppress(termios.error):  # it was closed
                termios.tcsetattr(descriptor, termios.TCSADRAIN, before)

    def _watch(on_key: Callable[[str], None], is_over: threading.Event) -> None:
        while not is_over.is_set():
            readable, _, _ = select.select([sys.stdin], [], [], POLL_S)
            if readable:
                key = _read_key()
                if not key:
                    return
                on_key(key.decode("ascii", "ignore").lower())

    def _read_key() -> bytes:
        try:
            return os.read(sys.stdin.fileno(), 1)
        except OSError:
            return b""
