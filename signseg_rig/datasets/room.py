"""How much memory arrays may take, checked before any is taken."""

from __future__ import annotations

from collections.abc import Iterable
from math import prod

import psutil

from signseg_rig.errors import DataSetError

# Less than this is always there: what a file of this size holds need not be compared with memory.
SMALL_BYTES = 2**26


def require_room(shape: Iterable[int], item_bytes: int, what: str) -> None:
    """Check that an array fits in the memory that is free.

    Parameters
    ----------
    shape : iterable of int
    item_bytes : int
    what : str
        What errors call it.

    Raises
    ------
    DataSetError
        It does not.
    """
    shape = tuple(int(size) for size in shape)
    n_bytes = prod(shape) * item_bytes
    if n_bytes <= SMALL_BYTES:
        return
    free = psutil.virtual_memory().available
    if n_bytes > free:
        raise DataSetError(
            f"{what} has the shape {shape} and would take {in_words(n_bytes)} of memory, of which "
            f"{in_words(free)} are free. Save the part that is needed, or use a computer that has "
            "more."
        )


def room() -> int:
    """Return how many bytes of memory may be taken."""
    return max(SMALL_BYTES, psutil.virtual_memory().available)


def in_words(n_bytes: int) -> str:
    """Return a number of bytes in MiB or GiB.

    Examples
    --------
    >>> in_words(3 * 2**30)
    '3.0 GiB'
    """
    return f"{n_bytes / 2**30:.1f} GiB" if n_bytes >= 2**30 else f"{n_bytes / 2**20:.1f} MiB"
