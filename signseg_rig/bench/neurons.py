"""Fits of neuron models, beside scikit-learn's, and what their tests cost."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Self

import numpy as np
import psutil

from signseg_rig.bench.figure import Figure
from signseg_rig.neurons import cross_validate_pls, fit_pls, permutation_null
from signseg_rig.recordings.counts import count_spikes
from signseg_rig.values import FloatArray

# The size of a study: 160 images, a network's penultimate layer, neurons of three areas.
N_IMAGES, N_FEATURES, N_UNITS = 160, 4096, 59
N_COMPONENTS = 25
N_SHUFFLES = 1000
MEMORY_EVERY_S = 0.05
N_CHANNELS, RATE_HZ, DURATION_S, N_WINDOWS = 96, 20.0, 3600.0, 3000


def fit_figures() -> list[Figure]:
    """Measure PLS fits against scikit-learn, and nested cross-validation."""
    from sklearn.cross_decomposition import PLSRegression

    features, responses = _data()
    own_s = min(
        _seconds(lambda: fit_pls(features, responses, n_components=N_COMPONENTS)) for _ in range(5)
    )

    def fit_one_by_one() -> None:
        for response in responses.T:
            PLSRegression(N_COMPONENTS, scale=False).fit(features, response)

    peer_s = min(_seconds(fit_one_by_one) for _ in range(3))
    nested_s = min(_seconds(lambda: cross_validate_pls(features, responses)) for _ in range(3))
    size = f"{N_UNITS} neurons, {N_IMAGES} images x {N_FEATURES} features"
    return [
        Figure(
            f"PLS of {size}, share of scikit-learn's time",
            own_s / peer_s,
            1 / 50,
            "",
            f"{own_s * 1e3:.0f} ms, one PLSRegression per neuron {peer_s:.2f} s: "
            f"{peer_s / own_s:.0f} times as fast",
        ),
        Figure(
            "nested cross-validation of the same, 10 x 5 folds, 1..25 components",
            nested_s,
            5.0,
            "s",
            "best of 3",
        ),
    ]


def null_figures() -> list[Figure]:
    """Measure 1,000 shuffles of the nested cross-validation, and the memory that they take."""
    features, responses = _data()
    with PeakMemory() as memory:
        duration_s = _seconds(
            lambda: permutation_null(
                features, responses, n_shuffles=N_SHUFFLES, n_workers=os.cpu_count() or 1
            )
        )
    what = f"permutation null, {N_SHUFFLES} shuffles, 10 x 5 folds"
    detail = f"{N_UNITS} neurons, {N_IMAGES} images, choice of components repeated"
    return [
        Figure(what, duration_s, 240.0, "s", detail),
        Figure(f"{what}, most memory of all processes", memory.peak_bytes / 1e9, 2.0, "GB", detail),
    ]


def count_figures() -> list[Figure]:
    """Measure trial-aligned spike counts."""
    rng = np.random.default_rng(0)
    n_spikes = int(RATE_HZ * DURATION_S)
    spikes = [np.sort(rng.uniform(0, DURATION_S, n_spikes)) for _ in range(N_CHANNELS)]
    onsets_s = rng.uniform(0, DURATION_S - 1, N_WINDOWS)
    duration_s = min(
        _seconds(lambda: count_spikes(spikes, onsets_s, (0.05, 0.2))) for _ in range(5)
    )
    return [
        Figure(
            f"counts of {N_CHANNELS} channels, 1 h at {RATE_HZ:.0f} Hz, {N_WINDOWS} windows",
            duration_s * 1e3,
            100.0,
            "ms",
            "best of 5, after loading",
        )
    ]


def _data() -> tuple[FloatArray, FloatArray]:
    """Return features as after a ReLU, of falling variance, and noisy responses to them."""
    rng = np.random.default_rng(0)
    scale = np.geomspace(3, 0.03, N_FEATURES)
    features = np.maximum(rng.standard_normal((N_IMAGES, N_FEATURES)) * scale, 0)
    drive = features @ rng.standard_normal((N_FEATURES, N_UNITS))
    noise = rng.standard_normal((N_IMAGES, N_UNITS))
    return features, drive / drive.std(axis=0) + noise


class PeakMemory:
    """Watches the memory of this process and its children; what they share counts for each.

    Attributes
    ----------
    peak_bytes : int
        The most that was seen so far.
    """

    def __init__(self) -> None:
        self.peak_bytes = _memory_bytes()
        self._is_over = threading.Event()
        self._watcher = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._watcher.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._is_over.set()
        self._watcher.join()

    def _watch(self) -> None:
        while True:
            self.peak_bytes = max(self.peak_bytes, _memory_bytes())
            if self._is_over.wait(MEMORY_EVERY_S):
                return


def _memory_bytes() -> int:
    process = psutil.Process()
    total = 0
    for one in (process, *process.children(recursive=True)):
        with suppress(psutil.NoSuchProcess):
            total += one.memory_info().rss
    return total


def _seconds(act: Callable[[], object]) -> float:
    start_s = time.perf_counter()
    act()
    return time.perf_counter() - start_s
