"""Arrays of NumPy's own files, none of which may bring code along."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np

from signseg_rig.datasets.matlab import Array
from signseg_rig.errors import DataSetError

ONLY_ARRAY = "rates_hz"


class NumpyArrays:
    """The arrays of a .npy or .npz file by name.

    Parameters
    ----------
    path : Path
        What a .npy file holds is called `ONLY_ARRAY`.

    Raises
    ------
    DataSetError
        It is no such file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._arrays: dict[str, Array | ValueError] = {}
        try:
            loaded = np.load(path, allow_pickle=False)
            if isinstance(loaded, np.ndarray):
                self._arrays[ONLY_ARRAY] = loaded
                return
            with loaded:
                for name in loaded:
                    try:
                        self._arrays[name] = loaded[name]
                    except ValueError as error:
                        self._arrays[name] = error
        except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
            raise DataSetError(f"{path} cannot be read: {error}") from error

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shapes by name; () for what cannot be read."""
        return {
            name: () if isinstance(array, ValueError) else array.shape
            for name, array in self._arrays.items()
        }

    def read(self, name: str) -> Array:
        """Give one array.

        Raises
        ------
        DataSetError
            It holds objects: reading them would run whatever code the file brings along.
        """
        array = self._arrays[name]
        if isinstance(array, ValueError):
            raise DataSetError(
                f"The array {name!r} of {self._path} cannot be read: {array}. Save ids as text, "
                "np.array(ids, dtype=str), and rates as numbers, np.array(rates, dtype=float): "
                "Python objects, as which pandas gives text, may bring code along."
            ) from array
        return array
