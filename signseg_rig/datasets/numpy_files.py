"""Arrays of NumPy's own files, none of which may bring code along or claim more than it holds."""

from __future__ import annotations

import tokenize
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from math import prod
from pathlib import Path
from typing import IO, Any, Final, NamedTuple

import numpy as np

from signseg_rig.datasets.matlab import Array
from signseg_rig.datasets.room import in_words, require_room
from signseg_rig.errors import DataSetError

ONLY_ARRAY = "rates_hz"
SUFFIX = ".npy"
FORMAT: Any = np.lib.format  # has no types
# What NumPy, files and archives raise where something is damaged, encrypted, or packed in an
# unknown way, each for another kind of damage.
READ_ERRORS: Final = (
    *(OSError, EOFError, ValueError, KeyError, TypeError, SyntaxError, MemoryError),
    *(zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, tokenize.TokenError),
)


class Header(NamedTuple):
    """What the beginning of an array says of the rest."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]


class NumpyArrays:
    """The arrays of a .npy or .npz file by name.

    Parameters
    ----------
    path : Path
        What a .npy file holds is called `ONLY_ARRAY`.

    Raises
    ------
    DataSetError
        It is no such file, or the beginning of an array claims more than the file holds.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._members: dict[str, str | None] = {ONLY_ARRAY: None}
        with self._explained():
            if zipfile.is_zipfile(path):
                with zipfile.ZipFile(path) as archive:
                    names = [name for name in archive.namelist() if name.endswith(SUFFIX)]
                self._members = {name.removesuffix(SUFFIX): name for name in names}
            self._headers = {name: self._header(name) for name in self._members}

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shapes by name; () for what cannot be read."""
        return {
            name: () if header.dtype.hasobject else header.shape
            for name, header in self._headers.items()
        }

    def read(self, name: str) -> Array:
        """Return one array.

        Raises
        ------
        DataSetError
            It holds objects: reading them would run whatever code the file brings along. Or it does
            not fit in memory.
        """
        header = self._headers[name]
        if header.dtype.hasobject:
            raise DataSetError(
                f"The array {name!r} of {self._path} cannot be read: it holds Python objects. Save "
                "ids as text, np.array(ids, dtype=str), and rates as numbers, np.array(rates, "
                "dtype=float): Python objects, as which pandas gives text, may bring code along."
            )
        require_room(header.shape, header.dtype.itemsize, f"The array {name!r} of {self._path}")
        with self._explained(), self._opened(name) as (file, _n_bytes):
            array: Array = FORMAT.read_array(file, allow_pickle=False)
            return array

    def _header(self, name: str) -> Header:
        with self._opened(name) as (file, n_bytes):
            header = _read_header(file)
            n_claimed = prod(header.shape) * header.dtype.itemsize
            n_there = n_bytes - file.tell()
        if not header.dtype.hasobject and n_claimed > n_there:
            raise DataSetError(
                f"The array {name!r} of {self._path} should hold {in_words(n_claimed)}, as its "
                f"shape {header.shape} of {header.dtype} says, and there are {in_words(n_there)}. "
                "The file was cut off or is damaged; save it anew."
            )
        return header

    @contextmanager
    def _opened(self, name: str) -> Iterator[tuple[IO[bytes], int]]:
        """Open one array, and give how many bytes there are of it."""
        member = self._members[name]
        if member is None:
            with self._path.open("rb") as file:
                yield file, self._path.stat().st_size
            return
        with zipfile.ZipFile(self._path) as archive, archive.open(member) as packed:
            yield packed, archive.getinfo(member).file_size

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except DataSetError:  # which is a ValueError
            raise
        except READ_ERRORS as error:
            raise DataSetError(
                f"{self._path} cannot be read: {error}. Save it anew, with numpy.save or savez."
            ) from error


def _read_header(file: IO[bytes]) -> Header:
    """Read the header by the functions that NumPy has for each version of its format."""
    version = FORMAT.read_magic(file)
    if version == (1, 0):
        shape, _order, dtype = FORMAT.read_array_header_1_0(file)
    else:
        shape, _order, dtype = FORMAT.read_array_header_2_0(file)
    return Header(shape, dtype)
