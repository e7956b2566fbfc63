"""The display that a run starts itself: it alone is taken, and started again where it dies."""

import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from signseg_rig.display.launcher import MAX_RESTARTS, DisplayLauncher, _own_group
from signseg_rig.errors import DisplayError, RigError, WireError
from signseg_rig.experiment import Experiment, WireSettings, write_experiment
from signseg_rig.records import RunReader
from signseg_rig.run.control import RunControl
from signseg_rig.run.session import start_run
from signseg_rig.values import RunStatus
from signseg_rig.wire.keys import make_keys
from signseg_rig.wire.messages import Hello


@pytest.fixture
def restarts() -> list[str]:
    return []


@pytest.fixture
def launcher(
    experiment: Experiment, tmp_path: Path, restarts: list[str]
) -> Iterator[DisplayLauncher]:
    file = tmp_path / "experiment.toml"
    file.write_text(write_experiment(experiment))
    with DisplayLauncher(file, tmp_path / "display.log", restarts.append) as made:
        yield made
        kill(made)


@pytest.fixture
def launched(monkeypatch: pytest.MonkeyPatch) -> list[DisplayLauncher]:
    """Give every display that a run starts, by its launcher."""
    seen: list[DisplayLauncher] = []
    start = DisplayLauncher._start

    def noted(launcher: DisplayLauncher) -> None:
        start(launcher)
        seen.append(launcher)

    monkeypatch.setattr(DisplayLauncher, "_start", noted)
    return seen


def kill(launcher: DisplayLauncher) -> None:
    launcher._process.kill()
    launcher._process.wait()


def greeting(hello: Hello, launcher: DisplayLauncher) -> Hello:
    return hello.model_copy(update={"launch_id": launcher._launch_id})


def test_display_of_an_earlier_run_leaves_and_the_own_one_is_taken(
    wire: WireSettings,
    experiment: Experiment,
    launcher: DisplayLauncher,
    open_link: Callable,
    start_display: Callable,
) -> None:
    with open_link(wire, launcher.objection) as link:
        orphan = start_display(experiment)
        orphan.join()
        assert "is not the display that this run started" in str(orphan.error)
        assert link.wait_until_connected(lambda: True)
        assert link.hello.launch_id == launcher._launch_id


def test_run_goes_on_where_its_display_is_killed(
    experiment: Experiment, tmp_path: Path, launched: list[DisplayLauncher]
) -> None:
    def kill_once(status: RunStatus) -> None:
        if status.block == 1 and len(launched) == 1 and launched[0]._process.poll() is None:
            kill(launched[0])

    path = tmp_path / "run"
    outcome = start_run(experiment, path=path, control=RunControl(), on_status=kill_once)
    assert len(outcome.result.rows) > 0
    assert len(launched) == 2
    with RunReader.open(path) as reader:
        assert len(reader.notes("display lost")) == 1
        assert len(reader.notes("display connected")) == 2
        (restarted,) = reader.notes("display restarted")
        assert "exit code" in restarted.body["reason"]
        for one in reader.passes():
            shown = [item.presentation_id for item in one.shown]
            assert sorted(shown) == sorted(item.id for item in one.plan.presentations)


def test_what_the_display_is_known_by_is_not_for_everybody_to_list(
    launcher: DisplayLauncher,
) -> None:
    arguments = psutil.Process(launcher._process.pid).cmdline()
    assert not any(launcher._launch_id in argument for argument in arguments)


def test_display_that_goes_on_dying_ends_the_run(
    launcher: DisplayLauncher, restarts: list[str], hello: Hello
) -> None:
    for _ in range(MAX_RESTARTS):
        assert launcher.objection(greeting(hello, launcher)) is None
        kill(launcher)
        launcher.keep_running()
    assert len(restarts) == MAX_RESTARTS
    assert launcher.objection(greeting(hello, launcher)) is None
    kill(launcher)
    with pytest.raises(DisplayError, match=r"has ended \(exit code .*last words"):
        launcher.keep_running()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not tell what was killed")
def test_display_that_is_killed_before_it_has_come_is_started_again(
    launcher: DisplayLauncher, restarts: list[str]
) -> None:
    for _ in range(MAX_RESTARTS):
        kill(launcher)
        launcher.keep_running()
    assert len(restarts) == MAX_RESTARTS
    kill(launcher)
    with pytest.raises(DisplayError, match=r"has ended \(exit code -9"):
        launcher.keep_running()


def test_display_that_ends_by_itself_before_it_has_come_is_not_started_again(
    experiment: Experiment, tmp_path: Path, restarts: list[str]
) -> None:
    with DisplayLauncher(tmp_path / "no.toml", tmp_path / "display.log", restarts.append) as made:
        made._process.wait()
        with pytest.raises(DisplayError, match=r"has ended \(exit code 1\).*no such file"):
            made.keep_running()
    assert restarts == []


