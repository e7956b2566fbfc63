"""What a run tells while it goes on: its state to whoever watches, its timing to the record."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from signseg_rig.values import RunStatus


class Telling:
    """Keeps the state of a run, and how long the parts of its turn-around take.

    Parameters
    ----------
    on_status : callable
        Called with a `RunStatus` whenever something changes.
    n_blocks : int
        Blocks expected in all.
    """

    def __init__(self, on_status: Callable[[RunStatus], None], *, n_blocks: int) -> None:
        self.status = RunStatus(n_blocks=n_blocks)
        self._on_status = on_status
        self._timing_s: dict[str, float] = {}

    def tell(self, **changes: Any) -> None:
        """Change parts of the state, and tell it."""
        self.status = replace(self.status, **changes)
        self._on_status(self.status)

    @contextmanager
    def timed(self, part: str) -> Iterator[None]:
        """Add the time that the context takes to a part of the turn-around."""
        start_s = time.perf_counter()
        yield
        key = f"{part}_s"
        self._timing_s[key] = self._timing_s.get(key, 0.0) + time.perf_counter() - start_s

    def take_timing_s(self) -> dict[str, float]:
        """Return how long each part took since the last call, in seconds."""
        timing_s, self._timing_s = self._timing_s, {}
        return timing_s
