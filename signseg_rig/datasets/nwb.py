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
from signseg_rig.datasets.nwb_presentations import ONSET_COLUMN, find_presentations
from signseg_rig.datasets.problems import DataProblem
from signseg_rig.datasets.segments import (
    SpikeSegment,
    UnitSpikes,
    matched_segments,
    merged_intervals,
)
from signseg_rig.datasets.sorting import LABEL_COLUMNS, is_noise, noise_left_out
from signseg_rig.datasets.tables import read_stimulus_table
from signseg_rig.datasets.trials import (
    BASELINE_WINDOW_S,
    RESPONSE_WINDOW_S,
    Window,
    data_from_spikes,
)
from signseg_rig.errors import DataSetError

UNIT_NAME_COLUMN = "unit_name"
# Of the tables that neo writes.
NEO_COLUMNS = ("_name", "segment", "block")


def read_nwb(
    path: Path,
    images: ImageSet | None = None,
    *,
    table: str | None = None,
    image_column: str | None = None,
    onset_column: str = ONSET_COLUMN,
    stimulus_table: Path | None = None,
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
        Name of the table of presentations, such as "trials", or of the `IndexSeries` of `Images`;
        by default the only one.
    image_column : str, optional
        The column that names the image; by default the first of `IMAGE_COLUMNS` that there is.
    onset_column : str
        The column of onsets in seconds. Rows whose `valid`, where there is such a column, is false
        or missing are left out.
    stimulus_table : Path, optional
        CSV, see `read_stimulus_table`, in place of what the file has on presentations.
    response_window_s, baseline_window_s : (start, end), in seconds from the onset

    Returns
    -------
    data : RecordedData
        Units are called by their column `unit_name`, or else by their id. Those that a column of
        `LABEL_COLUMNS` calls noise are left out.

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
        segments, problems = _units(file, path)
        if stimulus_table is None:
            presentations, doubts = find_presentations(
                file, path, table, image_column, onset_column
            )
        else:
            presentations, doubts = read_stimulus_table(stimulus_table), []
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
        segments,
        presentations,
        images,
        response_window_s=response_window_s,
        baseline_window_s=baseline_window_s,
        session=session,
        problems=[*problems, *doubts],
    )


def _units(file: Any, path: Path) -> tuple[list[SpikeSegment], list[DataProblem]]:
    units = file.units
    if units is None or "spike_times" not in units.colnames:
        raise DataSetError(f"{path} holds no units with spike times; they are needed.")
    is_observed = "obs_intervals" in units.colnames
    names, segment_of = _unit_names(units), _segment_numbers(units)
    labels = [units[column][:] for column in LABEL_COLUMNS if column in units.colnames]
    is_left_out = [any(is_noise(column[row]) for column in labels) for row in range(len(names))]
    trains: list[list[tuple[str, UnitSpikes]]] = [[] for _ in range(max(segment_of, default=0) + 1)]
    for row, name in enumerate(names):
        if not is_left_out[row]:
            trains[segment_of[row]].append((name, _spikes_of(units, row, is_observed)))
    noise = [name for name, left_out in zip(names, is_left_out, strict=True) if left_out]
    problems = [] if is_observed else [_unknown_extent(path)]
    if len(trains) > 1:
        return matched_segments(path, trains), [*problems, *noise_left_out(noise, path)]
    if (n_names := len(set(names))) < len(names):
        raise DataSetError(
            f"{path} has {len(names)} units with {n_names} different names in the column "
            f"{UNIT_NAME_COLUMN!r}; each needs its own."
        )
    return [dict(trains[0])], [*problems, *noise_left_out(noise, path)]


def _unit_names(units: Any) -> list[str]:
    if set(NEO_COLUMNS) <= set(units.colnames):
        return [name.strip() for name in as_names(units[NEO_COLUMNS[0]][:])]
    is_named = UNIT_NAME_COLUMN in units.colnames
    return as_names((units[UNIT_NAME_COLUMN] if is_named else units.id)[:])


def _segment_numbers(units: Any) -> list[int]:
    """Return the segment of each row, from 0: neo writes a row for each segment of a unit."""
    if not set(NEO_COLUMNS) <= set(units.colnames):
        return [0] * len(units.id)
    segments = list(zip(units["block"][:], units["segment"][:], strict=True))
    number = {segment: number for number, segment in enumerate(dict.fromkeys(segments))}
    return [number[segment] for segment in segments]


def _spikes_of(units: Any, row: int, is_observed: bool) -> UnitSpikes:
    whole = np.array([[-np.inf, np.inf]])
    observed_s = np.asarray(units["obs_intervals"][row]) if is_observed else whole
    return UnitSpikes(
        np.sort(np.asarray(units["spike_times"][row], dtype=np.float64)),
        merged_intervals(observed_s.reshape(-1, 2)),
    )


def _unknown_extent(path: Path) -> DataProblem:
    return DataProblem(
        f"The units of {path} have no obs_intervals: that all windows lie within what was "
        "recorded cannot be checked, and no spikes count as 0 Hz.",
        is_error=False,
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
