"""The results of a sweep on disk: a file per task, written once, whole or not at all."""

from __future__ import annotations

import itertools
import json
import os
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Final

import numpy as np

from signseg_rig.errors import SweepError
from signseg_rig.files.whole import ABANDONED_AFTER_S, remove_drafts, whole_file
from signseg_rig.sweeps.array_files import ArrayFileError, Layout, read_arrays
from signseg_rig.sweeps.ownership import owned
from signseg_rig.values import FloatArray, ImageArray
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
    n_removed, realized_strength, removed_magnitude : () arrays
        Of the unit's weights: how many were removed, which share (see
        `signseg_rig.signs.AblatedWeights`), and the sum of their magnitudes.
    software : mapping of str to str
        Versions of what computed it, by package; empty where that is not known.
    """

    best_code: FloatArray
    best_image: ImageArray
    scores: FloatArray
    intact_score: FloatArray
    n_removed: FloatArray
    realized_strength: FloatArray
    removed_magnitude: FloatArray
    software: Mapping[str, str] = field(default_factory=dict)


SOFTWARE: Final = "software"
ARRAYS: Final = tuple(one.name for one in fields(Result) if one.name != SOFTWARE)
# What a result may hold, before anything of it is believed.
LAYOUTS: Final = {name: Layout("fiu", n_axes=0) for name in ARRAYS} | {
    "best_code": Layout("f", n_axes=1),
    "best_image": Layout("u", n_axes=3),
    "scores": Layout("f", n_axes=2),
}
SOFTWARE_LAYOUT: Final = Layout("U", n_axes=0)
FINITE: Final = ("scores", "best_code", "intact_score", "n_removed", "removed_magnitude")


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
        """Return the keys of all results that there are."""
        if not self._folder.is_dir():
            return set()
        return {
            entry.name.removesuffix(".npz")
            for entry in os.scandir(self._folder)
            if entry.name.endswith(".npz")
        }

    def has(self, key: str) -> bool:
        """Return whether there is a result."""
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

    def read(self, key: str, *, n_generations: int | None = None) -> Result:
        """Read a result.

        Parameters
        ----------
        key : str
        n_generations : int, optional
            How many its scores should be of, where that is known.

        Raises
        ------
        SweepError
            It is not there, is damaged, or is no result of an evolution.
        """
        arrays = self._arrays(key, {**LAYOUTS, SOFTWARE: SOFTWARE_LAYOUT})
        result = Result(**{name: arrays[name] for name in ARRAYS}, software=_software_of(arrays))
        if fault := _fault(result, n_generations):
            raise self._unusable(key, fault)
        return result

    def software(self, key: str) -> Mapping[str, str]:
        """Read only what computed a result; see `read`."""
        return _software_of(self._arrays(key, {SOFTWARE: SOFTWARE_LAYOUT}))

    def faults(self, keys: Iterable[str], n_generations: int) -> dict[str, str]:
        """Return of each result that cannot be used why, in a sentence.

        Besides what is wrong with one, results whose codes, images or generations are of other
        sizes than those of most are none of the same sweep.
        """
        faults: dict[str, str] = {}
        sizes: dict[str, tuple[object, ...]] = {}
        for key in keys:
            try:
                result = self.read(key, n_generations=n_generations)
            except SweepError as error:
                faults[key] = str(error)
            else:
                sizes[key] = _sizes(result)
        if sizes:
            most, _ = Counter(sizes.values()).most_common(1)[0]
            for key, own in sizes.items():
                if own != most:
                    why = f"Its {_in_words(own)}; of most results the {_in_words(most)}."
                    faults[key] = str(self._unusable(key, why))
        return faults

    def put_aside(self, key: str) -> None:
        """Rename a result that cannot be used, so that it is made anew; nothing is deleted."""
        with explained(self._path(key)):
            self._path(key).replace(self._folder / f"{key}.unusable")

    def _arrays(self, key: str, layouts: Mapping[str, Layout]) -> dict[str, Any]:
        try:
            return read_arrays(self._path(key), layouts, optional={SOFTWARE})
        except ArrayFileError as error:
            raise self._unusable(key, str(error)) from error

    def _unusable(self, key: str, why: str) -> SweepError:
        return SweepError(
            f"The result {self._path(key)} cannot be used. {why} Start the sweep again "
            "('signseg-rig visualize' with its settings): this one is put aside and made anew."
        )

    def _path(self, key: str) -> Path:
        return self._folder / f"{key}.npz"


def _software_of(arrays: Mapping[str, Any]) -> dict[str, str]:
    """Return the versions that a result names; none where it names none that can be read."""
    try:
        said = json.loads(str(arrays.get(SOFTWARE, "{}")))
    except (ValueError, RecursionError):
        return {}
    return {str(k): str(v) for k, v in said.items()} if isinstance(said, dict) else {}


def _fault(result: Result, n_generations: int | None) -> str | None:
    """Say what is wrong with the values of a result; None where nothing is."""
    n_scored, n_codes = result.scores.shape
    if n_generations not in (None, n_scored) or not n_codes:
        return (
            f"It has scores of {n_scored} generations of {n_codes} codes, and its sweep is of "
            f"{n_generations} generations."
        )
    for name in FINITE:
        if n_bad := np.count_nonzero(~np.isfinite(getattr(result, name))):
            return f"{n_bad} of its {name} are not finite."
    if not result.best_code.size or not result.best_image.size or result.best_image.shape[2] != 3:
        return (
            f"Its code is of shape {result.best_code.shape} and its image of shape "
            f"{result.best_image.shape}, which should be (height, width, 3)."
        )
    if result.n_removed < 0 or result.removed_magnitude < 0:
        return "It has fewer than no weights removed."
    return None


def _sizes(result: Result) -> tuple[object, ...]:
    return result.best_code.size, result.best_image.shape, result.scores.shape


def _in_words(sizes: tuple[object, ...]) -> str:
    code, image, scores = sizes
    return f"code is of {code} dimensions, image of shape {image}, scores of shape {scores}"
