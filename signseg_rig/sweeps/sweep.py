"""Run a sweep: hand out the tasks that are not done yet, and survive the death of workers."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager

from signseg_rig.errors import SweepError
from signseg_rig.files.whole import write_whole
from signseg_rig.sweeps.files import Stamps, hash_files
from signseg_rig.sweeps.ownership import owned
from signseg_rig.sweeps.results import ResultFolder, explained
from signseg_rig.sweeps.settings import SweepSettings, write_sweep
from signseg_rig.sweeps.software import Software, describe_change, record_software, used_software
from signseg_rig.sweeps.tasks import Task, list_tasks
from signseg_rig.sweeps.workbench import do_tasks, worker_software

# A task that kills its worker again and again is not the machine's fault.
MAX_BROKEN_POOLS = 3

OpenExecutor = Callable[[], AbstractContextManager[Executor]]


def run_sweep(
    settings: SweepSettings,
    open_executor: OpenExecutor,
    *,
    on_progress: Callable[[int, int], None] = lambda _n_done, _n_all: None,
    on_warning: Callable[[str], object] = warnings.warn,
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
    on_warning : callable
        Told in a sentence where the sweep goes on with other software than it has results of,
        where a result cannot be used and is made anew, or where nothing can keep a second one off
        its folder.

    Returns
    -------
    n_done : int
        How many tasks were done now; the others were finished before.

    Raises
    ------
    SweepError
        Another process works on this sweep, workers died again and again, or results cannot be
        written.
    RigError
        What a task came upon: a weight file that is missing, a unit that does not exist.
    """
    files = hash_files(settings)
    tasks = list_tasks(settings, files)
    with explained(settings.folder):
        settings.folder.parent.mkdir(parents=True, exist_ok=True)
    with owned(settings.folder, on_warning):
        left = _left(settings, tasks, on_warning)
        n_before = len(tasks) - len(left)
        on_progress(n_before, len(tasks))
        if left:
            undone = set(left)
            before = _used_for(settings, [task for task in tasks if task not in undone])
            record_software(settings)
            _work_off(
                open_executor,
                settings,
                left,
                files.stamps,
                on_begin=lambda executor: _compare_software(executor, settings, before, on_warning),
                on_progress=lambda n_done: on_progress(n_before + n_done, len(tasks)),
                on_warning=on_warning,
            )
        return len(left)


def _left(
    settings: SweepSettings, tasks: Sequence[Task], on_warning: Callable[[str], object]
) -> list[Task]:
    """Prepare the folder of a sweep, and tell which of its tasks have no result to be used."""
    results = ResultFolder(settings.folder)
    with explained(settings.folder):
        settings.folder.mkdir(exist_ok=True)
        write_whole(settings.folder / "sweep.toml", write_sweep(settings).encode())
    results.clear()
    finished = results.finished()
    there = [task.key for task in tasks if task.key in finished]
    unusable = results.faults(there, settings.n_generations)
    for key, why in unusable.items():
        on_warning(why)
        results.put_aside(key)
    return [task for task in tasks if task.key not in finished or task.key in unusable]


def _used_for(settings: SweepSettings, finished: Sequence[Task]) -> list[Software]:
    """Return with what software the results that are there came."""
    results = ResultFolder(settings.folder)
    return used_software(settings.folder, [results.software(task.key) for task in finished])


def _compare_software(
    executor: Executor,
    settings: SweepSettings,
    before: Sequence[Software],
    on_warning: Callable[[str], object],
) -> None:
    """Warn where results that are there came with other software than what computes now.

    That is the workers', whose machines may have other versions than this process.
    """
    if before:
        now = executor.submit(worker_software, write_sweep(settings)).result()
        if warning := describe_change(now, before):
            on_warning(warning)


def _work_off(
    open_executor: OpenExecutor,
    settings: SweepSettings,
    tasks: Sequence[Task],
    files: Stamps,
    *,
    on_begin: Callable[[Executor], None],
    on_progress: Callable[[int], None],
    on_warning: Callable[[str], object],
) -> None:
    """Have tasks done, and what is left of them again where workers die."""
    left = tasks
    for attempt in range(MAX_BROKEN_POOLS):
        try:
            with open_executor() as executor:
                if attempt == 0:
                    on_begin(executor)
                for n_done in _hand_out(executor, settings, left, files):
                    on_progress(len(tasks) - len(left) + n_done)
                return
        except BrokenProcessPool:
            left = _left(settings, left, on_warning)
    raise SweepError(
        f"Worker processes died {MAX_BROKEN_POOLS} times, with {len(left)} of {len(tasks)} tasks "
        "left; most likely the memory is full. Use fewer workers, or a smaller n_together, and "
        "start the sweep again: what is finished is kept."
    )


def _hand_out(
    executor: Executor, settings: SweepSettings, tasks: Sequence[Task], files: Stamps
) -> Iterator[int]:
    """Hand out tasks in portions; yields how many are done as portions come back."""
    sweep, folder = write_sweep(settings), str(settings.folder.absolute())
    size = settings.n_together
    futures: list[Future[int]] = [
        executor.submit(do_tasks, sweep, folder, tasks[first : first + size], files)
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
