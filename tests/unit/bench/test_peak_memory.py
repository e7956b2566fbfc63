"""The memory that a benchmark tells is the most that there was, not what is left."""

import numpy as np

from signseg_rig.bench.neurons import PeakMemory

N_BYTES = 200_000_000


def test_tells_memory_that_was_freed_again() -> None:
    with PeakMemory() as memory:
        before = memory.peak_bytes
        filled = np.ones(N_BYTES // 8)
        while memory.peak_bytes < before + 0.9 * N_BYTES:
            filled.sum()
        seen = memory.peak_bytes
        del filled
    assert memory.peak_bytes >= seen
