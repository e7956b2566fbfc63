"""What a MATLAB file of version 5 is made of, checked before SciPy reads it.

SciPy 1.17 looks up the type of numbers in a table without checking that it is there: a damaged file
ends the whole process (segmentation fault), and no exception tells why.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import Final

HEADER_BYTES: Final = 128
TAG_BYTES: Final = 8
MATRIX, COMPRESSED = 14, 15
# Integers, floating-point numbers and text, by the numbers that the format gives them.
PLAIN: Final = frozenset({1, 2, 3, 4, 5, 6, 7, 9, 12, 13, 16, 17, 18})
MAX_DEPTH: Final = 32


def check_elements(content: memoryview, *, max_bytes: int) -> None:
    """Check that all elements of a file are of types that there are, and lie within each other.

    Parameters
    ----------
    content : memoryview
        Of the file, as bytes.
    max_bytes : int
        That a compressed element may have.

    Raises
    ------
    ValueError
        It is damaged.
    """
    order = "<" if content[HEADER_BYTES - 2] == ord("I") else ">"
    for kind, data in _elements(content[HEADER_BYTES:], order):
        if kind == COMPRESSED:
            unpacked = zlib.decompressobj().decompress(data, max_bytes)
            if len(unpacked) == max_bytes:
                raise ValueError("a compressed element would take more memory than is free")
            for inner, of_inner in _elements(memoryview(unpacked), order):
                _check(inner, of_inner, order, depth=1)
        else:
            _check(kind, data, order, depth=1)


def _check(kind: int, data: memoryview, order: str, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise ValueError(f"its elements are nested more than {MAX_DEPTH} deep")
    if kind == MATRIX:
        for inner, of_inner in _elements(data, order):
            _check(inner, of_inner, order, depth + 1)
    elif kind not in PLAIN:
        raise ValueError(f"an element is of type {kind}, which there is not")


def _elements(data: memoryview, order: str) -> Iterator[tuple[int, memoryview]]:
    """Yield type and content of each element; compressed ones are not filled up to 8 bytes."""
    at = 0
    while at + TAG_BYTES <= len(data):
        kind, n_bytes = struct.unpack_from(f"{order}II", data, at)
        start = at + TAG_BYTES
        if kind >> 16:  # a small element has its size and its content within the tag
            kind, n_bytes, start = kind & 0xFFFF, kind >> 16, at + TAG_BYTES // 2
        if start + n_bytes > len(data):
            raise ValueError("it was cut off: an element is larger than what is there")
        yield kind, data[start : start + n_bytes]
        end = start + n_bytes
        at = end if kind == COMPRESSED else end + -end % 8
