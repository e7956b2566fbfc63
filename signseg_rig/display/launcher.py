"""Start the display process on this machine, beside the loop."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, Self

from signseg_rig.errors import DisplayError
from signseg_rig.files.guarded import open_to_append
from signseg_rig.wire.messages import Hello

LAUNCH_ID_VARIABLE = "SIGNSEG_LAUNCH_ID"
LEAVE_TIMEOUT_S = 2.0
KILL_TIMEOUT_S = 10.0
MAX_RESTARTS = 3


class DisplayLauncher:
    """Runs ``signseg-rig display`` for one run, for as long as the context lasts.

    A display that had worked and ended is started again, and so is one that was killed: only what
    ends by itself before it has ever connected would do so again.

    Parameters
    ----------
    experiment_file : Path
    log_file : Path
        What it writes to its terminal is appended here.
    on_restart : callable, optional
        Called with a sentence when a display ended and was started again.
    """

    def __init__(
        self,
        experiment_file: Path,
        log_file: Path,
        on_restart: Callable[[str], None] = lambda _reason: None,
    ) -> None:
        self._experiment_file = experiment_file
        self._log_file = log_file
        self._on_restart = on_restart
        self._n_restarts = 0
        self._launch_id = ""
        self._log_start = 0
        self._has_come = False

    def __enter__(self) -> Self:
        self._start()
        return self

    def __exit__(self, *_exception: object) -> None:
        try:
            self._wait_until_left()
        finally:
            # Also where a second Ctrl-C ends the waiting.
            _kill_group(self._process)

    def _wait_until_left(self) -> None:
        # The loop has said goodbye by now, and the display leaves by itself, unless it never got
        # to work.
        try:
            self._process.wait(LEAVE_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            _ask_to_leave(self._process)
        else:
            return
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(KILL_TIMEOUT_S)

    def objection(self, hello: Hello) -> str | None:
        """Return why a display must not be used: it is another one than was started here.

        Such a display may be left over from a loop that was killed. The window of this one is over
        its window, so nobody would see what it shows.
        """
        if hello.launch_id != self._launch_id:
            return (
                f"{hello.name} is not the display that this run started. Where that is to be used, "
                "set starts_display = false under [run]."
            )
        self._has_come = True
        return None

    def keep_running(self) -> None:
        """Start the display again where it ended after it had worked, or was killed.

        Raises
        ------
        DisplayError
            It has ended by itself without having worked, or ended once too often; the message ends
            with its last words.
        """
        if self._process.poll() is None:
            return
        end = (
            f"The display process has ended (exit code {self._process.returncode}), see "
            f"{self._log_file}. Its last words: {self._last_words()}"
        )
        # Killed by a signal; Windows does not tell.
        is_worth_while = self._has_come or self._process.returncode < 0
        if not is_worth_while or self._n_restarts == MAX_RESTARTS:
            raise DisplayError(end)
        self._n_restarts += 1
        _kill_group(self._process)
        self._start()
        self._on_restart(end)

    def _start(self) -> None:
        self._has_come = False
        # Not among the arguments, which every user of this machine can list: with it a stranger
        # could pose as this display.
        self._launch_id = secrets.token_hex(16)
        environment = {**os.environ, LAUNCH_ID_VARIABLE: self._launch_id}
        arguments = [str(self._experiment_file), "--one-run"]
        with self._opened_log() as log:
            # What stands above are words of displays before this one.
            self._log_start = log.tell()
            self._process = subprocess.Popen(  # noqa: S603 - this program itself, no shell
                [sys.executable, "-m", "signseg_rig", "display", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment,
                **_own_group(),
            )

    def _opened_log(self) -> BinaryIO:
        try:
            return open_to_append(self._log_file)
        except OSError as error:
            raise DisplayError(
                f"{self._log_file}, where the display's last words would stand, cannot be written: "
                f"{error.strerror or error}. Remove it, or make room, and go on."
            ) from error

    def _last_words(self) -> str:
        words = self._log_file.read_bytes()[self._log_start :]
        lines = words.decode("utf-8", errors="replace").split("\n")
        return next((line.strip() for line in reversed(lines) if line.strip()), "none")


if sys.platform == "win32":

    def _own_group() -> dict[str, Any]:
        """Keep Ctrl-C in the loop's terminal from ending the display before the loop is done."""
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}

    def _ask_to_leave(process: subprocess.Popen[bytes]) -> None:
        # What Popen.terminate does here leaves a program no time for last words.
        with suppress(OSError):  # it has no console: then it is killed
            process.send_signal(signal.CTRL_BREAK_EVENT)

    def _kill_group(process: subprocess.Popen[bytes]) -> None:
        process.kill()
        process.wait()

else:

    def _own_group() -> dict[str, Any]:
        """Keep Ctrl-C in the loop's terminal from ending the display before the loop is done."""
        return {"start_new_session": True}

    def _ask_to_leave(process: subprocess.Popen[bytes]) -> None:
        process.terminate()

    def _kill_group(process: subprocess.Popen[bytes]) -> None:
        """Kill the display and what it started: its virtual screen outlives it where it is killed.

        Nothing is left to kill where it has left in good order.
        """
        with suppress(ProcessLookupError, PermissionError):  # the latter on macOS, for a dead one
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
