"""Responses that were computed elsewhere: arrays in Python and in files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from signseg_rig.datasets.dataset import RecordedData
from signseg_rig.datasets.image_sets import ImageSet
from signseg_rig.datasets.matlab import NAMELESS, Variable, mat_variables, read_mat
from signseg_rig.datasets.name_order import ambiguous_order
from signseg_rig.datasets.names import as_names
from signseg_rig.datasets.numpy_files import ONLY_ARRAY, NumpyArrays
from signseg_rig.datasets.problems import DataProblem, listed
from signseg_rig.datasets.tables import read_rate_table
from signseg_rig.errors import DataSetError
from signseg_rig.values import FloatArray

RATES, BASELINE = ONLY_ARRAY, "baseline_hz"
IMAGE_IDS, UNIT_IDS = IDS = ("image_ids", "unit_ids")


def from_arrays(
    rates_hz: npt.ArrayLike,
    images: ImageSet,
    *,
    image_ids: Sequence[str] | None = None,
    unit_ids: Sequence[str] | None = None,
    baseline_hz: npt.ArrayLike | None = None,
    count_window_s: float | None = None,
    session: Mapping[str, str] | None = None,
) -> RecordedData:
    """Make a data set of arrays.

    Parameters
    ----------
    rates_hz : (n_units, n_images) or (n_units, n_images, n_repeats) array
        In spikes per second, or spike counts if `count_window_s` is given; NaN or masked
        where there was no trial.
    images : ImageSet
        In the order of the responses unless `image_ids` says which is which. Files are sorted by
        name as text.
    image_ids : sequence of str, optional
        Of the responses; those of `images` by default, which is an error among the problems of the
        data if files are numbered without leading zeros. Images without responses are left out.
    unit_ids : sequence of str, optional
        Their positions by default.
    baseline_hz : array of the same shape, optional
        In spikes per second, also where the responses are counts: their windows differ.
    count_window_s : float, > 0, in seconds, optional
        Length of the window in which the spikes of the responses were counted.
    session : mapping of str to str, optional

    Returns
    -------
    data : RecordedData

    Raises
    ------
    DataSetError
        The arrays have another shape, or units and images change places.

    Examples
    --------
    >>> from signseg_rig.datasets import open_images
    >>> images = open_images({name: np.zeros((8, 8, 3), np.uint8) for name in "abc"})
    >>> from_arrays([[1.0, 2.0, 0.0], [5.0, 4.0, 7.0]], images).mean_rates_hz.shape
    (2, 3)
    """
    trials = _trials(rates_hz, count_window_s)
    problems = ambiguous_order(images) if image_ids is None else []
    n_expected = len(images) if image_ids is None else len(image_ids)
    _check_orientation(trials, n_expected)
    if image_ids is not None:
        image_ids = as_names(image_ids)
        found = [images.find(image_id) for image_id in image_ids]
        image_ids = [
            given if index is None else images.ids[index]
            for given, index in zip(image_ids, found, strict=True)
        ]
        images = images.matched(image_ids)
    return RecordedData(
        rates_hz=trials,
        image_ids=images.ids if image_ids is None else tuple(image_ids),
        unit_ids=tuple(as_names(range(len(trials)) if unit_ids is None else unit_ids)),
        images=images,
        baseline_hz=None if baseline_hz is None else _trials(baseline_hz),
        session=dict(session or {}),
        reader_problems=tuple(problems),
    )


def read_array_file(
    path: Path, images: ImageSet, *, key: str | None = None, count_window_s: float | None = None
) -> RecordedData:
    """Read responses from a .npy, .npz or .mat file.

    Parameters
    ----------
    path : Path
        Besides the responses a .npz or .mat file may hold `image_ids`, `unit_ids` and
        `baseline_hz`, which is in spikes per second whatever the responses are.
    images : ImageSet
        In the order of the responses unless the file holds `image_ids`; see `from_arrays`.
    key : str, optional
        Name of the responses in a .npz or .mat file; by default `rates_hz`, or the only array with
        two or three axes.
    count_window_s : float, > 0, in seconds, optional
        Length of the window in which spikes were counted, if the responses are counts.

    Returns
    -------
    data : RecordedData
        With a warning that names the arrays of the file that were not used.

    Raises
    ------
    DataSetError
        The file cannot be read, or it is not clear which of its arrays is meant.
    """
    shapes, read = _opened(path)
    name = _rates_name(path, shapes) if key is None else key
    if name not in shapes:
        raise DataSetError(f"{path} has no array {name!r}; it has {listed(shapes)}.")
    is_there = {other: other in shapes and other != name for other in (*IDS, BASELINE)}
    data = from_arrays(
        read(name),
        images,
        image_ids=_flat(read(IMAGE_IDS)) if is_there[IMAGE_IDS] else None,
        unit_ids=_flat(read(UNIT_IDS)) if is_there[UNIT_IDS] else None,
        baseline_hz=read(BASELINE) if is_there[BASELINE] else None,
        count_window_s=count_window_s,
        session={"source": str(path)},
    )
    objects = _nameless(path, shapes) if not is_there[IMAGE_IDS] else []
    unused = [other for other in shapes if other != name and not is_there.get(other)]
    return replace(
        data,
        reader_problems=(
            *data.reader_problems,
            *objects,
            *_unused(path, unused, is_there[IMAGE_IDS]),
        ),
    )


def read_rate_csv(path: Path, images: ImageSet) -> RecordedData:
    """Read responses from a table with one response a line; see `read_rate_table`.

    Parameters
    ----------
    path : Path
        A CSV file with the columns unit, image, repeat and rate_hz.
    images : ImageSet
        Those that the table does not name are left out.
    """
    table = read_rate_table(path)
    return from_arrays(
        table.rates_hz,
        images,
        image_ids=table.image_ids,
        unit_ids=table.unit_ids,
        session={"source": str(path)},
    )


def _trials(values: npt.ArrayLike, count_window_s: float | None = None) -> FloatArray:
    masked: Any = np.ma  # has no types
    try:
        given = masked.asarray(values)  # keeps the masks of a list of masked arrays, too
        is_complex = np.iscomplexobj(given)
        trials = np.array(given.data.real, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataSetError(f"Responses should be numbers: {error}.") from error
    if is_complex:
        raise DataSetError(
            "Responses should be real numbers; got complex ones. Take their real part or magnitude "
            "first."
        )
    trials[masked.getmaskarray(given)] = np.nan
    if trials.ndim == 2:
        trials = trials[:, :, np.newaxis]
    if trials.ndim != 3:
        raise DataSetError(
            "Responses should be (n_units, n_images) or (n_units, n_images, n_repeats); got the "
            f"shape {trials.shape}."
        )
    if count_window_s is None:
        return trials
    if not 0 < count_window_s < np.inf:
        raise DataSetError(f"count_window_s should be above 0 seconds; got {count_window_s}.")
    return trials / count_window_s


def _check_orientation(trials: FloatArray, n_images: int) -> None:
    n_rows, n_columns, n_repeats = trials.shape
    if n_columns != n_images and n_images in (n_rows, n_repeats):
        axis = 0 if n_rows == n_images else 2
        raise DataSetError(
            f"Responses should be (n_units, n_images, n_repeats); there are {n_images} images, and "
            f"the array of shape {trials.shape} has that many along axis {axis} instead of 1. "
            "Transpose it."
        )


def _opened(path: Path) -> tuple[dict[str, tuple[int, ...]], Callable[[str], Variable]]:
    """Return the shapes of a file's arrays by name, and a function that reads one."""
    if path.suffix.lower() not in (".npy", ".npz"):
        return mat_variables(path), partial(read_mat, path)
    arrays = NumpyArrays(path)
    return arrays.shapes, arrays.read


