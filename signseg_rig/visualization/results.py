"""The results of a sweep on disk: a file per task, written once, whole or not at all."""

from __future__ import annotations

import itertools
import json
import os
import warnings
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Final

import numpy as np

from signseg_rig.errors import SweepError
from signseg_rig.types import FloatArray, ImageArray
from signseg_rig.visualization.ownership import owned
from signseg_rig.whole_files import ABANDONED_AFTER_S, remove_drafts, whole_file
from signseg_rig.wording import explained_writing


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """What one evolution of a sweep came to.

    Parameters
    ----------
    best_code : (n_dims,) float array
    best_image : (height, width, 3) uint8 array
    scores : (n_generations, n_codes) float array
        Of the unit as it was ablated.
    intact_score : () float array
        What the intact unit gives for the best image.
    n_removed, realized_strength : () arrays
        Of the unit's weights, see `signseg_rig.signs.AblatedWeights`.
    software : mapping of str to str
        Versions of what computed it, by package; empty where that is not known.
    """

    best_code: FloatArray
    best_image: ImageArray
    scores: FloatArray
    intact_score: FloatArray
    n_removed: FloatArray
    realized_strength: FloatArray
    software: Mapping[str, str] = field(default_factory=dict)


SOFTWARE: Final = "software"
ARRAYS: Final = tuple(one.name for one in fields(Result) if one.name != SOFTWARE)


def explained(path: Path) -> AbstractContextManager[None]:
    """Turn what the disk says while `path` is written into a `SweepError`."""
    remedy = (
        "Make room there, or name another place as out_dir, and start the sweep again: what is "
        "finished is kept."
    )
    return explained_writing(path, SweepError, remedy)


def put_aside(folder: Path, *, on_warning: Callable[[str], object] = warnings.warn) -> Path | None:
    """Rename the folder of a sweep, so that the sweep can begin anew; nothing is deleted.

    Parameters
    ----------
    folder : Path
    on_warning : callable
        Told in a sentence where nobody knows whether a sweep works there; see `owned`.

    Returns
    -------
    kept : Path or None
        The new name, with the first free number behind it; None where there was no such folder.

    Raises
    ------
    SweepError
        It cannot be renamed, or a sweep works there.
    """
    if not folder.exists():
        return None
    numbered = (folder.with_name(f"{folder.name}-old{n}") for n in itertools.count(1))
    with owned(folder, on_warning):
        kept = next(path for path in numbered if not path.exists())
        try:
            return folder.rename(kept)
        except OSError as error:
            raise SweepError(
                f"{folder} cannot be renamed to {kept.name}: {error}. End what uses it, or give "
                "the sweep another name."
            ) from error


class ResultFolder:
    """The results of a sweep by the keys of their tasks.

    Parameters
    ----------
    folder : Path
        Of the sweep; several processes and machines may write to it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "results"

    def finished(self) -> set[str]:
        """Give the keys of all results that there are."""
        if not self._folder.is_dir():
            return set()
        return {
            entry.name.removesuffix(".npz")
            for entry in os.scandir(self._folder)
            if entry.name.endswith(".npz")
        }

    def has(self, key: str) -> bool:
        """Tell whether there is a result."""
        return self._path(key).exists()

    def clear(self) -> None:
        """Remove the drafts of workers that were killed while they wrote."""
        remove_drafts(self._folder, min_age_s=ABANDONED_AFTER_S)

    def write(self, key: str, result: Result) -> None:
        """Write a result; it is on the disk when this returns.

        Two workers that did the same task write the same bytes, so that either may be last.

        Raises
        ------
        SweepError
            The folder cannot be written, or the disk is full.
        """
        arrays = {name: getattr(result, name) for name in ARRAYS}
        arrays[SOFTWARE] = np.array(json.dumps(result.software))
        with explained(self._path(key)):
            self._folder.mkdir(parents=True, exist_ok=True)
            with whole_file(self._path(key)) as file:
                np.savez(file, **arrays)

    def read(self, key: str) -> Result:
        """Read a result.

        Raises
        ------
        SweepError
            It is not there, or damaged.
        """
        with self._opened(key) as arrays:
            return Result(**{name: arrays[name] for name in ARRAYS}, software=_software_of(arrays))

    def software(self, key: str) -> Mapping[str, str]:
        """Read only what computed a result; see `read`."""
        with self._opened(key) as arrays:
            return _software_of(arrays)

    @contextmanager
    def _opened(self, key: str) -> Iterator[Mapping[str, Any]]:
        try:
            # Opened here: of a damaged file np.load would leave its own open.
            with self._path(key).open("rb") as file:
                yield np.load(file, allow_pickle=False)
        except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile) as error:
            raise SweepError(
                f"The result {self._path(key)} cannot be read ({error}). Remove it, and start the "
                "sweep again: it will be made anew."
            ) from error

    def _path(self, key: str) -> Path:
        return self._folder / f"{key}.npz"


def _software_of(arrays: Mapping[str, Any]) -> dict[str, str]:
    software: dict[str, str] = json.loads(str(arrays[SOFTWARE])) if SOFTWARE in arrays else {}
    return software
