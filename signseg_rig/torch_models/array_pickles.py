"""Pickles of nothing but NumPy arrays, read without running anything that a pickle can name."""

from __future__ import annotations

import io
import math
import pickle
import pickletools
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from signseg_rig.errors import WeightsError
from signseg_rig.values import FloatArray

MAX_BYTES = 256 * 2**20
MAX_INSTRUCTIONS = 20_000
"""A thousand arrays need as many; what nests deeper than that could exhaust the stack."""

# What is needed to write down arrays in lists by name, and nothing that copies or counts up.
INSTRUCTIONS = frozenset(
    {
        *("PROTO", "FRAME", "STOP", "MARK", "GLOBAL", "STACK_GLOBAL", "REDUCE", "BUILD"),
        *("EMPTY_DICT", "SETITEM", "SETITEMS", "EMPTY_LIST", "APPEND", "APPENDS"),
        *("EMPTY_TUPLE", "TUPLE", "TUPLE1", "TUPLE2", "TUPLE3"),
        *("BININT", "BININT1", "BININT2", "NONE", "NEWTRUE", "NEWFALSE"),
        *("BINUNICODE", "SHORT_BINUNICODE", "BINBYTES", "SHORT_BINBYTES"),
        *("BINPUT", "LONG_BINPUT", "BINGET", "LONG_BINGET", "MEMOIZE"),
    }
)
KEEPING = ("BINPUT", "LONG_BINPUT")


def read_array_lists(path: Path) -> dict[str, list[FloatArray]]:
    """Read a pickle that holds lists of arrays by name, as some packages carry their weights.

    Parameters
    ----------
    path : Path

    Returns
    -------
    arrays : dict of str to list of float array

    Raises
    ------
    WeightsError
        It is larger than `MAX_BYTES`, is damaged, or holds anything else: objects other than
        arrays, arrays of anything but finite floats, or instructions that arrays do not need.

    Notes
    -----
    An unpickler calls what a file names. Here the three names that arrays need stand for
    `_PickledArray` and `_PickledType`, which take values and compute nothing; every other name ends
    the reading. Instructions are looked at before any is obeyed, for some of them take memory that
    is no part of the file.
    """
    content = _content(path)
    try:
        _check_instructions(content)
        read = _ArrayUnpickler(io.BytesIO(content)).load()
        return {_text(name): [_array(item) for item in items] for name, items in read.items()}
    # A damaged pickle raises whatever the values that it mixes up raise.
    except Exception as error:
        raise WeightsError(
            f"{path} cannot be read as a pickle of arrays by name: "
            f"{str(error) or type(error).__name__}. Fetch or copy it again; if it is intact it is "
            "the weight file of another model."
        ) from error


class _PickledType:
    """A NumPy type as a pickle spells it: its code, then the order of bytes."""

    def __init__(self, code: str, _align: object, _copy: object) -> None:
        self._dtype = np.dtype(_text(code))
        if self._dtype.kind != "f":
            raise ValueError(f"it holds values of type {code!r}, where floats are expected")

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        order: Any = _text(state[1])
        self._dtype = self._dtype.newbyteorder(order)

    @property
    def dtype(self) -> np.dtype[Any]:
        return self._dtype


class _PickledArray:
    """An array as a pickle spells it: empty first, then with shape, type and bytes."""

    values: FloatArray

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _version, shape, kind, is_fortran, content = state
        if not isinstance(kind, _PickledType) or not isinstance(content, bytes):
            raise TypeError("an array has no type, or no bytes")
        if any(type(n) is not int or n < 0 for n in shape):
            raise ValueError(f"an array has the shape {shape}")
        if len(content) != math.prod(shape) * kind.dtype.itemsize:
            raise ValueError(f"an array of shape {shape} has {len(content)} bytes")
        flat = np.frombuffer(content, kind.dtype)
        values = flat.reshape(tuple(shape), order="F" if is_fortran else "C")
        if not np.isfinite(values).all():
            raise ValueError("an array has values that are not finite")
        self.values = np.array(values, dtype=np.float32, order="C")


def _new_array(*_: object) -> _PickledArray:
    return _PickledArray()


def _not_to_be_called(*_: object) -> NoReturn:
    raise ValueError("it makes arrays otherwise than a pickle of arrays does")


class _ArrayUnpickler(pickle.Unpickler):
    def find_class(self, module_name: str, global_name: str, /) -> Any:
        name = f"{module_name.replace('._core.', '.core.')}.{global_name}"
        known = {
            "numpy.core.multiarray._reconstruct": _new_array,
            "numpy.ndarray": _not_to_be_called,
            "numpy.dtype": _PickledType,
        }
        if name not in known:
            raise ValueError(f"it names {name}, which no array needs")
        return known[name]


def _content(path: Path) -> bytes:
    n_bytes = path.stat().st_size
    if n_bytes > MAX_BYTES:
        raise WeightsError(
            f"{path} is too large for a pickle of arrays: it has {n_bytes} bytes, at most "
            f"{MAX_BYTES} are read. It is the weight file of another model."
        )
    return path.read_bytes()


def _check_instructions(content: bytes) -> None:
    for number, (instruction, argument, _) in enumerate(pickletools.genops(content)):
        if instruction.name not in INSTRUCTIONS:
            raise ValueError(f"it holds the instruction {instruction.name}, which no array needs")
        if number > MAX_INSTRUCTIONS:
            raise ValueError(f"it holds more than {MAX_INSTRUCTIONS} instructions")
        if instruction.name in KEEPING and (argument or 0) > MAX_INSTRUCTIONS:
            raise ValueError(f"it keeps a value in place {argument}")


def _array(item: object) -> FloatArray:
    if not isinstance(item, _PickledArray) or not hasattr(item, "values"):
        raise TypeError(f"it holds a {type(item).__name__}, where arrays are expected")
    return item.values


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"it holds a {type(value).__name__}, where a name is expected")
    return value
