"""NWB files: units and the table of presentations."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from signseg_rig.datasets.dataset import RecordedData
from signseg_rig.datasets.image_sets import ImageSet
from signseg_rig.datasets.names import as_names
from signseg_rig.datasets.nwb_images import NwbImages, opened, pictures
from signseg_rig.datasets.problems import Problem
from signseg_rig.datasets.segments import SpikeSegment, UnitSpikes, merged_intervals
from signseg_rig.datasets.tables import IS_VALID, Presentations
from signseg_rig.datasets.trials import (
    BASELINE_WINDOW_S,
    RESPONSE_WINDOW_S,
    Window,
    data_from_spikes,
)
from signseg_rig.errors import DataSetError

IMAGE_COLUMNS = ("image_id", "image", "image_name", "stimulus_id", "stimulus", "stimulus_name")
ONSET_COLUMN = "start_time"
VALID_COLUMN = "valid"
UNIT_NAME_COLUMN = "unit_name"


def read_nwb(
    path: Path,
    images: ImageSet | None = None,
    *,
    table: str | None = None,
    image_column: str | None = None,
    onset_column: str = ONSET_COLUMN,
    response_window_s: Window = RESPONSE_WINDOW_S,
    baseline_window_s: Window = BASELINE_WINDOW_S,
) -> RecordedData:
    """Read a data set from an NWB file.

    Parameters
    ----------
    path : Path
    images : ImageSet, optional
        By default the pictures in the `Images` containers of the file's stimuli.
    table : str, optional
        Name of the table of presentations, such as "trials"; by default the only one with a column
        that names the image.
    image_column : str, optional
        The column that names the image; by default the first of `IMAGE_COLUMNS` that there is.
    onset_column : str
        The column of onsets in seconds. Rows with a false `valid`, where there is such a column,
        are left out.
    response_window_s, baseline_window_s : (start, end), in seconds from the onset

    Returns
    -------
    data : RecordedData
        Units are called by their column `unit_name`, or else by their id.

    Raises
    ------
    DataSetError
        The file cannot be read, or lacks what is needed; the message lists what it has.

    Notes
    -----
    NWB names the axes of an image x and y, but its tutorials and most files store rows first, and
    so is it read here. Whether a window was recorded is known from the units' `obs_intervals`.
    """
    with opened(path) as file:
        segment, problems = _units(file, path)
        presentations = _presentations(file, path, table, image_column, onset_column)
        if images is None:
            names = tuple(name for name, _picture in pictures(file))
            if not names:
                raise DataSetError(
                    f"{path} holds no stimulus images (Images containers); name a folder or zip "
                    "archive of them."
                )
            images = NwbImages(names, names, path)
        session = _session(file, path)
    return data_from_spikes(
        [segment],
        presentations,
        images,
        response_window_s=response_window_s,
        baseline_window_s=baseline_window_s,
        session=session,
        problems=problems,
    )


def _units(file: Any, path: Path) -> tuple[SpikeSegment, list[Problem]]:
    units = file.units
    if units is None or "spike_times" not in units.colnames:
        raise DataSetError(f"{path} holds no units with spike times; they are needed.")
    is_observed = "obs_intervals" in units.colnames
    whole = np.array([[-np.inf, np.inf]])
    names = units[UNIT_NAME_COLUMN][:] if UNIT_NAME_COLUMN in units.colnames else units.id[:]
    segment = {}
    for row, name in enumerate(names):
        observed_s = np.asarray(units["obs_intervals"][row]) if is_observed else whole
        segment[str(name)] = UnitSpikes(
            np.sort(np.asarray(units["spike_times"][row], dtype=np.float64)),
            merged_intervals(observed_s.reshape(-1, 2)),
        )
    if len(segment) < len(names):
        raise DataSetError(
            f"{path} has {len(names)} units with {len(segment)} different names in the column "
            f"{UNIT_NAME_COLUMN!r}; each needs its own."
        )
    problems = [] if is_observed else [_unknown_extent(path)]
    return segment, problems


def _unknown_extent(path: Path) -> Problem:
    return Problem(
        f"The units of {path} have no obs_intervals: that all windows lie within what was "
        "recorded cannot be checked, and no spikes count as 0 Hz.",
        is_error=False,
    )


def _presentations(
    file: Any, path: Path, table: str | None, image_column: str | None, onset_column: str
) -> Presentations:
    name, column = _image_column(_tables(file), path, table, image_column)
    rows = _tables(file)[name]
    if onset_column not in rows.colnames:
        raise DataSetError(
            f"The table {name!r} of {path} has no column {onset_column!r}; it has "
            f"{', '.join(rows.colnames)}. Name the one with the onsets as 'onset_column' "
            "(--onset-column)."
        )
    onsets_s = np.asarray(rows[onset_column][:], dtype=np.float64)
    is_valid = np.ones(len(onsets_s), dtype=bool)
    if VALID_COLUMN in rows.colnames:
        is_valid[:] = [_is_true(value, name) for value in rows[VALID_COLUMN][:]]
    if n_unknown := int(np.isnan(onsets_s[is_valid]).sum()):
        raise DataSetError(
            f"{n_unknown} of {len(onsets_s)} rows of the table {name!r} of {path} have no "
            f"{onset_column!r}; mark them as false in a column {VALID_COLUMN!r}."
        )
    image_ids = as_names(rows[column][:])
    kept = np.flatnonzero(is_valid)
    return Presentations(onsets_s[kept], tuple(image_ids[index] for index in kept))


def _is_true(value: Any, table: str) -> bool:
    if not isinstance(value, str):
        return bool(value)
    if value.lower() not in IS_VALID:
        raise DataSetError(
            f"The column {VALID_COLUMN!r} of the table {table!r} holds {value!r}; expected are "
            f"truth values, or {', '.join(IS_VALID)}."
        )
    return IS_VALID[value.lower()]


def _tables(file: Any) -> dict[str, Any]:
    """Give every table of intervals: trials have a place of their own in older files."""
    tables = dict(file.intervals or {})
    if file.trials is not None:
        tables["trials"] = file.trials
    return tables


def _image_column(
    tables: dict[str, Any], path: Path, table: str | None, column: str | None
) -> tuple[str, str]:
    """Find the table and the column that name the image of every presentation."""
    wanted = IMAGE_COLUMNS if column is None else (column,)
    found = {
        name: next((known for known in wanted if known in rows.colnames), None)
        for name, rows in tables.items()
        if table in (None, name)
    }
    fitting = {name: known for name, known in found.items() if known is not None}
    if len(fitting) == 1:
        return next(iter(fitting.items()))
    columns = "; ".join(f"{name}: {', '.join(rows.colnames)}" for name, rows in tables.items())
    raise DataSetError(
        f"{path} has {len(fitting)} tables{'' if table is None else f' {table!r}'} with a column "
        f"that names the image ({' or '.join(wanted)}); one is needed. Its tables and their "
        f"columns are {columns or 'none'}. Name them as 'table' and 'image_column' (--table, "
        "--image-column)."
    )


def _session(file: Any, path: Path) -> dict[str, str]:
    subject = file.subject
    values = {
        "source": path,
        "identifier": file.identifier,
        "description": file.session_description,
        "date": file.session_start_time.isoformat(),
        "subject": None if subject is None else subject.subject_id,
        "species": None if subject is None else subject.species,
        "area": ", ".join(_areas(file)),
    }
    return {name: str(value) for name, value in values.items() if value}


def _areas(file: Any) -> Sequence[str]:
    locations = (group.location for group in file.electrode_groups.values())
    return sorted({location for location in locations if location})
