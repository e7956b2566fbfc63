"""The memory that a benchmark tells is the most that there was, not what is left."""

from threading import Event

import numpy as np
import psutil
import pytest

from signseg_rig.bench import neurons
from signseg_rig.bench.neurons import PeakMemory


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
    held = np.ones(25_000_000)
    assert neurons._memory_bytes() > before
    assert held.sum() == held.size
