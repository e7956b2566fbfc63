"""Control process and display are killed at random moments: nothing changes, nothing is lost."""

import contextlib
import os
import random
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tomli_w

from signseg_rig.experiment import WireSettings
from signseg_rig.records import RunReader
from signseg_rig.values import InvalidReason

N_KILLED_RUNS = int(os.environ.get("SIGNSEG_KILLED_RUNS", "20"))
N_KILLED_FAULTY_RUNS = int(os.environ.get("SIGNSEG_KILLED_FAULTY_RUNS", "3"))
N_GENERATIONS = 8
FINISH_TIMEOUT_S = 600.0  # however busy the machine is
FAULTY_SEED = 3
Run = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def experiment_file(
    tmp_path: Path, wire: WireSettings, experiment_of: Callable[..., dict[str, Any]]
) -> Path:
    file = tmp_path / "experiment.toml"
    quick = wire.model_copy(update={"heartbeat_timeout_s": 2.0})
    file.write_text(tomli_w.dumps(experiment_of(quick, n_generations=N_GENERATIONS)))
    return file


@pytest.fixture
def faulty_experiment_file(
    tmp_path: Path, wire: WireSettings, experiment_of: Callable[..., dict[str, Any]]
) -> Path:
    """An animal that tires and drifts, on a rig that loses edges; in real time.

    A display that is started anew goes on counting from the computer's clock, as windows do. The
    images follow at a distance that tells neighbouring edges apart a minute after the last match.
    """
    table = experiment_of(wire, n_generations=3)
    table["run"]["seed"] = FAULTY_SEED
    table["display"]["pacing"] = "realtime"
    table["monitor"]["refresh_rate_hz"] = 200.0
    table["stimulus"] = {"on_ms": 30.0, "off_ms": 30.0}
    table["windows"] = {"evoked_s": [0.01, 0.04], "baseline_s": [0.0, 0.01]}
    table["invalid_trials"] = {"reject_dropped_frames": False}
    table["response_source"] |= {
        "missing_edge_share": 0.1,
        "spiking": {
            "baseline_hz": 0.0,
            "latency_s": 0.01,
            "response_duration_s": 0.03,
            "adaptation": 0.5,
            "drift": 0.3,
            "drift_period_blocks": 7.0,
        },
    }
    table["protocol"]["references"]["n_codes"] = 2
    table["protocol"]["threads"] = table["protocol"]["threads"][:1]
    file = tmp_path / "faulty.toml"
    file.write_text(tomli_w.dumps(table))
    return file


@pytest.fixture
def run() -> Iterator[Run]:
    """Start ``signseg-rig`` as a second process; none outlives the test."""
    started: list[subprocess.Popen[bytes]] = []

    def start(*arguments: object, **options: Any) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, "-m", "signseg_rig", *map(str, arguments)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            **options,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        if not process.stdout.closed:
            process.communicate()


def finish(process: subprocess.Popen[bytes], *, code: int = 0) -> str:
    output, _ = process.communicate(timeout=FINISH_TIMEOUT_S)
    assert process.returncode == code, output.decode()
    return output.decode()


def n_events(path: Path) -> int:
    database = path / "run.sqlite"
    if not database.exists():
        return 0
    with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        (count,) = connection.execute("SELECT COUNT(*) FROM events").fetchone()
        return int(count)


def is_within_a_block(path: Path) -> bool:
    """Tell whether some of a whole block has been shown, and most of it has not."""
    if n_events(path) == 0:
        return False
    with RunReader.open(path) as reader:
        shares = [len(one.shown) / len(one.plan.presentations) for one in reader.passes()]
    return len(shares) > 1 and 0.1 < shares[-1] < 0.5


def kill_after(process: subprocess.Popen[bytes], path: Path, events: int) -> bool:
    """Kill a run once its record has so many events; False where it ended well before."""
    while n_events(path) < events:
        if process.poll() is not None:
            finish(process)
            return False
        time.sleep(0.001)  # only to leave the processor to the run
    process.kill()
    process.communicate()
    return True


def story(path: Path) -> list[tuple[Any, ...]]:
    """Everything that must not depend on when a run was killed: codes, orders, rates, scores."""
    with RunReader.open(path) as reader:
        passes = [
            (
                one.plan,
                {name: codes.tobytes() for name, codes in reader.codes(one.plan).items()},
                one.responses.presentation_ids if one.responses else None,
                one.responses.evoked_hz.tobytes() if one.responses else None,
                one.responses.baseline_hz.tobytes() if one.responses else None,
                one.responses.reasons if one.responses else None,
            )
            for one in reader.passes()
        ]
        told = [
            (one.thread, one.generation, one.scores.tobytes(), one.reference_scores.tobytes())
            for one in reader.told()
        ]
        result = reader.result()
    assert result is not None
    # As text: a p-value that could not be computed is NaN.
    return [*passes, *told, (result.columns, repr(result.rows), result.is_success)]


@pytest.mark.slow
@pytest.mark.timeout(300 + 60 * N_KILLED_RUNS)
def test_killed_and_resumed_runs_equal_one_that_was_never_killed(
    tmp_path: Path, experiment_file: Path, run: Run
) -> None:
    untouched = tmp_path / "untouched"
    finish(run("run", experiment_file, "--run-dir", untouched))
    check_killed_runs(N_KILLED_RUNS, tmp_path, experiment_file, run)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_killed_and_resumed_runs_align_as_one_that_was_never_killed(
    tmp_path: Path, faulty_experiment_file: Path, run: Run
) -> None:
    untouched = tmp_path / "untouched"
    finish(run("run", faulty_experiment_file, "--run-dir", untouched))
    assert loses_an_end_after_a_block(untouched)
    check_killed_runs(N_KILLED_FAULTY_RUNS, tmp_path, faulty_experiment_file, run)


