"""A virtual X screen for dry runs on machines without one."""

from __future__ import annotations

import os
import select
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from signseg_rig.errors import DisplayError

START_TIMEOUT_S = 30.0


def has_screen() -> bool:
    """Return whether a window can be opened: always on Windows and macOS, else with a DISPLAY."""
    return sys.platform in ("win32", "darwin") or bool(os.environ.get("DISPLAY"))


@contextmanager
def virtual_screen(width_px: int, height_px: int) -> Iterator[None]:
    """Start Xvfb and point DISPLAY to it, for as long as the context lasts.

    Parameters
    ----------
    width_px, height_px : int

    Raises
    ------
    DisplayError
        Xvfb is not installed, or does not start.
    """
    program = shutil.which("Xvfb")
    if program is None:
        raise DisplayError(
            "There is no screen (DISPLAY is not set) and no Xvfb to stand in for one. Install it, "
            "on Debian or Ubuntu with 'apt-get install xvfb', set DISPLAY, or choose "
            '[display] kind = "headless".'
        )
    read_end, write_end = os.pipe()
    try:
        server = subprocess.Popen(  # noqa: S603 - the program found on the path, no shell
            [
                program,
                "-displayfd",
                str(write_end),
                "-screen",
                "0",
                f"{width_px}x{height_px}x24",
                "-nolisten",
                "tcp",
                # It ends with its last window, even where this process is killed. Killed before
                # there is one, `DisplayLauncher` ends it: it is in this process's group.
                "-terminate",
            ],
            pass_fds=(write_end,),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    except BaseException:
        os.close(read_end)
        raise
    finally:
        os.close(write_end)
    before = os.environ.get("DISPLAY")
    try:
        os.environ["DISPLAY"] = f":{_display_number(read_end)}"
        yield
    finally:
        if before is None:
            os.environ.pop("DISPLAY", None)
        else:
            os.environ["DISPLAY"] = before
        server.terminate()
        server.wait()


def _display_number(read_end: int) -> int:
    # Xvfb writes its number once it accepts connections, and closes the pipe if it fails.
    with os.fdopen(read_end) as pipe:
        ready, _, _ = select.select([pipe], [], [], START_TIMEOUT_S)
        answer = pipe.readline().strip() if ready else ""
    if not answer.isdigit():
        raise DisplayError(
            f"Xvfb did not start within {START_TIMEOUT_S:.0f} s; run 'Xvfb :99' by hand to see why."
        )
    return int(answer)
