"""Data sets without what should not count: incomplete units or images, and blank presentations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal, get_args

import numpy as np

from signseg_rig.datasets.dataset import RecordedData
from signseg_rig.datasets.problems import DataProblem, listed
from signseg_rig.errors import DataSetError
from signseg_rig.values import BoolArray

Incomplete = Literal["units", "images"]


def drop_incomplete(data: RecordedData, what: Incomplete) -> RecordedData:
    """Leave out units or images, so that each unit has a trial of each image.

    Parameters
    ----------
    data : RecordedData
    what : {"units", "images"}
        Leave out the units that lack an image, or the images that a unit lacks. Images and units
        without any trial are left out in either case.

    Returns
    -------
    data : RecordedData
        With a warning that says what was left out, if something was.

    Raises
    ------
    DataSetError
        Nothing would be left.
    """
    if what not in get_args(Incomplete):
        raise DataSetError(
            f"What is left out should be {' or '.join(get_args(Incomplete))}; got {what!r}."
        )
    is_trial: BoolArray = np.asarray(~np.isnan(data.rates_hz).all(axis=2))
    units: BoolArray = np.asarray(is_trial.any(axis=1))
    images: BoolArray = np.asarray(is_trial.any(axis=0))
    if what == "units":
        units &= is_trial[:, images].all(axis=1)
    else:
        images &= is_trial[units].all(axis=0)
    if not (units.any() and images.any()):
        raise DataSetError(
            f"Without its incomplete {what} nothing is left of the data set of {data.n_units} "
            f"units and {data.n_images} images. Leave out incomplete "
            f"{'images' if what == 'units' else 'units'} instead, or choose some of the units."
        )
    kept = data.select(units=units, images=images)
    warnings = tuple(
        DataProblem(
            f"{len(left)} of {len(ids)} {name} are left out, for pairs of unit and image have no "
            f"trial: {listed(left)}.",
            is_error=False,
        )
        for name, ids, is_kept in (
            ("units", data.unit_ids, units),
            ("images", data.image_ids, images),
        )
        if (left := [ids[index] for index in np.flatnonzero(~is_kept)])
    )
    return replace(kept, reader_problems=(*data.reader_problems, *warnings))


def without_images(data: RecordedData, names: Sequence[str]) -> RecordedData:
    """Leave out the presentations of images that are none, such as "omitted" or "blank".

    Parameters
    ----------
    data : RecordedData
    names : sequence of str
        As the recording calls them.

    Returns
    -------
    data : RecordedData
        With a warning that says how many presentations were left out.

    Raises
    ------
    DataSetError
        There is no such image, or no other.
    """
    if not names:
        return data
    if unknown := [name for name in names if name not in data.image_ids]:
        raise DataSetError(
            f"No presentation is of {listed(unknown)}, which should be left out; there are those "
            f"of {listed(data.image_ids)}."
        )
    is_kept = np.array([image_id not in names for image_id in data.image_ids])
    if not is_kept.any():
        raise DataSetError(f"Without {listed(names)} no image is left.")
    n_left = int(np.isfinite(data.rates_hz[:, ~is_kept]).any(axis=0).sum())
    kept = data.select(images=is_kept)
    is_trial = np.asarray(np.isfinite(kept.rates_hz).any(axis=(0, 1)))
    n_repeats = int(np.flatnonzero(is_trial).max(initial=-1)) + 1
    baseline_hz = kept.baseline_hz
    warning = DataProblem(
        f"{n_left} presentations of {listed(names)} are left out, as was asked.", is_error=False
    )
    return replace(
        kept,
        rates_hz=kept.rates_hz[:, :, :n_repeats],
        baseline_hz=None if baseline_hz is None else baseline_hz[:, :, :n_repeats],
        reader_problems=(*data.reader_problems, warning),
    )
