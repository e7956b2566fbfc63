"""Whether results can be written: known before they are computed, and said where it changed."""

from __future__ import annotations

import tempfile
from contextlib import AbstractContextManager
from pathlib import Path

from signseg_rig.errors import ConfigError
from signseg_rig.files.whole import write_whole
from signseg_rig.wording import explained_writing


def require_writable(path: Path, *, is_folder: bool = False) -> None:
    """Check that a file, or files in a folder, can be written; nothing is left behind.

    Parameters
    ----------
    path : Path
        It need not be there, and neither need the folders above it.
    is_folder : bool

    Raises
    ------
    ConfigError
        It cannot, or something else has this name.
    """
    folder = nearest = path.absolute() if is_folder else path.absolute().parent
    try:
        if path.exists() and path.is_dir() != is_folder:
            there, wanted = ("a file", "a folder") if is_folder else ("a folder", "a file")
            raise ConfigError(
                f"{path} is {there}; {wanted} would be written there. Name another place."
            )
        nearest = next(one for one in (folder, *folder.parents) if one.exists())
        with tempfile.TemporaryFile(dir=nearest):
            pass
    except OSError as error:
        where = "" if nearest == folder else f" ({nearest})"
        raise ConfigError(
            f"{path} cannot be written: {error.strerror}{where}. Name another place."
        ) from error


def explained(path: Path) -> AbstractContextManager[None]:
    """Turn what the disk says while `path` is written into a `ConfigError`."""
    return explained_writing(path, ConfigError, "Make room there, or name another place.")


def write_output(path: Path, content: bytes) -> None:
    """Write the file that a user named: whole or not at all, through links, and into devices.

    Parameters
    ----------
    path : Path
        Its folder is made if it is missing. A pipe or a device, such as ``/dev/stdout``, cannot be
        replaced, and is written to.
    content : bytes

    Raises
    ------
    ConfigError
        It cannot be written; a file that was there before is as it was.
    """
    with explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and not path.is_file():
            with path.open("ab", buffering=0) as device:
                device.write(content)
        else:
            write_whole(path.resolve(), content)
