"""Run a sweep: hand out the tasks that are not done yet, and survive the death of workers."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager

from signseg_rig.errors import SweepError
from signseg_rig.visualization.results import ResultFolder, explained
from signseg_rig.visualization.software import record_software
from signseg_rig.visualization.sweep_settings import SweepSettings, write_sweep
from signseg_rig.visualization.tasks import Task, list_tasks
from signseg_rig.visualization.used_files import Stamps, hash_files
from signseg_rig.visualization.workbench import do_tasks
from signseg_rig.whole_files import write_whole

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
        Told in a sentence where the sweep goes on with other software than it was begun with.

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
    files = hash_files(settings)
    tasks = list_tasks(settings, files)
    results = ResultFolder(settings.folder)
    with explained(settings.folder):
        settings.folder.mkdir(parents=True, exist_ok=True)
        write_whole(settings.folder / "sweep.toml", write_sweep(settings).encode())
    results.clear()
    finished = results.finished()
    left = [task for task in tasks if task.key not in finished]
    n_left = len(left)
    on_progress(len(tasks) - n_left, len(tasks))
    if not left:
        return 0
    if warning := record_software(settings, is_begun=n_left < len(tasks)):
        on_warning(warning)
    for attempt in range(MAX_BROKEN_POOLS):
        try:
            with open_executor() as executor:
                for n_done in _hand_out(executor, settings, left, files.stamps):
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
