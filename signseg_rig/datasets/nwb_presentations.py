"""Which image was shown when, as NWB files tell it: in tables of intervals or in an IndexSeries."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from signseg_rig.datasets.names import as_names
from signseg_rig.datasets.problems import DataProblem
from signseg_rig.datasets.tables import IS_VALID, Presentations
from signseg_rig.errors import DataSetError
from signseg_rig.values import BoolArray

IMAGE_COLUMNS = ("image_id", "image", "image_name", "stimulus_id", "stimulus", "stimulus_name")
ONSET_COLUMN = "start_time"
VALID_COLUMN = "valid"

Found = tuple[Presentations, list[DataProblem]]


def find_presentations(
    file: Any, path: Path, table: str | None, image_column: str | None, onset_column: str
) -> Found:
    """Read the presentations of an NWB file.

    Parameters
    ----------
    file : pynwb.NWBFile
    path : Path
        Of the file, for messages.
    table, image_column : str, optional
        The table, or the IndexSeries, and its column that names the image; by default the only one.
    onset_column : str

    Returns
    -------
    presentations : Presentations
        Those that are valid.
    problems : list of DataProblem
        What was left out because nothing tells whether it is valid.

    Raises
    ------
    DataSetError
        It is not clear which table is meant, or it lacks what is needed.
    """
    tables, series = _tables(file), _index_series(file)
    found = _image_columns(tables, table, image_column)
    chosen = {name for name in series if table in (None, name)} if image_column is None else set()
    # A table says which presentations are valid, and a series beside it does not.
    if not found and len(chosen) == 1:
        return _of_series(series[chosen.pop()], path), []
    if len(found) == 1:
        ((name, column),) = found.items()
        return _of_table(tables[name], name, column, onset_column, path)
    n_found = len(found) or len(chosen)
    wanted = " or ".join(IMAGE_COLUMNS if image_column is None else [image_column])
    columns = "; ".join(
        [f"{name}: {', '.join(rows.colnames)}" for name, rows in tables.items()]
        + [f"{name}: an IndexSeries" for name in series]
    )
    raise DataSetError(
        f"{path} has {n_found} tables{'' if table is None else f' {table!r}'} with a column "
        f"that names the image ({wanted}), or IndexSeries of Images; one is needed. It has "
        f"{columns or 'none'}. Name them as 'table' and 'image_column' (--table, "
        "--image-column), or give a table of stimuli (--stimuli)."
    )


def _of_table(rows: Any, name: str, column: str, onset_column: str, path: Path) -> Found:
    if onset_column not in rows.colnames:
        raise DataSetError(
            f"The table {name!r} of {path} has no column {onset_column!r}; it has "
            f"{', '.join(rows.colnames)}. Name the one with the onsets as 'onset_column' "
            "(--onset-column)."
        )
    onsets_s = np.asarray(rows[onset_column][:], dtype=np.float64)
    problems: list[DataProblem] = []
    is_valid = np.ones(len(onsets_s), dtype=bool)
    if VALID_COLUMN in rows.colnames:
        is_valid, problems = _validity(rows[VALID_COLUMN][:], name, path)
    if n_unknown := int(np.isnan(onsets_s[is_valid]).sum()):
        raise DataSetError(
            f"{n_unknown} of {len(onsets_s)} rows of the table {name!r} of {path} have no "
            f"{onset_column!r}; mark them as false in a column {VALID_COLUMN!r}."
        )
    image_ids = as_names(rows[column][:])
    kept = np.flatnonzero(is_valid)
    return Presentations(onsets_s[kept], tuple(image_ids[index] for index in kept)), problems


def _validity(values: Any, table: str, path: Path) -> tuple[BoolArray, list[DataProblem]]:
    known = [_is_true(value, table) for value in values]
    n_unknown = sum(value is None for value in known)
    problems = [
        DataProblem(
            f"{n_unknown} of {len(known)} rows of the table {table!r} of {path} have no value in "
            f"{VALID_COLUMN!r}: nothing says that they are valid, and they are left out.",
            is_error=False,
        )
    ] * bool(n_unknown)
    return np.array([value is True for value in known], dtype=bool), problems


def _is_true(value: Any, table: str) -> bool | None:
    """Read a truth value; None where there is none."""
    (text,) = as_names([value])
    if text.lower() in ("nan", ""):
        return None
    if text.lower() not in IS_VALID:
        raise DataSetError(
            f"The column {VALID_COLUMN!r} of the table {table!r} holds {value!r}; expected are "
            f"truth values, or {', '.join(IS_VALID)}."
        )
    return IS_VALID[text.lower()]


def _of_series(series: Any, path: Path) -> Presentations:
    """Read which picture of its `Images` an IndexSeries names at which time."""
    ordered = series.indexed_images.order_of_images
    pictures = series.indexed_images.images.values() if ordered is None else ordered
    names = [picture.name for picture in pictures]
    if ordered is None and len(names) > 1:
        raise DataSetError(
            f"The IndexSeries {series.name!r} of {path} numbers the pictures of "
            f"{series.indexed_images.name!r}, which have no order (order_of_images): which is "
            "meant cannot be told. Write the order, or give a table of stimuli (--stimuli)."
        )
    indices = np.asarray(series.data[:]).astype(np.int64)
    if len(indices) and not 0 <= indices.min() <= indices.max() < len(names):
        raise DataSetError(
            f"The IndexSeries {series.name!r} of {path} names pictures {indices.min()} to "
            f"{indices.max()}; there are {len(names)}, counted from 0."
        )
    onsets_s = (
        np.asarray(series.timestamps[:], dtype=np.float64)
        if series.timestamps is not None
        else series.starting_time + np.arange(len(indices)) / series.rate
    )
    return Presentations(onsets_s, tuple(names[index] for index in indices))


def _tables(file: Any) -> dict[str, Any]:
    """Return every table of intervals: trials have a place of their own in older files."""
    tables = dict(file.intervals or {})
    if file.trials is not None:
        tables["trials"] = file.trials
    return tables


def _index_series(file: Any) -> dict[str, Any]:
    from pynwb.image import IndexSeries

    return {
        name: item
        for name, item in file.stimulus.items()
        if isinstance(item, IndexSeries) and item.indexed_images is not None
    }


def _image_columns(
    tables: Mapping[str, Any], table: str | None, column: str | None
) -> dict[str, str]:
    """Find the tables that name the image of every presentation, and their column for it."""
    wanted = IMAGE_COLUMNS if column is None else (column,)
    found = {
        name: next((known for known in wanted if known in rows.colnames), None)
        for name, rows in tables.items()
        if table in (None, name)
    }
    return {name: known for name, known in found.items() if known is not None}