def loses_an_end_after_a_block(path: Path) -> bool:
    """Tell whether passes lack the first or last edge, and are aligned by what came before."""
    with RunReader.open(path) as reader:
        passes = [one for one in reader.passes() if one.plan.attempt == 0]
    reasons = [one.responses.reasons for one in passes if one.responses]
    return any(InvalidReason.NO_SYNC_EDGE in (one[0], one[-1]) for one in reasons[1:])


def check_images(path: Path) -> int:
    """Check that what was answered has its images, whole; give how many passes were answered."""
    if not (path / "run.sqlite").exists():
        return 0
    with RunReader.open(path) as reader:
        assert reader.missing_images() == ()
        answered = [one for one in reader.passes() if one.responses is not None]
        for one in answered:
            for stimulus in one.plan.stimuli:
                reader.image(stimulus.pixels_sha256)
    return len(answered)


def check_killed_runs(n_runs: int, folder: Path, experiment_file: Path, run: Run) -> None:
    """Kill runs again and again until they end, and compare each with the untouched one."""
    expected = story(folder / "untouched")
    # Not at the very end, which a run may reach before it is killed.
    latest = n_events(folder / "untouched") - 20
    assert latest > 1
    moments = random.Random(int(os.environ.get("SIGNSEG_KILL_SEED", "0")))
    for number in range(n_runs):
        path = folder / f"killed_{number}"
        arguments: tuple[object, ...] = ("run", experiment_file, "--run-dir", path)
        n_kills = n_answered = 0
        while kill_after(run(*arguments), path, n_events(path) + moments.randint(1, latest)):
            n_kills += 1
            # Before it is resumed, which would render again what is missing.
            n_answered += check_images(path)
            arguments = ("resume", path)
        assert n_kills >= 1
        with RunReader.open(path) as reader:
            assert reader.n_sessions == n_kills + 1
            assert reader.notes("images restored") == []
        assert story(path) == expected, f"killed {n_kills} times"
        assert check_images(path) == check_images(folder / "untouched")
        print(f"{path.name}: {n_kills} kills, {n_answered} answered passes, 0 images missing")


@pytest.mark.timeout(300)
def test_display_is_killed_and_another_goes_on(
    tmp_path: Path, experiment_file: Path, run: Run
) -> None:
    untouched = tmp_path / "untouched"
    finish(run("run", experiment_file, "--run-dir", untouched))
    text = experiment_file.read_text().replace("[run]", "[run]\nstarts_display = false", 1)
    text = text.replace("heartbeat_timeout_s = 2.0", "heartbeat_timeout_s = 20.0")
    experiment_file.write_text(text.replace('pacing = "fast"', 'pacing = "realtime"'))
    path = tmp_path / "run"
    loop = run("run", experiment_file, "--run-dir", path)
    moments = random.Random(1)
    for _ in range(2):
        display = run("display", experiment_file, "--one-run")
        assert kill_after(display, path, n_events(path) + moments.randint(20, 60))
    last = run("display", experiment_file, "--one-run")
    finish(loop)
    finish(last)
    with RunReader.open(path) as reader:
        lost = reader.notes("display lost")
        assert len(lost) == 2
        assert len(reader.notes("display connected")) == 3
        for one in reader.passes():
            assert one.responses is not None
            planned = {item.id for item in one.plan.presentations}
            shown = [item.presentation_id for item in one.shown]
            assert sorted(shown) == sorted(planned)  # each confirmed exactly once
        # The same animal saw the same codes, though some later and some twice.
        first = next(reader.passes())
    with RunReader.open(untouched) as reader:
        assert next(reader.passes()).plan == first.plan


def test_second_writer_is_refused(tmp_path: Path, experiment_file: Path, run: Run) -> None:
    path = tmp_path / "run"
    text = experiment_file.read_text().replace("[run]", "[run]\nstarts_display = false", 1)
    experiment_file.write_text(text)
    first = run("run", experiment_file, "--run-dir", path)
    while n_events(path) == 0:
        assert first.poll() is None
    for second in (("resume", path), ("run", experiment_file, "--run-dir", path)):
        output = finish(run(*second), code=1)
        assert f"in use by process {first.pid}" in " ".join(output.split())


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_signal_ends_a_run_in_good_order_and_it_can_be_resumed(
    tmp_path: Path, experiment_file: Path, run: Run
) -> None:
    experiment_file.write_text(
        experiment_file.read_text().replace('pacing = "fast"', 'pacing = "realtime"')
    )
    path = tmp_path / "run"
    process = run("run", experiment_file, "--run-dir", path)
    while not is_within_a_block(path):
        assert process.poll() is None
    process.terminate()
    output = finish(process, code=4)
    assert "signseg-rig resume" in " ".join(output.split())
    with RunReader.open(path) as reader:
        assert reader.result() is None
        last = list(reader.passes())[-1]
        assert 0 < len(last.shown) <= len(last.plan.presentations)
    finish(run("resume", path))
    with RunReader.open(path) as reader:
        assert reader.result() is not None
        assert reader.n_sessions == 2


def test_finished_run_is_resumed_without_showing_anything(
    tmp_path: Path, experiment_file: Path, run: Run
) -> None:
    path = tmp_path / "run"
    finish(run("run", experiment_file, "--run-dir", path))
    before = n_events(path)
    output = finish(run("resume", path, "--json"))
    assert '"is_success"' in output
    assert n_events(path) == before + 1  # the note of the new session
    with RunReader.open(path) as reader:
        shown = [item for one in reader.passes() for item in one.shown]
    assert len(shown) >= N_GENERATIONS * 20
    assert np.isfinite([item.onset_s for item in shown]).all()
