"""A sweep that is interrupted or killed in the middle of its tasks: its workers end with it."""

import os
import platform
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from signseg_rig.sweeps import put_aside

pytestmark = pytest.mark.skipif(os.name == "nt", reason="POSIX signals and named pipes")

N_WORKERS = 2
TIMEOUT_S = 60
# Python leaves Ctrl-C ignored where it was, as in a background job; a terminal's is not.
COMMAND = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
from signseg_rig.cli import main
main()
"""
PLUGIN = """
import os, threading
from signseg_rig.settings import Settings

class Stuck:
    Config = Settings

    def __init__(self, settings):
        with open(os.environ["TEST_PIPE"], "w") as pipe:
            pipe.write(f"{os.getpid()}\\n")
        threading.Event().wait()
"""
SWEEP = """
name = "stuck"
out_dir = '{out_dir}'
units = ["wig", "tench"]
n_together = 1
network = {{ kind = "efficientnet_lite0" }}
generator = {{ kind = "stuck" }}
optimizer = {{ kind = "cma_es" }}
"""


@pytest.fixture
def sweep(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], list[psutil.Process]]]:
    """A sweep whose workers are all in the middle of a task that never ends."""
    info = tmp_path / "stuck-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: stuck\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[signseg_rig.generators]\nstuck = stuck_plugin:Stuck\n")
    (tmp_path / "stuck_plugin.py").write_text(PLUGIN)
    file, pipe = tmp_path / "sweep.toml", tmp_path / "pipe"
    file.write_text(SWEEP.format(out_dir=tmp_path))
    os.mkfifo(pipe)
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    process = subprocess.Popen(
        [sys.executable, "-c", COMMAND, "visualize", str(file), "--n-workers", str(N_WORKERS)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": path, "TEST_PIPE": str(pipe)},
        start_new_session=True,
    )
    workers: list[psutil.Process] = []
    try:
        while len(workers) < N_WORKERS:
            with pipe.open() as told:
                workers += [psutil.Process(int(line)) for line in told]
        yield process, workers
    finally:
        for left in (process, *workers):
            if left.is_running() if isinstance(left, psutil.Process) else left.poll() is None:
                left.kill()
        process.communicate()


@pytest.mark.parametrize(("name", "code"), [("SIGTERM", 4), ("SIGKILL", -9)])
def test_workers_end_when_the_sweep_is_ended(sweep, name: str, code: int) -> None:
    process, workers = sweep
    process.send_signal(signal.Signals[name])
    assert process.wait(TIMEOUT_S) == code
    _, alive = psutil.wait_procs(workers, TIMEOUT_S)
    assert alive == []


@pytest.mark.parametrize("is_for_all", [True, False])
def test_an_interrupt_ends_tasks_and_says_how_to_go_on(
    sweep, is_for_all: bool, tmp_path: Path
) -> None:
    """Ctrl-C in a terminal is for all processes, a signal by a program for one."""
    process, workers = sweep
    (os.killpg if is_for_all else os.kill)(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == 4
    _, alive = psutil.wait_procs(workers, TIMEOUT_S)
    assert alive == []
    assert said == (
        f"The sweep was stopped; what is finished is kept in {tmp_path / 'stuck'}. Go on with "
        f"'signseg-rig visualize {tmp_path / 'sweep.toml'}'.\n"
    )


@pytest.mark.parametrize("option", ["--resume", "--no-resume"])
def test_a_second_sweep_is_refused_as_long_as_the_first_lives(
    sweep, option: str, tmp_path: Path
) -> None:
    process, workers = sweep
    folder = tmp_path / "stuck"
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    second = subprocess.run(
        [sys.executable, "-c", COMMAND, "visualize", str(tmp_path / "sweep.toml"), option],
        check=False,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        env={**os.environ, "PYTHONPATH": path},
    )
    assert second.returncode == 1
    said = " ".join(second.stderr.split())
    assert f"in use by process {process.pid} on {platform.node()}. Wait until" in said
    assert folder.is_dir()
    process.kill()
    process.wait(TIMEOUT_S)
    psutil.wait_procs(workers, TIMEOUT_S)
    assert put_aside(folder) == tmp_path / "stuck-old1"
