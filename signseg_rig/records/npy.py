"""Arrays as .npy files in memory; what one says of itself is checked before memory is taken."""

from __future__ import annotations

import io
import math
import re
import struct
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

MAGIC = b"\x93NUMPY\x01\x00"
# What numpy.save writes for arrays of integers and floats: a record keeps nothing else, and nothing
# else is tried, as NumPy's own reader would, which evaluates the header as Python.
_HEADER = re.compile(
    rb"\{'descr': '([<>|][iuf]\d{1,2})', 'fortran_order': (True|False), "
    rb"'shape': \(([\d, ]*)\), \} *\n"
)
_LENGTH = struct.Struct("<H")


def packed(*arrays: Array) -> bytes:
    """Return .npy files, which tell type, shape and order themselves, one after the other.

    Raises
    ------
    TypeError
        An array holds other things than integers and floats.
    """
    buffer = io.BytesIO()
    for array in arrays:
        if array.dtype.kind not in "iuf":
            raise TypeError(f"A run record keeps integers and floats; got {array.dtype}.")
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
    if buffer.read(len(MAGIC)) != MAGIC:
        raise ValueError("an array does not begin as one")
    (n_bytes,) = _LENGTH.unpack(buffer.read(_LENGTH.size))
    header = _HEADER.fullmatch(buffer.read(n_bytes))
    if header is None:
        raise ValueError("an array has a header that numpy.save does not write")
    start, dtype = buffer.tell(), np.dtype(header[1].decode())
    shape = tuple(int(length) for length in header[3].split(b",") if length.strip())
    n_values = math.prod(shape)
    end = start + n_values * dtype.itemsize
    # np.load would make room first, for whatever the header says.
    if end > len(content):
        raise ValueError(f"an array of shape {shape} needs more than {len(content) - start} bytes")
    buffer.seek(end)
    values = np.frombuffer(content, dtype, n_values, start)
    order: Literal["F", "C"] = "F" if header[2] == b"True" else "C"
    return values.reshape(shape, order=order).copy(order="K")
