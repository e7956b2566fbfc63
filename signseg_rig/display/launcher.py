"""Start the display process on this machine, beside the loop."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from signseg_rig.errors import DisplayError

LEAVE_TIMEOUT_S = 2.0
KILL_TIMEOUT_S = 10.0


@contextmanager
def display_process(experiment_file: Path, log_file: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run ``signseg-rig display`` for one run, for as long as the context lasts.

    Parameters
    ----------
    experiment_file : Path
    log_file : Path
        What it writes to its terminal is appended here.

    Yields
    ------
    process : subprocess.Popen
    """
    command = [sys.executable, "-m", "signseg_rig", "display", str(experiment_file), "--one-run"]
    with log_file.open("ab") as log:
        process = subprocess.Popen(  # noqa: S603 - this program itself, no shell
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, **_own_group()
        )
    try:
        yield process
    finally:
        # The loop has said goodbye by now, and the display leaves by itself, unless it never got
        # to work because one of an earlier session was still there.
        for end, timeout_s in (
            (process.terminate, LEAVE_TIMEOUT_S),
            (process.kill, KILL_TIMEOUT_S),
        ):
            try:
                process.wait(timeout_s)
            except subprocess.TimeoutExpired:
                end()
        process.wait()


def require_running(process: subprocess.Popen[bytes], log_file: Path) -> None:
    """Make sure that a display process is still there.

    Parameters
    ----------
    process : subprocess.Popen
    log_file : Path
        As for `display_process`.

    Raises
    ------
    DisplayError
        It has ended; the message ends with its last words.
    """
    if process.poll() is None:
        return
    lines = log_file.read_text(encoding="utf-8", errors="replace").split("\n")
    last_words = next((line.strip() for line in reversed(lines) if line.strip()), "none")
    raise DisplayError(
        f"The display process has ended (exit code {process.returncode}), see {log_file}. Its last "
        f"words: {last_words}"
    )


def _own_group() -> dict[str, Any]:
    """Keep Ctrl-C in the loop's terminal from ending the display before the loop is done."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    return {"start_new_session": True}
