"""Recordings that neo reads, beside a table of what was shown when; only this imports neo."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from signseg_rig.datasets.dataset import RecordedData
from signseg_rig.datasets.extras import missing_package
from signseg_rig.datasets.hdf5_files import is_hdf5, require_self_contained
from signseg_rig.datasets.image_sets import ImageSet
from signseg_rig.datasets.problems import DataProblem
from signseg_rig.datasets.segments import SpikeSegment, UnitSpikes, matched_segments
from signseg_rig.datasets.sorting import LABEL_COLUMNS, is_noise, noise_left_out
from signseg_rig.datasets.tables import read_stimulus_table
from signseg_rig.datasets.trials import (
    BASELINE_WINDOW_S,
    RESPONSE_WINDOW_S,
    Window,
    data_from_spikes,
)
from signseg_rig.errors import DataSetError

# By suffix. neo has more readers: those left out hold no spikes, run what is in the file (pickle,
# Elphy) or download a library first (Plexon 2).
FILE_READERS = {
    ".nix": "NixIO",
    ".h5": "NixIO",
    ".mat": "NeoMatlabIO",
    ".nev": "BlackrockIO",
    ".plx": "PlexonIO",
    ".nex": "NeuroExplorerIO",
    ".smr": "Spike2IO",
    ".smrx": "CedIO",
}
# By a file that the folder holds.
FOLDER_READERS = {
    "*.nse": "NeuralynxIO",
    "*.ntt": "NeuralynxIO",
    "*.ncs": "NeuralynxIO",
    "spike_times.npy": "PhyIO",
    "*.tev": "TdtIO",
    "*.spikes": "OpenEphysIO",
}
# NIX files are opened for writing by default. Neuralynx times are moved to begin at 0 by default,
# and would no longer be on the clock of the stimulus table.
OPTIONS: dict[str, dict[str, Any]] = {
    "NixIO": {"mode": "ro"},
    "NeuralynxIO": {"keep_original_times": True},
}


def read_neo(
    path: Path,
    stimulus_table: Path,
    images: ImageSet,
    *,
    response_window_s: Window = RESPONSE_WINDOW_S,
    baseline_window_s: Window = BASELINE_WINDOW_S,
) -> RecordedData:
    """Read a data set from a recording and a table of onsets.

    Parameters
    ----------
    path : Path
        A file with a suffix of `FILE_READERS`, or a folder with a file of `FOLDER_READERS`.
    stimulus_table : Path
        CSV; see `read_stimulus_table`. Onsets are on the clock of the recording.
    images : ImageSet
    response_window_s, baseline_window_s : (start, end), in seconds from the onset

    Returns
    -------
    data : RecordedData
        Units of all blocks and segments, matched by name.

    Raises
    ------
    DataSetError
        No reader fits, or it fails, in which case its own error is part of the message; or units
        cannot be matched across segments.
    """
    presentations = read_stimulus_table(stimulus_table)
    segments, problems = read_spikes(path)
    return data_from_spikes(
        segments,
        presentations,
        images,
        response_window_s=response_window_s,
        baseline_window_s=baseline_window_s,
        session={
            "source": str(path),
            "stimulus_table": str(stimulus_table),
            "reader": f"neo {reader_name(path)}",
        },
        problems=problems,
    )


def reader_name(path: Path) -> str:
    """Choose neo's reader for a file or folder.

    Raises
    ------
    DataSetError
        None is known.
    """
    if path.is_dir():
        for pattern, folder_reader in FOLDER_READERS.items():
            if next(path.glob(pattern), None) is not None:
                return folder_reader
        raise DataSetError(
            f"The folder {path} holds no recording that is known, which would be "
            f"{' or '.join(FOLDER_READERS)}."
        )
    if not path.is_file():
        raise DataSetError(f"There is no recording {path} (seen from {Path.cwd()}).")
    name = FILE_READERS.get(path.suffix.lower())
    if name is None:
        raise DataSetError(
            f"{path} is no recording that is known: files end in {', '.join(FILE_READERS)}; of "
            f"formats of several files ({', '.join(FOLDER_READERS)}) name the folder."
        )
    return name


def read_spikes(path: Path) -> tuple[list[SpikeSegment], list[DataProblem]]:
    """Read the spikes of all units, one mapping a segment, of all blocks one after the other.

    Returns
    -------
    segments : list of SpikeSegment
        Without the clusters that the sorting calls noise.
    problems : list of DataProblem
        Which were left out.

    Raises
    ------
    DataSetError
        As `read_neo` does.
    """
    name = reader_name(path)
    try:
        import neo.io
    except ImportError as error:
        raise missing_package("neo", f"the recording {path}") from error
    _require_own_data(path)
    noise: dict[str, None] = {}
    try:
        with _quiet(), _opened(getattr(neo.io, name), path, OPTIONS.get(name, {})) as reader:
            trains = [_trains(segment, noise) for segment in _segments(reader)]
    except Exception as error:
        raise DataSetError(
            f"{path} cannot be read by neo's {name}: {type(error).__name__}: {error}. "
            "Check that the file is complete and was written by that system."
        ) from error
    if not any(trains):
        without = f" but of {len(noise)} clusters that are called noise" * bool(noise)
        raise DataSetError(f"{path} holds no spike trains{without}; sort its spikes first.")
    return matched_segments(path, trains), noise_left_out(list(noise), path)


def _require_own_data(path: Path) -> None:
    """Check that a file of HDF5, as NIX and MATLAB write it, leads to no other file."""
    if not (path.is_file() and is_hdf5(path)):
        return
    try:
        import h5py
    except ImportError as error:
        raise missing_package("h5py", f"the recording {path}") from error
    try:
        with h5py.File(path, "r") as file:
            require_self_contained(file, path)
    except OSError as error:
        raise DataSetError(f"{path} cannot be read as HDF5: {error}. Copy it again.") from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep from users what neo tells its own developers, and what files of others omit."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"(neo|hdmf|pynwb|nixio|quantities)\b")
        yield


@contextmanager
def _opened(reader_class: Any, path: Path, options: dict[str, Any]) -> Iterator[Any]:
    reader = reader_class(str(path), **options)
    try:
        yield reader
    finally:
        if hasattr(reader, "close"):
            reader.close()


def _segments(reader: Any) -> Iterator[Any]:
    """Read all blocks; lazily where that works, for continuous signals may not fit in memory."""
    for block in reader.read(lazy=True) if reader.support_lazy else reader.read():
        yield from block.segments


def _trains(segment: Any, noise: dict[str, None]) -> list[tuple[str, UnitSpikes]]:
    """Read the trains of a segment, and note the names of those that are noise."""
    trains = []
    for train in segment.spiketrains:
        name = str(train.name or "").strip()
        labels = [train.annotations[known] for known in LABEL_COLUMNS if known in train.annotations]
        if any(map(is_noise, labels)):
            noise[name] = None
        else:
            trains.append((name, _unit_spikes(train)))
    return trains


def _unit_spikes(train: Any) -> UnitSpikes:
    span_s = [[float(train.t_start.rescale("s")), float(train.t_stop.rescale("s"))]]
    loaded = train.load() if hasattr(train, "load") else train
    times_s = np.array(loaded.times.rescale("s").magnitude, dtype=np.float64)
    return UnitSpikes(np.sort(times_s), np.array(span_s))
