"""Arrays as .npy files in memory; what one says of itself is checked before memory is taken."""

from __future__ import annotations

import io
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

# Signed, unsigned, floating: a record keeps nothing else.
KINDS = "iuf"
_HEADERS: dict[tuple[int, int], Callable[[io.BytesIO], Any]] = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


def packed(*arrays: Array) -> bytes:
    """Return .npy files, which tell type, shape and order themselves, one after the other."""
    buffer = io.BytesIO()
    for array in arrays:
        np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()


def unpacked(content: bytes, n_arrays: int) -> list[Array]:
    """Return the arrays of so many .npy files; they may be written to.

    Raises
    ------
    ValueError
        These are others, more, or less.
    """
    buffer = io.BytesIO(content)
    arrays = [_array(buffer, content) for _ in range(n_arrays)]
    if n_left := len(content) - buffer.tell():
        raise ValueError(f"{n_left} bytes follow the arrays")
    return arrays


def _array(buffer: io.BytesIO, content: bytes) -> Array:
    version: tuple[int, int] = np.lib.format.read_magic(buffer)  # type: ignore[no-untyped-call]
    shape, is_fortran, dtype = _HEADERS[version](buffer)
    n_values, start = math.prod(shape), buffer.tell()
    end = start + n_values * dtype.itemsize
    # np.load would make room first, for whatever the header says.
    if dtype.kind not in KINDS or min(shape, default=0) < 0 or end > len(content):
        raise ValueError(
            f"an array of {dtype} and shape {shape} in {len(content) - start} bytes is none"
        )
    buffer.seek(end)
    values = np.frombuffer(content, dtype, n_values, start)
    return values.reshape(shape, order="F" if is_fortran else "C").copy(order="K")
