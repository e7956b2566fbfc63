"""Sweeps in real worker processes, of this machine and of a Dask cluster, some of them killed."""

import os
import re
import signal
import subprocess
import sys
from concurrent.futures import Executor
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import dask
import numpy as np
import psutil
import pytest
from distributed import LocalCluster
from PIL import Image

from signseg_rig.errors import ConfigError, SweepError
from signseg_rig.visualization import (
    Condition,
    ResultFolder,
    SweepSettings,
    dask_cluster,
    list_tasks,
    local_processes,
    run_sweep,
)

TABLE = {
    "name": "small",
    "units": ["wig", "tench"],
    "signs": ["positive"],
    "strengths": [1.0],
    "control_strengths": [0.5],
    "controls": ["magnitude"],
    "n_repeats": 1,
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
                if "spawn_main" in " ".join(child.cmdline()):
                    child.send_signal(signal.SIGKILL)

    run_sweep(settings, workers, on_progress=on_progress)
    assert n_opened == 2
    assert results_of(settings) == results_of(finished)


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_dask_cluster_that_loses_a_worker(finished: SweepSettings, tmp_path: Path) -> None:
    settings = sweep_in(tmp_path)
    with LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
    ) as cluster:
        victim = next(iter(cluster.workers.values())).pid

        def on_progress(n_done: int, _n_all: int) -> None:
            if n_done == 1:
                os.kill(victim, signal.SIGKILL)

        run_sweep(
            settings, partial(dask_cluster, cluster.scheduler_address), on_progress=on_progress
        )
    assert not psutil.pid_exists(victim)
    assert results_of(settings) == results_of(finished)


@pytest.mark.slow
def test_dask_workers_that_a_task_kills() -> None:
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 0}),
        LocalCluster(n_workers=1, processes=True, dashboard_address=None) as cluster,
        pytest.raises(SweepError, match="Give them more, or choose a smaller n_together"),
        dask_cluster(cluster.scheduler_address) as executor,
    ):
        executor.submit(os._exit, 1).result()


@pytest.mark.slow
def test_dask_scheduler_that_is_lost(tmp_path: Path) -> None:
    command = ["-m", "distributed.cli.dask_scheduler", "--no-dashboard", "--host", "127.0.0.1"]
    with subprocess.Popen(
        [sys.executable, *command, "--port", "0"], stderr=subprocess.PIPE, text=True
    ) as scheduler:
        assert scheduler.stderr is not None
        lines = iter(scheduler.stderr.readline, "")
        (address,) = next(filter(None, (re.findall(r"tcp://[\d.]+:\d+", one) for one in lines)))

        def lose_it() -> None:
            with dask_cluster(address) as executor:
                waits_for_a_worker = executor.submit(abs, -1)
                scheduler.kill()
                waits_for_a_worker.result()

        with pytest.raises(SweepError, match="Start it and its workers again"):
            lose_it()


def test_a_task_that_fails_says_why(tmp_path: Path) -> None:
    settings = sweep_in(tmp_path, units=["no such class"])
    with pytest.raises(ConfigError, match="There is no unit 'no such class' among the 1000"):
        run_sweep(settings, partial(local_processes, 1))


def test_no_scheduler(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no Dask scheduler at tcp://127\.0\.0\.1:1"):
        run_sweep(sweep_in(tmp_path), partial(dask_cluster, "tcp://127.0.0.1:1"))
