"""Which weight files that are programs may run: what a user has said of them, and no experiment."""

from __future__ import annotations

import re
from pathlib import Path

import platformdirs

from signseg_rig.errors import ConfigError, WeightsError, WeightsMissingError
from signseg_rig.files.user import UnreadableFileError, read_user_file
from signseg_rig.files.whole import write_whole
from signseg_rig.weights.hashes import file_sha256
from signseg_rig.wording import explained_writing

PROGRAM_SUFFIX = ".torchscript"
REMEDY = "Make the folder one that you can write to."
# Of a hundred thousand files.
MAX_BYTES = 2**24


def trust_list() -> Path:
    """Return the file of trusted hashes, in the user's configuration folder."""
    return platformdirs.user_config_path("signseg-rig", appauthor=False) / "trusted_programs"


def is_trusted(sha256: str) -> bool:
    """Check whether the user has said that the file of a hash may run."""
    return sha256 in _trusted()


def require_trusted(path: Path) -> None:
    """Make sure that a weight file which is a program may run.

    Raises
    ------
    ConfigError
        The user has not said so; the message says how to.
    """
    if not is_trusted(file_sha256(path)):
        raise ConfigError(
            f"{path} is a TorchScript file: a program that runs when it is used, and can do what "
            "you can do on this machine. If you know where it comes from run 'signseg-rig weights "
            f"trust {path}'."
        )


def trust_file(path: Path) -> Path:
    """Let a file run from now on, known by its hash.

    Returns
    -------
    path : Path
        Of the list.

    Raises
    ------
    WeightsError
        The list cannot be written.
    """
    sha256 = file_sha256(path)
    # A name may hold line breaks; a line is what is trusted.
    name = " ".join(str(path.absolute()).splitlines())
    _write(_trusted() | {sha256: name})
    return trust_list()


def forget_trust(sha256: str) -> None:
    """Let the file of a hash run no longer.

    Raises
    ------
    WeightsError
        The list cannot be written.
    """
    _write({known: path for known, path in _trusted().items() if known != sha256})


def require_program(path: Path) -> None:
    """Make sure that there is a file that trust is about.

    Raises
    ------
    WeightsMissingError, WeightsError
    """
    if not path.is_file():
        raise WeightsMissingError(f"There is no file at {path}. Name a TorchScript file.")
    if path.suffix != PROGRAM_SUFFIX:
        raise WeightsError(
            f"{path} need not be trusted: it ends in {path.suffix!r}, and only TorchScript "
            f"({PROGRAM_SUFFIX}) runs. Of other weight files nothing is run."
        )


def _trusted() -> dict[str, str]:
    try:
        text = read_user_file(trust_list(), max_bytes=MAX_BYTES).decode(errors="replace")
    except UnreadableFileError:
        return {}
    return dict(re.findall(r"^([0-9a-f]{64})  (.*)$", text, flags=re.MULTILINE))


def _write(trusted: dict[str, str]) -> None:
    path = trust_list()
    with explained_writing(path, WeightsError, REMEDY):
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = (f"{sha256}  {name}\n" for sha256, name in trusted.items())
        write_whole(path, "".join(lines).encode(errors="replace"))
