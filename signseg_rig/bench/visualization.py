"""Evolutions in one process, ablations, and sweeps that are already done."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from signseg_rig.bench.figure import Figure
from signseg_rig.generators import load_generator
from signseg_rig.networks import load_network
from signseg_rig.optimizers import make_optimizer
from signseg_rig.search import Search, evolve, evolve_together
from signseg_rig.signs import ablate
from signseg_rig.sweeps import (
    Result,
    ResultFolder,
    SweepSettings,
    list_tasks,
    local_processes,
    run_sweep,
)
from signseg_rig.values import ImageArray

N_CODES = 40
N_SIDE_BY_SIDE = 8
N_TASKS = 1000
N_UNITS, N_FEATURES, N_STRENGTHS = 1000, 4096, 11


class _Stopwatch:
    """Adds up the time that a function takes."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function
        self.duration_s = 0.0

    def __call__(self, *arguments: Any) -> Any:
        start_s = time.perf_counter()
        result = self._function(*arguments)
        self.duration_s += time.perf_counter() - start_s
        return result


def evolve_figures() -> list[Figure]:
    """Measure what an evolution costs besides rendering and the network."""
    generator = load_generator("deepsim_fc6", random_seed=1, batch_size=5)
    network = load_network("alexnet", random_seed=1, batch_size=5)
    weights = network.readout.weights[0]
    optimizer = make_optimizer("cma_es", n_dims=generator.n_dims, seed=1, n_codes=N_CODES)

    def score(images: ImageArray) -> Any:
        return network.features(images) @ weights

    seen = _Stopwatch(score)
    rendered = _Stopwatch(generator.render)
    generator.render = rendered  # type: ignore[method-assign,assignment]
    start_s = time.perf_counter()
    evolve(generator, seen, optimizer, 5)
    duration_s = time.perf_counter() - start_s
    models_s = seen.duration_s + rendered.duration_s
    return [
        Figure(
            f"share of optimizer and bookkeeping, DeePSiM fc6 + AlexNet, {N_CODES} codes",
            100 * (1 - models_s / duration_s),
            5.0,
            "%",
            f"5 generations of {duration_s / 5:.2f} s, random weights",
        )
    ]


def together_figures() -> list[Figure]:
    """Measure evolutions side by side against the same one after the other."""
    generator = load_generator("dcgan_faces", batch_size=5)
    network = load_network("efficientnet_lite0", input_size_px=112, batch_size=5)
    weights = network.readout.weights

    def searches() -> list[Search]:
        return [
            Search(
                make_optimizer("cma_es", n_dims=generator.n_dims, seed=seed, n_codes=20),
                lambda seen, row=weights[seed]: np.einsum("if,f->i", seen, row),  # type: ignore[misc]
            )
            for seed in range(N_SIDE_BY_SIDE)
        ]

    def together() -> list[Any]:
        return evolve_together(generator, network.features, searches(), 3)

    def one_by_one() -> list[Any]:
        return [evolve_together(generator, network.features, [one], 3)[0] for one in searches()]

    ratios, same = [], True
    for _ in range(3):
        start_s = time.perf_counter()
        side_by_side = together()
        middle_s = time.perf_counter()
        alone = one_by_one()
        ratios.append((middle_s - start_s) / (time.perf_counter() - middle_s))
        same &= all(
            np.array_equal(a.scores, b.scores) for a, b in zip(side_by_side, alone, strict=True)
        )
    return [
        Figure(
            f"{N_SIDE_BY_SIDE} evolutions together, share of the time one after the other",
            float(np.median(ratios)),
            1.05,
            "",
            f"median of 3; results are {'the same' if same else 'DIFFERENT'}",
        )
    ]


def ablation_figures() -> list[Figure]:
    """Measure the graded ablation of a readout, all units, both signs."""
    weights = np.random.default_rng(0).normal(size=(N_UNITS, N_FEATURES)).astype(np.float32)
    start_s = time.perf_counter()
    for sign in ("positive", "negative"):
        for strength in np.linspace(0, 1, N_STRENGTHS):
            ablate(weights, sign=sign, strength=float(strength))
    return [
        Figure(
            f"ablation of {N_UNITS} x {N_FEATURES}, {N_STRENGTHS} strengths, both signs",
            time.perf_counter() - start_s,
            2.0,
            "s",
            "a call of ablate for each",
        )
    ]


def sweep_figures() -> list[Figure]:
    """Measure how long a sweep takes to find that all of it is done."""
    with tempfile.TemporaryDirectory(prefix="signseg-rig-bench-") as folder:
        settings = SweepSettings.model_validate(
            {
                "name": "done",
                "out_dir": folder,
                "units": [f"unit {number}" for number in range(N_TASKS // 10)],
                "control_strengths": [],
                "strengths": [0.25, 0.5, 0.75, 1.0],
                "signs": ["positive"],
                "n_repeats": 2,
                "network": {"kind": "efficientnet_lite0"},
                "generator": {"kind": "dcgan_faces"},
                "optimizer": {"kind": "cma_es"},
            }
        )
        tasks, results = list_tasks(settings), ResultFolder(Path(folder) / "done")
        one, scores = np.array(0.0), np.zeros((settings.n_generations, 20))
        result = Result(
            np.zeros(100), np.zeros((64, 64, 3), np.uint8), scores, *(one, one, one, one)
        )
        for task in tasks:
            results.write(task.key, result)
        start_s = time.perf_counter()
        n_done = run_sweep(settings, local_processes)
        duration_s = time.perf_counter() - start_s
    how = f"{len(tasks)} tasks, {n_done} were left"
    return [Figure("sweep of finished tasks, to find nothing left", duration_s, 5.0, "s", how)]
