"""Fixtures for all tests."""

import os
import select
import shutil
import subprocess
import sys
from collections.abc import Iterator

import pytest

START_TIMEOUT_S = 30.0


@pytest.fixture(scope="session")
def x_display(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The DISPLAY on which windows can be opened; a virtual one is started where there is none.

    It is for the environment of child processes: this process keeps its own, so that tests of
    what happens without a screen do not depend on the order of tests.
    """
    if sys.platform != "linux" or os.environ.get("DISPLAY"):
        yield os.environ.get("DISPLAY", "")
        return
    program = shutil.which("Xvfb")
    if program is None:
        message = "Xvfb is not installed ('apt-get install xvfb'), and DISPLAY is not set."
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    log = tmp_path_factory.mktemp("xvfb") / "log"
    read_end, write_end = os.pipe()
    with log.open("wb") as log_file:
        server = subprocess.Popen(
            [program, "-displayfd", str(write_end), "-screen", "0", "1280x720x24"]
            + ["-nolisten", "tcp"],
            pass_fds=[write_end],
            stderr=log_file,
        )
    os.close(write_end)
    try:
        yield f":{_display_number(read_end)}"
    finally:
        os.close(read_end)
        server.terminate()
        server.wait(timeout=START_TIMEOUT_S)


def _display_number(read_end: int) -> int:
    """Wait until the server tells, when it accepts clients, which number it took."""
    ready, _, _ = select.select([read_end], [], [], START_TIMEOUT_S)
    told = os.read(read_end, 16) if ready else b""
    if not told.strip().isdigit():
        pytest.fail(f"Xvfb did not start within {START_TIMEOUT_S:.0f} s.")
    return int(told)