def _rates_name(path: Path, shapes: Mapping[str, tuple[int, ...]]) -> str:
    if RATES in shapes:
        return RATES
    others = [
        name
        for name, shape in shapes.items()
        if len(shape) in (2, 3) and shape[1] > 1 and name not in (*IDS, BASELINE)
    ]
    if len(others) == 1:
        return others[0]
    described = ", ".join(
        f"{name} {shape or '(no array of numbers)'}" for name, shape in shapes.items()
    )
    raise DataSetError(
        f"{path} holds {len(others)} arrays with two or three axes, and none of the name "
        f"{RATES!r}: {described or 'no arrays'}. Name the one with the responses as 'key'."
    )


def _unused(path: Path, names: Iterable[str], has_image_ids: bool) -> list[DataProblem]:
    """Warn of what may have been meant: ids of another name would leave responses unmatched."""
    names = sorted(name for name in names if not name.startswith("__"))  # what MATLAB adds
    if not names:
        return []
    order = (
        ""
        if has_image_ids
        else " Responses were taken to be in the order of the images; if one of these arrays names "
        f"the images, call it {IMAGE_IDS}."
    )
    return [
        DataProblem(
            f"{len(names)} arrays of {path} were not used: {listed(names)}. Besides the responses "
            f"only {IMAGE_IDS}, {UNIT_IDS} and {BASELINE} are.{order}",
            is_error=False,
        )
    ]


def _nameless(path: Path, names: Iterable[str]) -> list[DataProblem]:
    """Warn of objects of MATLAB, whose names no other program reads: they may be the image ids."""
    if path.suffix.lower() != ".mat" or not NAMELESS & set(names):
        return []
    return [
        DataProblem(
            f"{path} holds objects of MATLAB, such as arrays of strings, which only MATLAB reads. "
            f"If one of them names the images, save it as a cell of text: {IMAGE_IDS} = "
            f"cellstr({IMAGE_IDS}).",
            is_error=False,
        )
    ]


def _flat(variable: Variable) -> list[str]:
    return variable if isinstance(variable, list) else variable.ravel().tolist()
