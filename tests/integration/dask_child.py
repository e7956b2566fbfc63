"""Meets a Dask cluster in a process of its own: ``dask_child.py SCENE [SWEEP]``.

Dask leaves sockets and coroutines to the garbage collector when it loses a worker or a scheduler,
as its own tests allow it to; in the tests' process such a warning would fail whichever test is on.
An error of the scene ends up on standard error, as in any program.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import dask
import psutil
from distributed import LocalCluster

from signseg_rig.sweeps import dask_cluster, read_sweep, run_sweep


def lose_a_worker(sweep: str) -> None:
    """Kill one of two workers after the first task, and finish the sweep."""
    with LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
    ) as cluster:
        victim = next(iter(cluster.workers.values())).pid

        def on_progress(n_done: int, _n_all: int) -> None:
            if n_done == 1:
                os.kill(victim, signal.SIGKILL)

        executor = partial(dask_cluster, cluster.scheduler_address)
        n_done = run_sweep(read_sweep(Path(sweep)), executor, on_progress=on_progress)
    print(n_done, "done; victim", "alive" if psutil.pid_exists(victim) else "dead")


def share_a_worker(sweep: str) -> None:
    """Have one worker with threads, as ``dask worker`` starts it by default."""
    with LocalCluster(
        n_workers=1, threads_per_worker=3, processes=True, dashboard_address=None
    ) as cluster:
        executor = partial(dask_cluster, cluster.scheduler_address)
        print(run_sweep(read_sweep(Path(sweep)), executor), "done")


def lose_every_worker() -> None:
    """Do a task that kills its worker."""
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 0}),
        LocalCluster(n_workers=1, processes=True, dashboard_address=None) as cluster,
        dask_cluster(cluster.scheduler_address) as executor,
    ):
        executor.submit(os._exit, 1).result()


def lose_the_scheduler() -> None:
    """Kill the scheduler while a task waits for a worker."""
    command = ["-m", "distributed.cli.dask_scheduler", "--no-dashboard", "--host", "127.0.0.1"]
    with subprocess.Popen(
        [sys.executable, *command, "--port", "0"], stderr=subprocess.PIPE, text=True
    ) as scheduler:
        assert scheduler.stderr is not None
        lines = iter(scheduler.stderr.readline, "")
        (address,) = next(filter(None, (re.findall(r"tcp://[\d.]+:\d+", one) for one in lines)))
        with dask_cluster(address) as executor:
            waits_for_a_worker = executor.submit(abs, -1)
            scheduler.kill()
            waits_for_a_worker.result()


def find_no_scheduler() -> None:
    """Ask where nobody listens."""
    with dask_cluster("tcp://127.0.0.1:1"):
        pass


if __name__ == "__main__":
    scene, *arguments = sys.argv[1:]
    globals()[scene](*arguments)
