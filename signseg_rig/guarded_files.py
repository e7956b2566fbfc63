"""Files in folders that others may have made: nothing outside is read or written on their word.

A record or a sweep of somebody else may hold links, pipes and devices in the place of its files,
and names that lead elsewhere. What is written goes through `whole_files`, which replaces a link and
never follows one; what is here does the same for folders, for names, and for reading.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

MAX_NAME_BYTES = 120
N_HASH_DIGITS = 8
PLAIN_SIGNS = frozenset("._- ")
# What Windows takes for a device, whatever follows the first point.
DEVICE_NAMES = frozenset(
    {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(10))}
)

# Neither follow a link nor wait for the other end of a pipe; Windows knows neither flag.
_GUARDED = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


def file_name(text: str) -> str:
    """Return a file name for a text that may be anything, such as a name out of a record.

    Parameters
    ----------
    text : str

    Returns
    -------
    name : str
        The text itself where it can be the name of a file on every system; else what can be of it,
        and digits of its hash: other texts have other names.

    Examples
    --------
    >>> file_name("best_thread 0")
    'best_thread 0'
    >>> file_name("best_../../etc/passwd")
    'best_.._.._etc_passwd-6351fa28'
    """
    plain = "".join(sign if sign.isalnum() or sign in PLAIN_SIGNS else "_" for sign in text)
    plain = plain.encode()[:MAX_NAME_BYTES].decode(errors="ignore").strip(" .")
    if plain == text and plain and plain.partition(".")[0].lower() not in DEVICE_NAMES:
        return plain
    digest = hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()
    return f"{plain}-{digest[:N_HASH_DIGITS]}"


def make_folder(folder: Path) -> None:
    """Make a folder to write into, unless it is there; one that is a link is refused.

    The folders above it may be links: whoever named them meant them.

    Parameters
    ----------
    folder : Path

    Raises
    ------
    OSError
        It cannot be made, or something else has its name.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir(exist_ok=True)
    refuse_linked_folder(folder)


def refuse_linked_folder(folder: Path) -> None:
    """Make sure that a folder is one, and no link to another.

    Raises
    ------
    OSError
        It is a link, something else, or not there.
    """
    _refuse_other_than(folder, stat.S_ISDIR, folder.lstat().st_mode)


def refuse_link(path: Path) -> None:
    """Make sure that a file, where there is one, is a file and no link, pipe or device.

    Raises
    ------
    OSError
        It is something else.
    """
    if os.path.lexists(path):
        _refuse_other_than(path, stat.S_ISREG, path.lstat().st_mode)


def read_file(path: Path, *, max_bytes: int) -> bytes:
    """Read a file whole, unless it is a link, no file, or larger than it can be.

    Parameters
    ----------
    path : Path
    max_bytes : int

    Raises
    ------
    OSError
        It is not there, cannot be read, or is something else.
    """
    with _open(path, os.O_RDONLY) as file:
        content = file.read(max_bytes + 1)
    if len(content) > max_bytes:
        raise OSError(errno.EFBIG, f"it has more than {max_bytes} bytes", str(path))
    return content


def open_to_append(path: Path) -> BinaryIO:
    """Open a file to write behind what it holds, unless it is a link or no file.

    Raises
    ------
    OSError
        It cannot be opened, or is something else.
    """
    return _open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)


def _open(path: Path, flags: int) -> BinaryIO:
    if not hasattr(os, "O_NOFOLLOW"):
        refuse_link(path)
    try:
        descriptor = os.open(path, flags | _GUARDED, 0o666)
    except OSError:
        refuse_link(path)  # says more than the system does
        raise
    try:
        _refuse_other_than(path, stat.S_ISREG, os.fstat(descriptor).st_mode)
        return os.fdopen(descriptor, "ab" if flags & os.O_APPEND else "rb")
    except BaseException:
        os.close(descriptor)
        raise


def _refuse_other_than(path: Path, is_expected: Callable[[int], bool], mode: int) -> None:
    if is_expected(mode):
        return
    if stat.S_ISLNK(mode):
        code, what = errno.ELOOP, "it is a link, and links here are not followed"
    elif stat.S_ISDIR(mode):
        code, what = errno.EISDIR, "it is a folder, and a file should be there"
    elif stat.S_ISREG(mode):
        code, what = errno.ENOTDIR, "it is a file, and a folder should be there"
    else:
        code, what = errno.EINVAL, "it is a pipe, a socket or a device"
    raise OSError(code, what, str(path))
