"""Read a file that a user names: a regular one, and not more than memory holds."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from signseg_rig.errors import ConfigError

# A file of settings has kilobytes; one with thousands of units some hundred of them.
MAX_SETTINGS_BYTES = 2**19

_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}
# Neither waits for somebody to write into a pipe, nor takes a terminal over.
_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)
_FLAGS |= getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)


class UnreadableFileError(ConfigError):
    """A file cannot be read, or is none.

    Attributes
    ----------
    reason : str
        Why, as the end of a sentence that begins with its path.
    """

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path} {reason}")
        self.reason = reason


def read_user_file(path: Path, *, max_bytes: int = MAX_SETTINGS_BYTES) -> bytes:
    """Return the content of a regular file, never waiting for one that somebody still has to write.

    Parameters
    ----------
    path : Path
    max_bytes : int
        A larger file is refused before it is read.

    Returns
    -------
    content : bytes

    Raises
    ------
    UnreadableFileError
        There is none, it may not be read, is no regular file, or is too large.
    """
    try:
        descriptor = os.open(path, _FLAGS)
        try:
            mode = os.fstat(descriptor).st_mode
            # One byte more tells that there is more, whatever size a file system names.
            content = _read(descriptor, max_bytes + 1) if stat.S_ISREG(mode) else b""
        finally:
            os.close(descriptor)
    except FileNotFoundError:
        raise UnreadableFileError(path, "is not there: there is no such file.") from None
    except (OSError, ValueError) as error:
        said = getattr(error, "strerror", None) or str(error)
        raise UnreadableFileError(path, f"cannot be read: {said}.") from None
    if not stat.S_ISREG(mode):
        what = _KINDS.get(stat.S_IFMT(mode), "something else")
        raise UnreadableFileError(path, f"cannot be read: it is {what} and not a regular file.")
    if len(content) > max_bytes:
        raise UnreadableFileError(
            path,
            f"is too large: it has more than {max_bytes // 1024} KiB, which none of its kind has.",
        )
    return content


def _read(descriptor: int, n_bytes: int) -> bytes:
    with os.fdopen(descriptor, "rb", closefd=False) as file:
        return file.read(n_bytes)
