"""Do tasks of a sweep: what a worker process has, and what it does with it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import NamedTuple

import numpy as np

from signseg_rig.interfaces import Generator, Optimizer
from signseg_rig.search.evolution import Evolution, Search, evolve_together
from signseg_rig.seeds import named_rng
from signseg_rig.settings.toml_text import parse_toml
from signseg_rig.sweeps.files import Stamps, hash_files, require_same_files
from signseg_rig.sweeps.results import Result, ResultFolder
from signseg_rig.sweeps.settings import SweepSettings
from signseg_rig.sweeps.software import Software, software_here
from signseg_rig.sweeps.tasks import Task
from signseg_rig.sweeps.units import Lesioned, See, Units, load_units

# Dask's workers have a thread for each processor by default; the models are one set in a process.
_ONE_AT_A_TIME = Lock()


def do_tasks(sweep: str, folder: str, tasks: Sequence[Task], files: Stamps) -> int:
    """Do some tasks together, and write their results; what worker processes run.

    Threads of one process do so one after the other. Tasks that have a result by now are left out:
    those that worked for a sweep that was killed may have finished them meanwhile.

    Parameters
    ----------
    sweep : str
        The settings as TOML.
    folder : str
        Of the sweep.
    tasks : sequence of Task
    files : tuple of (str, str)
        The `stamps` of the files from which the tasks were listed.

    Returns
    -------
    n_done : int

    Raises
    ------
    SweepError
        The files are others here, or a result cannot be written.
    """
    results = ResultFolder(Path(folder))
    with _ONE_AT_A_TIME:
        left = [task for task in tasks if not results.has(task.key)]
        if left:
            _use_one_thread()
            _do_together(_workbench(sweep, files), results, left)
    return len(tasks)


def worker_software(sweep: str) -> Software:
    """Return what a worker computes the sweep of a file's text with."""
    return software_here(_settings(sweep))


class Workbench(NamedTuple):
    """What a worker has for a sweep."""

    settings: SweepSettings
    generator: Generator
    units: Units
    software: Software


def _do_together(bench: Workbench, results: ResultFolder, tasks: Sequence[Task]) -> None:
    settings, generator, units, software = bench
    # What sees alike is evolved together: generator and network then have full batches.
    alike: dict[See, list[tuple[Task, Lesioned]]] = {}
    for task, lesioned in zip(tasks, units.lesion(tasks), strict=True):
        alike.setdefault(lesioned.see, []).append((task, lesioned))
    for see, own in alike.items():
        searches = [Search(_optimizer(settings, generator, task), one.unit) for task, one in own]
        evolutions = evolve_together(generator, see, searches, settings.n_generations)
        for (task, lesioned), evolution in zip(own, evolutions, strict=True):
            results.write(task.key, _result(units, task, lesioned, evolution, software))


# Of one sweep: the worker of a Dask cluster outlives many, and models are large.
@lru_cache(maxsize=1)
def _workbench(sweep: str, files: Stamps) -> Workbench:
    """Load the models of a sweep once in a process."""
    settings = _settings(sweep)
    generator: Generator = settings.generator.load()(settings.generator.settings)
    units = load_units(settings)
    # Once they are loaded: a file that was changed before is found, and one changed since as well.
    require_same_files(hash_files(settings).stamps, files)
    return Workbench(settings, generator, units, software_here(settings))


def _use_one_thread() -> None:
    """Have torch compute with one thread in this thread, of which it is a matter.

    With other numbers of threads the last bits would differ, and workers share the processors.
    """
    import torch

    torch.set_num_threads(1)


def _settings(sweep: str) -> SweepSettings:
    return SweepSettings.model_validate(parse_toml(sweep))


def _optimizer(settings: SweepSettings, generator: Generator, task: Task) -> Optimizer:
    rng = named_rng(settings.seed, *task.search_stream)
    optimizer: Optimizer = settings.optimizer.load()(
        settings.optimizer.settings, n_dims=generator.n_dims, rng=rng
    )
    return optimizer


def _result(
    units: Units, task: Task, lesioned: Lesioned, evolution: Evolution, software: Software
) -> Result:
    return Result(
        best_code=evolution.best_code,
        best_image=evolution.best_image,
        scores=evolution.scores,
        intact_score=np.array(units.intact_response(task.unit, evolution.best_image)),
        n_removed=np.array(lesioned.n_removed),
        realized_strength=np.array(lesioned.realized_strength),
        removed_magnitude=np.array(lesioned.removed_magnitude),
        software=software,
    )
