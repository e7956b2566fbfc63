"""The memory that a benchmark tells is the most that there was, not what is left."""

import mmap
from threading import Event

import psutil
import pytest

from signseg_rig.bench import neurons
from signseg_rig.bench.neurons import PeakMemory

N_BYTES = 200_000_000


def test_tells_memory_that_was_freed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    told, is_over = iter([1, 5, 2]), Event()

    def memory_bytes() -> int:
        value = next(told, None)
        if value is None:
            is_over.set()
        return value or 2

    monkeypatch.setattr(neurons, "_memory_bytes", memory_bytes)
    with PeakMemory() as memory:
        assert is_over.wait(60)
    assert memory.peak_bytes == 5


def test_counts_what_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    # Workers of other tests come and go.
    monkeypatch.setattr(psutil.Process, "children", lambda *_self, **_options: [])
    before = neurons._memory_bytes()
    # From the system: an array might lie where other tests have freed memory that is still held.
    with mmap.mmap(-1, N_BYTES) as held:
        held.write(b"1" * N_BYTES)
        assert neurons._memory_bytes() - before > N_BYTES / 2
