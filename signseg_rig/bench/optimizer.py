"""Time of one generation of CMA-ES, beside the bare package that it is built on."""

from __future__ import annotations

import time
import warnings

import cma
import numpy as np

from signseg_rig.bench.figure import Figure, in_ms
from signseg_rig.optimizers import make_optimizer
from signseg_rig.values import FloatArray

N_DIMS = 4096
N_CODES = 40
N_GENERATIONS = 60


def optimizer_figures() -> list[Figure]:
    """Measure ask + tell at 4096 dimensions and 40 codes a generation."""
    optimizer = make_optimizer("cma_es", n_dims=N_DIMS, seed=1, n_codes=N_CODES)
    rng = np.random.default_rng(0)
    scores = rng.standard_normal((N_GENERATIONS, N_CODES))

    def ours(generation: int) -> None:
        optimizer.tell(optimizer.ask(), scores[generation])

    bare = _bare_package()

    def theirs(generation: int) -> None:
        bare.tell(bare.ask(), (-scores[generation]).tolist())

    ours_s, theirs_s = _interleaved(ours, theirs)
    ratio = np.median(ours_s) / np.median(theirs_s)
    return [
        Figure(
            f"cma_es ask + tell, {N_DIMS} dimensions, {N_CODES} codes",
            float(np.median(ours_s)) * 1e3,
            15.0,
            "ms",
            f"{in_ms(ours_s)}; {ratio:.2f} times the bare cma package with a diagonal covariance",
        )
    ]


def _bare_package() -> cma.CMAEvolutionStrategy:
    rng = np.random.default_rng(2)
    options = {
        "popsize": N_CODES,
        "CMA_diagonal": True,
        "seed": np.nan,
        "randn": lambda *shape: rng.standard_normal(shape),
        "verbose": -9,
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return cma.CMAEvolutionStrategy(np.zeros(N_DIMS), 3.0, options)


def _interleaved(*steps: object) -> tuple[FloatArray, ...]:
    """Time the steps in turn, so that a machine that slows down slows all of them."""
    durations_s: list[list[float]] = [[] for _ in steps]
    for generation in range(N_GENERATIONS):
        for step, collected in zip(steps, durations_s, strict=True):
            start_s = time.perf_counter()
            step(generation)  # type: ignore[operator]
            collected.append(time.perf_counter() - start_s)
    return tuple(np.array(collected[5:]) for collected in durations_s)
