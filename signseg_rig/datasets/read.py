"""Read a recorded data set, whatever its format."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from signseg_rig.datasets.arrays import read_array_file, read_rate_csv
from signseg_rig.datasets.checks import require_no_errors
from signseg_rig.datasets.completeness import Incomplete, drop_incomplete, without_images
from signseg_rig.datasets.dataset import RecordedData
from signseg_rig.datasets.image_files import open_images
from signseg_rig.datasets.image_sets import ImageSet
from signseg_rig.datasets.neo_files import FILE_READERS, FOLDER_READERS, read_neo
from signseg_rig.datasets.nwb import read_nwb
from signseg_rig.datasets.problems import listed
from signseg_rig.datasets.trials import Window
from signseg_rig.datasets.xdream import is_xdream_folder, read_xdream
from signseg_rig.errors import DataSetError
from signseg_rig.values import ImageArray

Images = ImageSet | Path | str | Mapping[str, ImageArray]

ARRAY_SUFFIXES = (".npy", ".npz", ".mat")
WINDOWS = {"response_window_s", "baseline_window_s"}


class Format(NamedTuple):
    """How a kind of file is read, and with which options."""

    name: str
    options: set[str]
    read: Callable[[Path, Images | None, dict[str, Any]], RecordedData]


def read_recorded(
    path: Path | str,
    images: Images | None = None,
    *,
    stimulus_table: Path | str | None = None,
    leave_out: Sequence[str] = (),
    response_window_s: Window | None = None,
    baseline_window_s: Window | None = None,
    table: str | None = None,
    image_column: str | None = None,
    onset_column: str | None = None,
    key: str | None = None,
    count_window_s: float | None = None,
    units: Sequence[str] | None = None,
    incomplete: Incomplete | None = None,
) -> RecordedData:
    """Read a recorded data set and check that its parts belong together.

    Parameters
    ----------
    path : path
        Responses: .npy, .npz or .mat (`read_array_file`), .csv (`read_rate_csv`), .nwb
        (`read_nwb`), or an XDream folder (`read_xdream`). Spikes: with a `stimulus_table` any
        recording that neo reads (`read_neo`). Responses without image ids are in the order of the
        images.
    images : images as `open_images` takes them, optional
        Files are sorted by name as text. An NWB file may hold them. Of an XDream folder it is the
        folder where the images were kept, if that is another one.
    stimulus_table : path, optional
        CSV of onsets and images; see `read_stimulus_table`. Of an NWB file it takes the place of
        the tables in it.
    leave_out : sequence of str, optional
        Images whose presentations do not count, such as "omitted" or "blank"; each has to be there.
    response_window_s, baseline_window_s : (start, end), in seconds from the onset, optional
        Where spikes are counted: 0.050 to 0.200 and 0 to 0.045 by default.
    table, image_column, onset_column : str, optional
        Of an NWB file, the table of presentations, and its columns; see `read_nwb`.
    key : str, optional
        Of a .npz or .mat file, the array of responses.
    count_window_s : float, in seconds, optional
        Of an array of spike counts, the length of the window that they were counted in.
    units : sequence of str, optional
        The ids of those that matter; all by default.
    incomplete : {"units", "images"}, optional
        What is left out where a unit has no trial of an image, see `drop_incomplete`; by default it
        is an error.

    Returns
    -------
    data : RecordedData
        Without errors; `prepare_for_fit` tells the warnings, and leaves out what cannot be fitted.

    Raises
    ------
    DataSetError
        The file cannot be read, an option is not one of its format, or its parts do not fit
        together, in which case all problems are listed.
    """
    path = Path(path)
    given = {
        "stimulus_table": stimulus_table,
        "response_window_s": response_window_s,
        "baseline_window_s": baseline_window_s,
        "table": table,
        "image_column": image_column,
        "onset_column": onset_column,
        "key": key,
        "count_window_s": count_window_s,
    }
    options = {name: value for name, value in given.items() if value is not None}
    form = _format_of(path, has_table=stimulus_table is not None)
    if unfit := sorted(options.keys() - form.options):
        raise DataSetError(
            f"{path} is read as {form.name}, for which {listed(unfit)} means nothing; "
            f"{listed(sorted(form.options)) or 'nothing'} can be set."
        )
    data = without_images(form.read(path, images, options), leave_out)
    data = _part(data, units, incomplete)
    require_no_errors(data)
    return data


def _part(
    data: RecordedData, units: Sequence[str] | None, incomplete: Incomplete | None
) -> RecordedData:
    if (len(set(data.unit_ids)), len(set(data.image_ids))) != (data.n_units, data.n_images):
        return data  # which part is meant cannot be said; the checks tell why
    if units is not None:
        data = data.select(units=units)
    return data if incomplete is None else drop_incomplete(data, incomplete)


def _format_of(path: Path, *, has_table: bool) -> Format:
    if not path.exists():
        raise DataSetError(f"There is no recorded data set {path} (seen from {Path.cwd()}).")
    suffix = path.suffix.lower()
    if has_table:
        read = _read_nwb if suffix == ".nwb" else _read_neo
        return Format("a recording", {"stimulus_table", *WINDOWS}, read)
    if is_xdream_folder(path):
        return Format("an XDream folder", set(), _read_xdream)
    if suffix == ".nwb":
        return Format("NWB", {"table", "image_column", "onset_column", *WINDOWS}, _read_nwb)
    if suffix in ARRAY_SUFFIXES:
        return Format("an array", {"key", "count_window_s"}, _read_arrays)
    if suffix == ".csv":
        return Format("a table of rates", set(), _read_csv)
    if path.is_dir() or suffix in FILE_READERS:
        raise DataSetError(
            f"{path} is no XDream folder, and to read spikes from it a stimulus table is needed: a "
            "CSV file of onset_s and image."
        )
    raise DataSetError(
        f"{path} is no recorded data set that is known. Responses come as "
        f"{', '.join(ARRAY_SUFFIXES)}, .csv, .nwb or an XDream folder; spikes, beside a stimulus "
        f"table, as .nwb, {', '.join(FILE_READERS)}, or a folder of {', '.join(FOLDER_READERS)}."
    )


def _read_neo(path: Path, images: Images | None, options: dict[str, Any]) -> RecordedData:
    table = Path(options.pop("stimulus_table"))
    return read_neo(path, table, _needed(images, path), **options)


def _read_xdream(path: Path, images: Images | None, _options: dict[str, Any]) -> RecordedData:
    if images is not None and not (isinstance(images, Path | str) and Path(images).is_dir()):
        raise DataSetError(
            f"The images of the XDream folder {path} should be a folder of files that are called "
            f"block000_000_ID.png; got {images!r}."
        )
    return read_xdream(path, None if images is None else Path(images))


def _read_nwb(path: Path, images: Images | None, options: dict[str, Any]) -> RecordedData:
    if "stimulus_table" in options:
        options["stimulus_table"] = Path(options["stimulus_table"])
    return read_nwb(path, None if images is None else open_images(images), **options)


def _read_arrays(path: Path, images: Images | None, options: dict[str, Any]) -> RecordedData:
    return read_array_file(path, _needed(images, path), **options)


def _read_csv(path: Path, images: Images | None, _options: dict[str, Any]) -> RecordedData:
    return read_rate_csv(path, _needed(images, path))


def _needed(images: Images | None, path: Path) -> ImageSet:
    if images is None:
        raise DataSetError(f"{path} holds no images; name a folder or zip archive of them.")
    return open_images(images)
