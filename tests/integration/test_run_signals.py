"""Signals to a run that is over, or whose terminal is closed: nothing is lost, nothing unsaid."""

import os
import select
import signal
import subprocess
import sys
import textwrap
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import pytest
import tomli_w

from signseg_rig.experiment import WireSettings
from signseg_rig.records import RunReader

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")

N_GENERATIONS = 3
# Says where it is, and goes on once it is told to: when it is left, and when its report is begun.
SLOW_TO_LEAVE = """
    import select
    import sys

    from signseg_rig.report import run_page
    from signseg_simulators.source import SimulatedSource

    gather = run_page.gather


    def meet(place):
        print(place, flush=True)
        # Not in one long read: a signal that reaches another thread does not interrupt that.
        while not select.select([sys.stdin], [], [], 0.05)[0]:
            pass
        sys.stdin.readline()


    def gather_slowly(reader):
        meet("reporting")
        return gather(reader)


    class SlowToLeave(SimulatedSource):
        def stop(self):
            run_page.gather = gather_slowly
            meet("leaving")
            super().stop()
"""

# Makes the terminal that of its session, which is told once it is closed.
IN_ITS_TERMINAL = """
import fcntl
import termios

fcntl.ioctl(0, termios.TIOCSCTTY, 0)

from signseg_rig.cli import main

main()
"""


@pytest.fixture
def experiment_file(
    tmp_path: Path, wire: WireSettings, experiment_of: Callable[..., dict[str, Any]]
) -> Path:
    file = tmp_path / "experiment.toml"
    file.write_text(tomli_w.dumps(experiment_of(wire, n_generations=N_GENERATIONS)))
    return file


@pytest.fixture
def slow_to_leave(
    tmp_path: Path, experiment_file: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator["Slow"]:
    folder = tmp_path / "plugin"
    info = folder / "slow_to_leave-1.dist-info"
    info.mkdir(parents=True)
    (folder / "slow_to_leave.py").write_text(textwrap.dedent(SLOW_TO_LEAVE))
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: slow-to-leave\nVersion: 1\n")
    (info / "entry_points.txt").write_text(
        "[signseg_rig.response_sources]\nslow_to_leave = slow_to_leave:SlowToLeave\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(folder), prepend=os.pathsep)
    text = experiment_file.read_text().replace('"simulated"', '"slow_to_leave"')
    experiment_file.write_text(text)
    with Slow("run", experiment_file, "--run-dir", tmp_path / "run") as slow:
        yield slow


class Slow:
    """A run that is told when to go on."""

    def __init__(self, *arguments: object) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "signseg_rig", *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()

    def wait_for(self, words: str) -> None:
        assert self.process.stdout is not None
        said = []
        while words not in (line := self.process.stdout.readline()):
            said.append(line)
            assert line, "".join(said)

    def signal(self, number: int, *, answer: str) -> None:
        self.process.send_signal(number)
        self.wait_for(answer)

    def go_on(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def finish(self, *, code: int) -> str:
        output, _ = self.process.communicate(timeout=60)
        assert self.process.returncode == code, output
        return " ".join(output.split())


def test_second_signal_after_a_stop_in_good_order_says_how_to_go_on(slow_to_leave: Slow) -> None:
    slow_to_leave.wait_for("running: block 1")
    slow_to_leave.signal(signal.SIGINT, answer="stopping after this presentation")
    slow_to_leave.wait_for("leaving")
    slow_to_leave.process.send_signal(signal.SIGINT)
    said = slow_to_leave.finish(code=4)
    assert "The run was stopped in block" in said
    assert said.count("signseg-rig resume") == 1
    assert "at once" not in said


def test_signals_after_the_end_leave_result_and_report_alone(
    slow_to_leave: Slow, tmp_path: Path
) -> None:
    for place in ("leaving", "reporting"):
        slow_to_leave.wait_for(place)
        slow_to_leave.process.send_signal(signal.SIGUSR1)
        for number in (signal.SIGINT, signal.SIGINT, signal.SIGTERM):
            slow_to_leave.signal(number, answer="the run is over already")
        slow_to_leave.go_on()
    said = slow_to_leave.finish(code=0)
    assert f"Report: {tmp_path / 'run' / 'report.html'}" in said
    with RunReader.open(tmp_path / "run") as reader:
        assert reader.result() is not None


def test_closed_terminal_ends_a_run_in_good_order(tmp_path: Path, experiment_file: Path) -> None:
    text = experiment_file.read_text().replace('pacing = "fast"', 'pacing = "realtime"')
    experiment_file.write_text(text)
    path = tmp_path / "run"
    with in_a_terminal("run", experiment_file, "--run-dir", path) as (process, terminal):
        while not is_within_a_block(path):
            drain(terminal)
            assert process.poll() is None
        os.close(terminal)
        assert process.wait(timeout=60) == 4
    with RunReader.open(path) as reader:
        last = list(reader.passes())[-1]
    answered = {name for part in last.parts for name in part.presentation_ids}
    assert {item.presentation_id for item in last.shown} == answered
    assert 0 < len(answered) < len(last.plan.presentations)


def is_within_a_block(path: Path) -> bool:
    if not (path / "run.sqlite").exists():
        return False
    with RunReader.open(path) as reader:
        passes = list(reader.passes())
    return bool(passes) and 2 < len(passes[-1].shown) < len(passes[-1].plan.presentations) // 2


@contextmanager
def in_a_terminal(*arguments: object) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """Start a process of a session of its own in a terminal; closing that is up to the test."""
    ours, its = os.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", IN_ITS_TERMINAL, *map(str, arguments)],
        stdin=its,
        stdout=its,
        stderr=its,
        start_new_session=True,
    )
    os.close(its)
    try:
        yield process, ours
    finally:
        process.kill()
        process.wait()


def drain(terminal: int) -> None:
    """Read what a terminal shows, so that nobody waits for room in it."""
    while select.select([terminal], [], [], 0)[0]:
        os.read(terminal, 65536)


def test_run_that_a_safeguard_has_paused_goes_on_when_somebody_lets_it(
    tmp_path: Path, experiment_file: Path
) -> None:
    table = tomllib.loads(experiment_file.read_text())
    table["response_source"]["invalid_share"] = 0.9
    table["invalid_trials"] = {"policy": "drop"}
    table["safeguards"] = {"many_invalid": "pause", "no_valid_presentation": "warn"}
    experiment_file.write_text(tomli_w.dumps(table))
    path = tmp_path / "run"
    n_pressed = 0
    with in_a_terminal("run", experiment_file, "--run-dir", path) as (process, terminal):
        said = b""
        while chunk := read(terminal):
            said += chunk
            _, bell, after = said.partition(b"\a")
            # What is told of a pause before its bell is of the pause before.
            if bell and b"press p to go on" in after:
                os.write(terminal, b"p")
                said, n_pressed = after.rpartition(b"press p to go on")[2], n_pressed + 1
        os.close(terminal)
        assert process.wait(timeout=60) == 0
    # After the last block there is nothing left to wait for.
    assert n_pressed == N_GENERATIONS - 1
    with RunReader.open(path) as reader:
        alarms = [note.body["action"] for note in reader.notes("safeguard")]
    assert alarms == ["pause"] * N_GENERATIONS


def read(terminal: int) -> bytes:
    """Read what a terminal shows; nothing once nobody has it open any more."""
    try:
        return os.read(terminal, 65536)
    except OSError:
        return b""
