"""Keep garbage collection short while time matters."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def short_collections() -> Iterator[None]:
    """Leave out of garbage collections what was allocated before: libraries, models.

    Python's collector now and then looks through everything there is; with PsychoPy loaded this
    took 99 ms, in between two frames as readily as anywhere.
    """
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
