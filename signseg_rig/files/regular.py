"""Open regular files only, without waiting for anything: no pipe, no device, no folder."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

_KINDS = {
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}
# Neither waits for somebody at the other end of a pipe, nor takes a terminal over. Windows knows
# neither flag.
_FLAGS = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)
_FLAGS |= getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)


def open_regular(path: Path, flags: int = os.O_RDONLY, *, follows_link: bool) -> BinaryIO:
    """Open a regular file, to read it or to write behind what it holds.

    Parameters
    ----------
    path : Path
    flags : int
        Of `os.open`.
    follows_link : bool
        Whether a link may lead to the file.

    Returns
    -------
    file : binary file

    Raises
    ------
    OSError
        It cannot be opened, or is something else.
    """
    if not (follows_link or hasattr(os, "O_NOFOLLOW")):
        refuse_link(path)
    try:
        no_link = 0 if follows_link else getattr(os, "O_NOFOLLOW", 0)
        descriptor = os.open(path, flags | _FLAGS | no_link, 0o666)
    except OSError:
        if not follows_link:
            refuse_link(path)  # says more than the system does
        raise
    try:
        refuse_other_than(path, stat.S_ISREG, os.fstat(descriptor).st_mode)
        return os.fdopen(descriptor, "ab" if flags & os.O_APPEND else "rb")
    except BaseException:
        os.close(descriptor)
        raise


def read_regular(path: Path, *, max_bytes: int, follows_link: bool) -> bytes:
    """Read a regular file whole, unless it is larger than it can be.

    Raises
    ------
    OSError
        It is not there, cannot be read, or is something else.
    """
    with open_regular(path, follows_link=follows_link) as file:
        # One byte more tells that there is more, whatever size a file system names.
        content = file.read(max_bytes + 1)
    if len(content) > max_bytes:
        raise OSError(errno.EFBIG, f"it has more than {max_bytes} bytes", str(path))
    return content


def refuse_link(path: Path) -> None:
    """Make sure that a file, where there is one, is a file and no link, pipe or device.

    Raises
    ------
    OSError
        It is something else.
    """
    if os.path.lexists(path):
        refuse_other_than(path, stat.S_ISREG, path.lstat().st_mode)


def refuse_other_than(path: Path, is_expected: Callable[[int], bool], mode: int) -> None:
    """Raise an OSError that says what a path is, unless it is what is expected.

    Parameters
    ----------
    path : Path
    is_expected : callable
        Such as `stat.S_ISREG`.
    mode : int
        What the path is, as `os.stat` gives it.
    """
    if is_expected(mode):
        return
    if stat.S_ISLNK(mode):
        code, what = errno.ELOOP, "it is a link, and links here are not followed"
    elif stat.S_ISDIR(mode):
        code, what = errno.EISDIR, "it is a folder, and a file should be there"
    elif stat.S_ISREG(mode):
        code, what = errno.ENOTDIR, "it is a file, and a folder should be there"
    else:
        kind = _KINDS.get(stat.S_IFMT(mode), "something else")
        code, what = errno.EINVAL, f"it is {kind} and not a regular file"
    raise OSError(code, what, str(path))
