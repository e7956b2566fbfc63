"""Fixtures for all tests."""

import os
import select
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

# A slow machine is no failure: tests do not measure time.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

START_TIMEOUT_S = 30.0
CAP_SYS_ADMIN = 21
SCREENS = ("-screen", "0", "1280x720x24", "-screen", "1", "640x480x24")


@pytest.fixture(scope="session")
def synthetic_plugins(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Make kind = "linear" a generator and kind = "pixels" a simulator, here and in children.

    They need no weights and no torch, so whole runs in second processes take a second or two.
    """
    folder = tmp_path_factory.mktemp("plugins")
    info = folder / "synthetic_plugins-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: synthetic-plugins\nVersion: 1\n")
    (info / "entry_points.txt").write_text(
        "[signseg_rig.generators]\nlinear = signseg_rig.testing.synthetic:LinearGenerator\n"
        "[signseg_rig.simulators]\npixels = signseg_rig.testing.synthetic:PixelPopulation\n"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder))
        patch.setenv("PYTHONPATH", str(folder), prepend=os.pathsep)
        yield folder


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
            # Without -noreset it would start over, and refuse clients, whenever the last one left.
            [program, "-displayfd", str(write_end), "-noreset", "-nolisten", "tcp", *SCREENS],
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


class SmallDisk:
    """A file system of its own, in memory."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._ballast = path / "ballast"

    def fill(self, *, but_bytes: int = 0) -> None:
        """Leave at most so many bytes free."""
        with self._ballast.open("wb", buffering=0) as file:
            try:
                while file.write(bytes(4096)) == 4096:
                    pass
            except OSError:
                file.truncate(max(0, file.tell() - but_bytes))

    def clear(self) -> None:
        """Take the ballast away."""
        self._ballast.unlink()

    def make_read_only(self) -> None:
        _mount("-o", "remount,ro", str(self.path))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[SmallDisk]:
    """A disk of two megabytes; a test that uses it is skipped where nothing may be mounted."""
    if not _may_mount():
        message = "Mounting a small disk needs Linux and the rights of an administrator."
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    path = tmp_path / "disk"
    path.mkdir()
    _mount("-t", "tmpfs", "-o", "size=2m", "tmpfs", str(path))
    try:
        yield SmallDisk(path)
    finally:
        subprocess.run(["umount", str(path)], check=True)


def _mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True)


def _may_mount() -> bool:
    if sys.platform != "linux":
        return False
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    capabilities = next(line for line in status.splitlines() if line.startswith("CapEff:"))
    return bool(int(capabilities.split()[1], 16) >> CAP_SYS_ADMIN & 1)
