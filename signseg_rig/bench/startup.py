"""Time of ``signseg-rig --help``, as a whole process."""

from __future__ import annotations

import subprocess
import sys
import time

import numpy as np

from signseg_rig.bench.figure import Figure, in_ms

N_RUNS = 10


def startup_figures() -> list[Figure]:
    """Measure how long the help takes to appear, beside a Python that does nothing."""
    help_s = _durations_s([sys.executable, "-m", "signseg_rig", "--help"])
    nothing_s = _durations_s([sys.executable, "-c", "pass"])
    ratio = np.median(help_s) / np.median(nothing_s)
    return [
        Figure(
            "signseg-rig --help",
            float(np.median(help_s)),
            0.5,
            "s",
            f"{in_ms(help_s)}; {ratio:.1f} times a Python that does nothing",
        )
    ]


def _durations_s(command: list[str]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    durations = []
    for _ in range(N_RUNS + 1):
        start_s = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)  # noqa: S603 - Python itself
        durations.append(time.perf_counter() - start_s)
    return np.array(durations[1:])  # the first one fills the disk cache
