"""Passes of a real loop and display while two peers without keys send as fast as they can."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import numpy as np
import psutil

from signseg_rig.bench.figure import Figure
from signseg_rig.bench.loop import PORT, Bench, open_bench
from signseg_rig.values import ImageArray, Order, Placement, View, array_sha256

KINDS = ("garbage", "hello", "ping", "endless")
N_PEERS = 2
N_IMAGES = 10
DURATION_S = 6.0
SAMPLE_INTERVAL_S = 0.05
# 80 % of the undisturbed passes a second.
MAX_SLOWDOWN = 1.25
MAX_MEMORY_MB = 300.0


def flood_figures() -> list[Figure]:
    """Measure passes a second, undisturbed and under each kind of flood, and the most memory."""
    rng = np.random.default_rng(0)
    made = rng.integers(0, 256, (N_IMAGES, 64, 64, 3), dtype=np.uint8)
    images = {array_sha256(image): image for image in made}
    figures = []
    with open_bench(n_generations=1, pacing="realtime") as bench:
        bench.link.wait_until_connected(lambda: True)
        _passes_per_s(bench, images)
        for kind in KINDS:
            before = _passes_per_s(bench, images)
            with _most_memory_mb() as sizes_mb, _flooded(kind):
                flooded = _passes_per_s(bench, images)
            after = _passes_per_s(bench, images)
            undisturbed = (before + after) / 2
            detail = f"{flooded:.2f} passes a second; {undisturbed:.2f} before and after"
            name = f"flood of {N_PEERS} peers, {kind}"
            figures += [
                Figure(f"{name}: slower by", undisturbed / flooded, MAX_SLOWDOWN, "times", detail),
                Figure(f"{name}: memory", max(sizes_mb), MAX_MEMORY_MB, "MB", "of the process"),
            ]
    return figures


def _passes_per_s(bench: Bench, images: dict[str, ImageArray]) -> float:
    views = {View(key, Placement()): image for key, image in images.items()}
    orders = [Order(f"p{index}", view) for index, view in enumerate(views)]
    n_passes, start_s = 0, time.perf_counter()
    while (duration_s := time.perf_counter() - start_s) < DURATION_S:
        bench.link.preload(views)
        shown = bench.link.show(
            orders, on_frames=1, off_frames=1, is_wanted=lambda: True, meanwhile=lambda: None
        )
        n_passes += len(list(shown)) == N_IMAGES
    return n_passes / duration_s


@contextmanager
def _flooded(kind: str) -> Iterator[None]:
    address = f"tcp://127.0.0.1:{PORT}"
    command = [sys.executable, "-m", "signseg_rig.bench.flood_peer", address, kind]
    with ExitStack() as stack:
        for _ in range(N_PEERS):
            peer = stack.enter_context(subprocess.Popen(command))  # noqa: S603 - this program
            stack.callback(peer.kill)
        yield


@contextmanager
def _most_memory_mb() -> Iterator[list[float]]:
    process, is_over = psutil.Process(), threading.Event()
    sizes_mb = [process.memory_info().rss / 2**20]

    def watch() -> None:
        while not is_over.wait(SAMPLE_INTERVAL_S):
            sizes_mb.append(process.memory_info().rss / 2**20)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield sizes_mb
    finally:
        is_over.set()
        thread.join()