def test_last_words_are_those_of_the_display_that_ended(
    experiment: Experiment, tmp_path: Path
) -> None:
    file = tmp_path / "experiment.toml"
    file.write_text(write_experiment(experiment))
    log = tmp_path / "display.log"
    log.write_text("Words of an earlier display.\n")
    with DisplayLauncher(file, log) as launcher:
        launcher._n_restarts = MAX_RESTARTS
        kill(launcher)
        with pytest.raises(DisplayError, match="last words") as caught:
            launcher.keep_running()
    assert "earlier display" not in str(caught.value)


def test_run_that_cannot_listen_leaves_no_folder(experiment: Experiment, tmp_path: Path) -> None:
    port = int(experiment.wire.address.rpartition(":")[2])
    with socket.create_server(("127.0.0.1", port)), pytest.raises(WireError, match="another run"):
        start(experiment, tmp_path / "run")
    assert not (tmp_path / "run").exists()
    start(experiment, tmp_path / "run")
    assert (tmp_path / "run").exists()


@pytest.mark.parametrize("missing", ["loop.key_secret", "display.key_secret"])
def test_run_without_its_keys_leaves_no_folder(
    experiment: Experiment, tmp_path: Path, missing: str
) -> None:
    make_keys(tmp_path / "keys")
    (tmp_path / "keys" / missing).unlink()
    wire = experiment.wire.model_copy(update={"keys_dir": tmp_path / "keys"})
    with pytest.raises(RigError, match=missing):
        start(experiment.model_copy(update={"wire": wire}), tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("has_keys", [True, False])
def test_only_a_run_without_keys_is_recorded_as_insecure(
    experiment: Experiment, tmp_path: Path, has_keys: bool
) -> None:
    make_keys(tmp_path / "keys")
    address = experiment.wire.address.replace("127.0.0.1", "0.0.0.0")
    keys_dir = tmp_path / "keys" if has_keys else None
    changes = {"address": address, "allow_insecure": True, "keys_dir": keys_dir}
    wire = experiment.wire.model_copy(update=changes)
    start(experiment.model_copy(update={"wire": wire}), tmp_path / "run")
    with RunReader.open(tmp_path / "run") as reader:
        assert [note.body for note in reader.notes("insecure")] == (
            [] if has_keys else [{"address": address}]
        )


def start(experiment: Experiment, path: Path) -> None:
    start_run(experiment, path=path, control=RunControl(), on_status=lambda _status: None)


def test_display_does_not_outlive_a_second_ctrl_c(
    launcher: DisplayLauncher, monkeypatch: pytest.MonkeyPatch
) -> None:
    display = launcher._process

    def interrupted(_timeout_s: float) -> int:
        monkeypatch.undo()
        raise KeyboardInterrupt

    monkeypatch.setattr(display, "wait", interrupted)
    with pytest.raises(KeyboardInterrupt):
        launcher.__exit__(None, None, None)
    assert display.returncode is not None


SCREEN_WITHOUT_WINDOW = """
import time
from signseg_rig.display.virtual_screen import virtual_screen

with virtual_screen(320, 240):
    print("ready", flush=True)
    time.sleep(1000)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX links")
def test_log_that_is_a_link_is_not_written_behind(tmp_path: Path) -> None:
    mine, log = tmp_path / "mine", tmp_path / "display.log"
    mine.write_text("kept")
    log.symlink_to(mine)
    with (
        pytest.raises(DisplayError, match=r"display\.log, .*cannot be written: it is a link"),
        DisplayLauncher(tmp_path / "experiment.toml", log),
    ):
        pass
    assert mine.read_text() == "kept"


@pytest.mark.display
@pytest.mark.skipif(sys.platform != "linux", reason="virtual screens are for Linux")
def test_virtual_screen_does_not_outlive_a_display_that_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def start(launcher: DisplayLauncher) -> None:
        launcher._process = subprocess.Popen(
            [sys.executable, "-c", SCREEN_WITHOUT_WINDOW], stdout=subprocess.PIPE, **_own_group()
        )

    monkeypatch.setattr(DisplayLauncher, "_start", start)
    with DisplayLauncher(tmp_path / "experiment.toml", tmp_path / "display.log") as launcher:
        with launcher._process.stdout as output:
            assert output.readline() == b"ready\n"
        (screen,) = psutil.Process(launcher._process.pid).children()
        kill(launcher)
        assert screen.is_running()
    with suppress(psutil.NoSuchProcess):
        while screen.status() != psutil.STATUS_ZOMBIE:
            pass


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_display_leaves_in_good_order_when_it_is_told_to(
    wire: WireSettings, experiment: Experiment, tmp_path: Path, open_link: Callable, name: str
) -> None:
    file = tmp_path / "experiment.toml"
    file.write_text(write_experiment(experiment))
    arguments = [sys.executable, "-m", "signseg_rig", "display", str(file)]
    with open_link(wire) as link, subprocess.Popen(arguments) as display:
        try:
            assert link.wait_until_connected(lambda: True)
            display.send_signal(getattr(signal, name))
            assert display.wait() == 0
        finally:
            display.kill()
