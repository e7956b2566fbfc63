"""Data sets in which not every unit has a trial of every image, made complete."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal, get_args

import numpy as np

from signseg_rig.datasets.dataset import RecordedData
from signseg_rig.datasets.problems import Problem, listed
from signseg_rig.errors import DataSetError
from signseg_rig.types import BoolArray

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
        Problem(
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
