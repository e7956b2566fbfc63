"""Variables of MATLAB files: of version 5 through scipy, of version 7.3 through h5py."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from signseg_rig.datasets.extras import missing_package
from signseg_rig.datasets.hdf5_files import is_hdf5, require_self_contained
from signseg_rig.datasets.matlab_elements import check_elements
from signseg_rig.datasets.problems import listed
from signseg_rig.datasets.room import require_room, room
from signseg_rig.errors import DataSetError

NUMERIC_CLASSES = {"double", "single", "logical"} | {
    f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)
}

# What scipy calls an object of MATLAB in version 5, such as an array of strings.
NAMELESS = {"None"}
# Of numbers in memory, whatever a file packs them in.
ITEM_BYTES = 8

Array = npt.NDArray[Any]
Variable = Array | list[str]


def mat_variables(path: Path) -> dict[str, tuple[int, ...]]:
    """List the variables of a file with their shapes in MATLAB; () for what holds no numbers.

    Parameters
    ----------
    path : Path

    Raises
    ------
    DataSetError
        It is no MATLAB file.
    """
    if _is_hdf5(path):
        with _open_hdf5(path) as file:
            return {
                name: item.shape[::-1] if _is_numeric(item) else ()
                for name, item in file.items()
                if not name.startswith("#")
            }
    from scipy import io

    try:
        return {
            name: tuple(shape) if kind in NUMERIC_CLASSES else ()
            for name, shape, kind in io.whosmat(path)
        }
    except Exception as error:  # scipy raises whatever a damaged file leads it to
        raise _unreadable(path, error) from error


def read_mat(path: Path, name: str) -> Variable:
    """Read one variable.

    Parameters
    ----------
    path : Path
    name : str

    Returns
    -------
    variable : array with the axes that MATLAB shows, or list of str
        Text, and cells of text in the order of MATLAB's linear index, come as a list; so do the
        strings of other programs that write HDF5.

    Raises
    ------
    DataSetError
        There is no such variable, or it is neither numbers nor text.
    """
    known = mat_variables(path)
    if name not in known:
        objects = (
            f" What MATLAB calls objects, such as strings, has no name in the file: save {name} as "
            f"a cell of text, {name} = cellstr({name})."
        )
        raise DataSetError(
            f"{path} has no variable {name!r}; it has {listed(known)}."
            + objects * bool(known.keys() & NAMELESS)
        )
    try:
        return _read_hdf5(path, name) if _is_hdf5(path) else _read_version_5(path, name)
    except DataSetError:
        raise
    except Exception as error:
        raise DataSetError(
            f"The variable {name!r} of {path} cannot be read: {error}. Numbers, text, and cells of "
            f"text can; of strings of MATLAB save a cell of text, {name} = cellstr({name})."
        ) from error


def _is_hdf5(path: Path) -> bool:
    try:
        return is_hdf5(path)
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: Exception) -> DataSetError:
    return DataSetError(f"{path} cannot be read as a MATLAB file: {error}. Save it anew.")


def _open_hdf5(path: Path) -> Any:
    try:
        import h5py
    except ImportError as error:
        raise missing_package("h5py", f"the MATLAB file {path} of version 7.3") from error
    try:
        file = h5py.File(path, "r")
    except OSError as error:
        raise _unreadable(path, error) from error
    try:
        require_self_contained(file, path)
    except BaseException:
        file.close()
        raise
    return file


def _read_version_5(path: Path, name: str) -> Variable:
    from scipy import io

    (shape,) = (shape for known, shape, _kind in io.whosmat(path) if known == name)
    require_room(shape, ITEM_BYTES, f"The variable {name!r} of {path}")
    if io.matlab.matfile_version(path)[0] == 1:
        check_elements(np.memmap(path, np.uint8, "r").data, max_bytes=room())
    value = io.loadmat(path, variable_names=[name])[name]
    if value.dtype.kind == "U":
        return [str(text).rstrip() for text in value.ravel()]
    if value.dtype.kind == "O":
        return [_text_of_cell(cell) for cell in value.ravel(order="F")]
    return _numbers(value)


def _text_of_cell(cell: Any) -> str:
    text = np.asarray(cell)
    if text.dtype.kind != "U" or text.size > 1:
        raise TypeError("a cell holds something other than text")
    return str(text.item()) if text.size else ""


def _read_hdf5(path: Path, name: str) -> Variable:
    import h5py

    with _open_hdf5(path) as file:
        item = file[name]
        require_room(getattr(item, "shape", ()), ITEM_BYTES, f"The variable {name!r} of {path}")
        kind = item.attrs.get("MATLAB_class", b"").decode()
        if kind == "char":
            return _rows_of_characters(item)
        # HDF5 lists the last axis first; so does the linear index of MATLAB.
        if h5py.check_string_dtype(item.dtype) is not None:  # of other programs
            return [str(text) for text in np.ravel(item.asstr("utf-8")[()])]
        if h5py.check_ref_dtype(item.dtype) is not None:
            return [_characters(file[reference]) for reference in item[()].ravel()]
        # Objects of MATLAB, such as its string arrays, are numbers that mean nothing by themselves.
        if not _is_numeric(item):
            raise TypeError(f"it holds {kind or item.dtype}")
        return _numbers(item[()].T)


def _rows_of_characters(item: Any) -> list[str]:
    """Return the rows of a char matrix, which MATLAB fills up with blanks; of one row as it is."""
    if item.attrs.get("MATLAB_empty", 0) or item.ndim != 2 or 1 in item.shape[1:]:
        return [_characters(item)]
    return [_text(row).rstrip() for row in item[()].T]


def _is_numeric(item: Any) -> bool:
    """Return numbers from groups, cells and text; other programs than MATLAB note no class."""
    is_text = item.attrs.get("MATLAB_class", b"double").decode() not in NUMERIC_CLASSES
    return hasattr(item, "dtype") and item.dtype.kind in "biuf" and not is_text


def _characters(item: Any) -> str:
    if item.attrs.get("MATLAB_empty", 0):
        return ""
    return _text(item[()])


def _text(codes: Array) -> str:
    if codes.dtype != np.uint16:
        raise TypeError("a cell holds something other than text")
    return bytes(codes.astype("<u2").tobytes()).decode("utf-16-le")


def _numbers(value: Array) -> Array:
    if value.dtype.kind not in "biuf":
        raise TypeError(f"it holds {value.dtype}")
    return value
