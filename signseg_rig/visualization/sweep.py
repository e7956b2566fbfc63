"""Run a sweep: hand out the tasks that are not done yet, and survive the death of workers."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import (
    CancelledError,
    Executor,
    Future,
    ProcessPoolExecutor,
    as_completed,
)
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from signseg_rig.errors import ConfigError, SweepError
from signseg_rig.visualization.results import ResultFolder
from signseg_rig.visualization.sweep_settings import SweepSettings, write_sweep
from signseg_rig.visualization.tasks import Task, list_tasks
from signseg_rig.visualization.workbench import do_tasks

# A task that kills its worker again and again is not the machine's fault.
MAX_BROKEN_POOLS = 3

OpenExecutor = Callable[[], AbstractContextManager[Executor]]


def run_sweep(
    settings: SweepSettings,
    open_executor: OpenExecutor,
    *,
    on_progress: Callable[[int, int], None] = lambda _n_done, _n_all: None,
) -> int:
    """Do the tasks of a sweep that have no result yet.

    Parameters
    ----------
    settings : SweepSettings
    open_executor : callable
        Gives a context manager of a `concurrent.futures.Executor`; see `local_processes` and
        `dask_cluster`. Called again where its processes died.
    on_progress : callable
        Called with the numbers of tasks that are done and that there are.

    Returns
    -------
    n_done : int
        How many tasks were done now; the others were finished before.

    Raises
    ------
    SweepError
        Workers died again and again, or results cannot be written.
    RigError
        What a task came upon: a weight file that is missing, a unit that does not exist.
    """
    tasks = list_tasks(settings)
    results = ResultFolder(settings.folder)
    settings.folder.mkdir(parents=True, exist_ok=True)
    (settings.folder / "sweep.toml").write_text(write_sweep(settings), encoding="utf-8")
    finished = results.finished()
    left = [task for task in tasks if task.key not in finished]
    n_left = len(left)
    on_progress(len(tasks) - n_left, len(tasks))
    if not left:
        return 0
    for attempt in range(MAX_BROKEN_POOLS):
        try:
            with open_executor() as executor:
                for n_done in _hand_out(executor, settings, left):
                    on_progress(len(tasks) - len(left) + n_done, len(tasks))
                return n_left
        except BrokenProcessPool:
            finished = results.finished()
            left = [task for task in left if task.key not in finished]
            if attempt + 1 == MAX_BROKEN_POOLS:
                break
    raise SweepError(
        f"Worker processes died {MAX_BROKEN_POOLS} times, with {len(left)} of {len(tasks)} tasks "
        "left; most likely the memory is full. Use fewer workers, or a smaller n_together, and "
        "start the sweep again: what is finished is kept."
    )


@contextmanager
def local_processes(n_workers: int | None = None) -> Iterator[Executor]:
    """Open processes of this machine, by default as many as it has processors."""
    n_workers = n_workers or os.cpu_count() or 1
    # Forked processes would inherit torch's threads in the middle of whatever they do.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(n_workers, mp_context=context) as executor:
        yield executor


@contextmanager
def dask_cluster(address: str) -> Iterator[Executor]:
    """Use the workers of a Dask cluster; they need to see the folder of the sweep.

    Parameters
    ----------
    address : str
        Of its scheduler, such as ``"tcp://10.0.0.5:8786"``.

    Raises
    ------
    ConfigError
        Dask is not installed, or there is no scheduler.
    SweepError
        The scheduler was lost, or workers died again and again, while it was used.
    """
    try:
        import distributed
        from distributed.comm.core import CommClosedError
    except ImportError as error:
        raise ConfigError(
            "Dask is not installed. Install it with \"pip install 'signseg-rig[cluster]'\"."
        ) from error
    try:
        client: Any = distributed.Client(address, timeout=10)  # type: ignore[no-untyped-call]
    except OSError as error:
        raise ConfigError(f"There is no Dask scheduler at {address}: {error}.") from error
    try:
        with client, client.get_executor() as executor:
            yield executor
    except distributed.KilledWorker as error:
        raise SweepError(
            f"Workers of the Dask cluster at {address} died while they did a task ({error}); most "
            "likely their memory was full. Give them more, or choose a smaller n_together, and "
            "start the sweep again: what is finished is kept."
        ) from error
    except (CancelledError, CommClosedError) as error:
        # All that waits for a scheduler is cancelled when the connection breaks.
        raise SweepError(
            f"The Dask scheduler at {address} was lost ({type(error).__name__}). Start it and its "
            "workers again, and then the sweep: what is finished is kept."
        ) from error


def _hand_out(executor: Executor, settings: SweepSettings, tasks: Sequence[Task]) -> Iterator[int]:
    """Hand out tasks in portions; yields how many are done as portions come back."""
    sweep, folder = write_sweep(settings), str(settings.folder.absolute())
    size = settings.n_together
    futures: list[Future[int]] = [
        executor.submit(do_tasks, sweep, folder, tasks[first : first + size])
        for first in range(0, len(tasks), size)
    ]
    n_done = 0
    try:
        for future in as_completed(futures):
            n_done += future.result()
            yield n_done
    except BaseException:
        for future in futures:
            future.cancel()
        raise
