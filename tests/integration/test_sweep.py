"""Sweeps in real worker processes, of this machine and of a Dask cluster, some of them killed."""

import os
import signal
import subprocess
import sys
from concurrent.futures import Executor
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

import numpy as np
import psutil
import pytest
from PIL import Image

from signseg_rig.errors import ConfigError
from signseg_rig.sweeps import (
    Condition,
    ResultFolder,
    SweepSettings,
    list_tasks,
    local_processes,
    run_sweep,
    write_sweep,
)

DASK_CHILD = Path(__file__).with_name("dask_child.py")

TABLE = {
    "name": "small",
    "units": ["wig", "tench"],
    "signs": ["positive"],
    "strengths": [1.0],
    "control_strengths": [0.5],
    "controls": ["magnitude"],
    "n_repeats": 1,
    "n_control_draws": 1,
    "n_generations": 3,
    "n_together": 1,
    "network": {"kind": "efficientnet_lite0", "input_size_px": 32},
    "generator": {"kind": "dcgan_faces"},
    "optimizer": {"kind": "cma_es", "n_codes": 4},
}


def sweep_in(folder: Path, **changes: object) -> SweepSettings:
    return SweepSettings.model_validate({**TABLE, "out_dir": folder, **changes})


def results_of(settings: SweepSettings) -> dict[str, tuple[bytes, ...]]:
    folder = ResultFolder(settings.folder)
    found = {task.key: folder.read(task.key) for task in list_tasks(settings)}
    return {
        key: (one.best_code.tobytes(), one.scores.tobytes(), one.intact_score.tobytes())
        for key, one in found.items()
    }


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> SweepSettings:
    """The sweep done by one worker, all tasks together."""
    settings = sweep_in(tmp_path_factory.mktemp("sweeps"), n_together=10)
    told: list[tuple[int, int]] = []
    n_done = run_sweep(
        settings, partial(local_processes, 1), on_progress=lambda *count: told.append(count)
    )
    assert n_done == 6
    assert told == [(0, 6), (6, 6)]
    return settings


def test_results_say_what_happened(finished: SweepSettings) -> None:
    folder = ResultFolder(finished.folder)
    for task in list_tasks(finished):
        result = folder.read(task.key)
        assert result.scores.shape == (3, 4)
        if task.condition.sign == "intact":
            assert result.intact_score == result.scores.max()
            assert result.n_removed == 0
        else:
            assert result.n_removed > 0
        if task.condition == task.condition.__class__("positive", 1.0):
            assert result.realized_strength == 1
            assert result.scores.max() < 5  # no positive weight is left


def test_a_second_call_finds_nothing_left(finished: SweepSettings) -> None:
    def nobody() -> Executor:
        raise AssertionError("no worker is needed")

    tasks = [task.key for task in list_tasks(finished)]
    assert ResultFolder(finished.folder).finished() == set(tasks)
    assert run_sweep(finished, nobody) == 0


def test_company_and_workers_change_nothing(finished: SweepSettings, tmp_path: Path) -> None:
    apart = sweep_in(tmp_path)
    run_sweep(apart, partial(local_processes, 2))
    assert results_of(apart) == results_of(finished)


def test_hidden_layer(finished: SweepSettings, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for name in ("a.png", "b.png"):
        pixels = rng.integers(0, 256, (40, 40, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / name)
    hidden = {"layer": "_conv_head", "images": tmp_path}
    settings = sweep_in(tmp_path, units=["wig"], hidden=hidden, n_together=10)
    run_sweep(settings, partial(local_processes, 1))
    found = {task.condition: task for task in list_tasks(settings)}
    results = {one: ResultFolder(settings.folder).read(task.key) for one, task in found.items()}
    intact, removed, control = (
        results[Condition(*one)] for one in ((), ("positive", 1.0), ("positive", 0.5, "magnitude"))
    )
    # The intact unit is the same, whatever is ablated in the others.
    (same,) = (
        ResultFolder(finished.folder).read(task.key)
        for task in list_tasks(finished)
        if (task.unit, task.condition) == ("wig", Condition())
    )
    assert np.array_equal(intact.scores, same.scores)
    assert removed.n_removed > control.n_removed > 0
    assert removed.realized_strength == 1
    assert removed.scores.max() < intact.scores.max()


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_a_killed_worker_is_replaced(finished: SweepSettings, tmp_path: Path) -> None:
    settings = sweep_in(tmp_path)
    n_opened = 0

    @contextmanager
    def workers():
        nonlocal n_opened
        n_opened += 1
        with local_processes(1) as executor:
            yield executor

    def on_progress(n_done: int, n_all: int) -> None:
        if n_opened == 1 and 0 < n_done < n_all:
            for child in psutil.Process().children(recursive=True):
                # Not the resource tracker, which is a child as well.
                with suppress(psutil.Error):  # it may end meanwhile
                    if "spawn_main" in " ".join(child.cmdline()):
                        child.send_signal(signal.SIGKILL)

    run_sweep(settings, workers, on_progress=on_progress)
    assert n_opened == 2
    assert results_of(settings) == results_of(finished)


def meet_dask(scene: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, DASK_CHILD, scene, *map(str, arguments)],
        check=False,
        capture_output=True,
        text=True,
        timeout=240,
    )


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_dask_cluster_that_loses_a_worker(finished: SweepSettings, tmp_path: Path) -> None:
    settings = sweep_in(tmp_path)
    file = tmp_path / "sweep.toml"
    file.write_text(write_sweep(settings))
    done = meet_dask("lose_a_worker", file)
    assert done.stdout == "6 done; victim dead\n", done.stderr
    assert results_of(settings) == results_of(finished)


def test_dask_worker_with_threads(tmp_path: Path) -> None:
    network = {**TABLE["network"], "random_seed": 3}
    done_by_process = sweep_in(tmp_path / "process", network=network)
    run_sweep(done_by_process, partial(local_processes, 1))
    settings = sweep_in(tmp_path, network=network)
    file = tmp_path / "sweep.toml"
    file.write_text(write_sweep(settings))
    done = meet_dask("share_a_worker", file)
    assert done.stdout == "6 done\n", done.stderr
    assert results_of(settings) == results_of(done_by_process)


@pytest.mark.parametrize(
    ("scene", "message"),
    [
        ("lose_every_worker", "Give them more, or choose a smaller n_together"),
        ("lose_the_scheduler", "Start it and its workers again"),
        ("find_no_scheduler", "no Dask scheduler at tcp://127.0.0.1:1"),
    ],
)
def test_dask_cluster_that_fails_is_a_sentence(scene: str, message: str) -> None:
    done = meet_dask(scene)
    assert done.returncode == 1
    # The last error that Python tells of is the one that the command line would show.
    last = done.stderr.rpartition("signseg_rig.errors.")[2]
    assert last.startswith("ConfigError" if scene == "find_no_scheduler" else "SweepError")
    assert message in last


def test_a_task_that_fails_says_why(tmp_path: Path) -> None:
    settings = sweep_in(tmp_path, units=["no such class"])
    with pytest.raises(ConfigError, match="There is no unit 'no such class' among the 1000"):
        run_sweep(settings, partial(local_processes, 1))
