"""Read a file that a user names: a regular one, and not more than memory holds."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from signseg_rig.errors import ConfigError
from signseg_rig.files.regular import open_regular, read_regular

# A file of settings has kilobytes; one with thousands of units some hundred of them.
MAX_SETTINGS_BYTES = 2**19


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
    with _explained(path, max_bytes):
        return read_regular(path, max_bytes=max_bytes, follows_link=True)


def open_user_file(path: Path) -> BinaryIO:
    """Open a regular file that may be too large to be held, to read it piece by piece.

    Parameters
    ----------
    path : Path

    Returns
    -------
    file : binary file

    Raises
    ------
    UnreadableFileError
        There is none, it may not be read, or is no regular file.
    """
    with _explained(path):
        return open_regular(path, follows_link=True)


@contextmanager
def _explained(path: Path, max_bytes: int = 0) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise UnreadableFileError(path, "is not there: there is no such file.") from None
    except (OSError, ValueError) as error:
        if getattr(error, "errno", None) == errno.EFBIG:
            size = f"more than {max_bytes // 1024} KiB, which none of its kind has"
            raise UnreadableFileError(path, f"is too large: it has {size}.") from None
        said = getattr(error, "strerror", None) or str(error)
        raise UnreadableFileError(path, f"cannot be read: {said}.") from None
