"""The parts of the benchmark by name; each is measured in a process of its own."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pkgutil import resolve_name
from typing import cast

from signseg_rig.bench.figure import Figure
from signseg_rig.errors import ConfigError

PARTS = {
    "optimizer": "signseg_rig.bench.optimizer:optimizer_figures",
    "preload": "signseg_rig.bench.loop:preload_figures",
    "turnaround": "signseg_rig.bench.loop:turnaround_figures",
    "recording": "signseg_rig.bench.recording:recording_figures",
    "follow": "signseg_rig.bench.recording:follow_figures",
    "memory": "signseg_rig.bench.loop:memory_figures",
    "flood": "signseg_rig.bench.flood:flood_figures",
    "startup": "signseg_rig.bench.startup:startup_figures",
    "fit": "signseg_rig.bench.neurons:fit_figures",
    "counts": "signseg_rig.bench.neurons:count_figures",
    "null": "signseg_rig.bench.neurons:null_figures",
    "evolve": "signseg_rig.bench.visualization:evolve_figures",
    "together": "signseg_rig.bench.visualization:together_figures",
    "ablate": "signseg_rig.bench.visualization:ablation_figures",
    "sweep": "signseg_rig.bench.visualization:sweep_figures",
    "report": "signseg_rig.bench.report:report_figures",
}


def require_parts(names: list[str]) -> None:
    """Check that there are parts of these names.

    Raises
    ------
    ConfigError
        There is no part of one of the names; the message lists those that there are.
    """
    if unknown := set(names) - PARTS.keys():
        raise ConfigError(
            f"There is no benchmark {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}."
        )


def measure(name: str) -> list[Figure]:
    """Measure the figures of one part.

    What other parts have imported and allocated would count among its memory and its time.

    Parameters
    ----------
    name : str
        One of `PARTS`.

    Returns
    -------
    figures : list of Figure
    """
    anew = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=anew) as process:
        return process.submit(_measure_here, name).result()


def _measure_here(name: str) -> list[Figure]:
    part = cast("Callable[[], list[Figure]]", resolve_name(PARTS[name]))
    return part()
