"""Arrays of files that anybody may have written: sizes are checked before memory is taken."""

from __future__ import annotations

import io
import math
import os
import struct
import zipfile
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np

from signseg_rig.datasets.numpy_files import READ_ERRORS
from signseg_rig.files.guarded import open_to_read

# The largest result that a sweep can have: 100,000 generations of 300 codes, and its image.
MAX_BYTES: Final = 2**28
MAX_HEADER_BYTES: Final = 4096
MAX_MEMBERS: Final = 64
# The end of a zip archive without comment, and what stands before it in a large one.
END: Final = struct.Struct("<4s4H2LH")
LOCATOR_BYTES: Final = 20


class ArrayFileError(ValueError):
    """A file does not hold the arrays that it should."""


@dataclass(frozen=True, slots=True)
class Layout:
    """What an array may be.

    Parameters
    ----------
    kinds : str
        Letters of the kinds of its type, see `numpy.dtype.kind`.
    n_axes : int
    """

    kinds: str
    n_axes: int


def read_arrays(
    path: Path, layouts: Mapping[str, Layout], *, optional: Collection[str] = ()
) -> dict[str, Any]:
    """Read arrays of a file as `numpy.savez` writes them.

    Nothing is unpickled or unpacked, so that an array takes no more memory than its file does on
    the disk, which is at most `MAX_BYTES`.

    Parameters
    ----------
    path : Path
    layouts : mapping of str to Layout
        Of the arrays that are read, by name; others are left alone.
    optional : collection of str
        Names that may be missing.

    Raises
    ------
    ArrayFileError
        It is no regular file, is damaged, or an array is missing or of another layout.
    """
    try:
        with _opened(path) as file:
            _check_directory(file)
            with zipfile.ZipFile(file) as members:
                known = set(members.namelist())
                wanted = {
                    name: layout
                    for name, layout in layouts.items()
                    if name not in optional or f"{name}.npy" in known
                }
                _check_sizes([members.getinfo(f"{name}.npy") for name in wanted], file)
                return {
                    name: _read(members, f"{name}.npy", layout) for name, layout in wanted.items()
                }
    except ArrayFileError:
        raise
    except READ_ERRORS as error:
        raise ArrayFileError(f"It cannot be read ({type(error).__name__}: {error}).") from error


def _opened(path: Path) -> BinaryIO:
    file = open_to_read(path)
    n_bytes = os.fstat(file.fileno()).st_size
    if n_bytes <= MAX_BYTES:
        return file
    file.close()
    raise ArrayFileError(f"It has {n_bytes} bytes, more than any result ({MAX_BYTES}).")


def _check_directory(file: BinaryIO) -> None:
    """Refuse a table of contents that would take memory: zipfile reads all of it."""
    file.seek(-END.size - LOCATOR_BYTES, os.SEEK_END)
    before = file.read(LOCATOR_BYTES)
    signature, *_, n_members, _size, _offset, n_comment = END.unpack(file.read(END.size))
    if signature != b"PK\5\6" or n_comment or before.startswith(b"PK\6\7"):
        raise ArrayFileError("It is no archive of arrays, or its end is missing.")
    if n_members > MAX_MEMBERS:
        raise ArrayFileError(f"It has {n_members} members, more than any result.")


def _check_sizes(entries: Sequence[zipfile.ZipInfo], file: BinaryIO) -> None:
    """Refuse members that are packed, or that together claim more than the file has."""
    if any(one.compress_type != zipfile.ZIP_STORED for one in entries):
        raise ArrayFileError("Its arrays are packed, as no result is written.")
    n_bytes = sum(one.file_size for one in entries)
    if n_bytes > (size := os.fstat(file.fileno()).st_size):
        raise ArrayFileError(f"It claims {n_bytes} bytes of arrays, and has {size} altogether.")


def _read(members: zipfile.ZipFile, name: str, layout: Layout) -> Any:
    content = io.BytesIO(members.read(name))
    npy: Any = np.lib.format
    major, _ = npy.read_magic(content)
    header = {1: npy.read_array_header_1_0, 2: npy.read_array_header_2_0}[major]
    shape, is_fortran, dtype = header(content, max_header_size=MAX_HEADER_BYTES)
    n_bytes = len(content.getbuffer()) - content.tell()
    if dtype.kind not in layout.kinds or len(shape) != layout.n_axes:
        raise ArrayFileError(
            f"{name} is an array of {dtype} of shape {shape}, and should have {layout.n_axes} axes "
            f"and be of a kind of {layout.kinds!r}."
        )
    if math.prod(shape) * dtype.itemsize != n_bytes:
        raise ArrayFileError(f"{name} is of shape {shape}, and has {n_bytes} bytes of {dtype}.")
    flat = np.frombuffer(content.getbuffer(), dtype, offset=content.tell())
    return flat.reshape(shape, order="F" if is_fortran else "C").copy()
