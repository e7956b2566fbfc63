"""Keys from a real terminal: heard one by one, not fought for, and not missed when it closes."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest

if sys.platform == "win32":
    pytest.skip("POSIX terminals", allow_module_level=True)

import pty
import termios

from signseg_rig.cli.keyboard import watched_keys

WATCH = """
from signseg_rig.cli.keyboard import watched_keys
with watched_keys(print):
    pass
print("went on")
"""


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """The end of a terminal at which a person sits; standard input is its other end."""
    person, program = pty.openpty()
    with os.fdopen(program) as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        yield person
    with suppress(OSError):  # where the test has closed it
        os.close(person)


def test_keys_are_heard_one_by_one_and_the_terminal_is_given_back(terminal: int) -> None:
    before = termios.tcgetattr(sys.stdin)
    heard: list[str] = []
    is_heard = threading.Event()

    def on_key(key: str) -> None:
        heard.append(key)
        if key == "q":
            is_heard.set()

    with watched_keys(on_key):
        assert not termios.tcgetattr(sys.stdin)[3] & termios.ICANON
        os.write(terminal, b"pQ")
        assert is_heard.wait(10)
    assert heard == ["p", "q"]
    assert termios.tcgetattr(sys.stdin) == before


def test_terminal_that_is_closed_ends_the_watching_quietly(terminal: int) -> None:
    with watched_keys(lambda _key: None):
        (watcher,) = [item for item in threading.enumerate() if item.name == "keyboard"]
        os.close(terminal)
        watcher.join(10)
        assert not watcher.is_alive()


def test_run_in_the_background_leaves_the_terminal_alone() -> None:
    person, program = pty.openpty()
    # The first terminal that the leader of a session opens becomes the session's own; a shell with
    # job control puts what ends in "&" into a process group in the background.
    in_background = """exec /bin/sh -m -c '"$0" -c "$1" & wait $!' "$1" "$2" < "$0" """
    shell = subprocess.Popen(
        ["/bin/sh", "-c", in_background, os.ttyname(program), sys.executable, WATCH],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    os.close(program)
    try:
        output, _ = shell.communicate(timeout=30)
    finally:
        shell.kill()
        os.close(person)
    assert output.decode().strip().endswith("went on")
