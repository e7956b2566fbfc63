"""Files in folders that others may have made: nothing outside is read or written on their word.

A record or a sweep of somebody else may hold links, pipes and devices in the place of its files,
and names that lead elsewhere. What is written goes through `whole_files`, which replaces a link and
never follows one; what is here does the same for folders, for names, and for reading.
"""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path
from typing import BinaryIO

from signseg_rig.files.regular import open_regular, read_regular, refuse_other_than

MAX_NAME_BYTES = 120
N_HASH_DIGITS = 8
PLAIN_SIGNS = frozenset("._- ")
# What Windows takes for a device, whatever follows the first point.
DEVICE_NAMES = frozenset(
    {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(10))}
)


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
    refuse_other_than(folder, stat.S_ISDIR, folder.lstat().st_mode)


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
    return read_regular(path, max_bytes=max_bytes, follows_link=False)


def open_to_read(path: Path) -> BinaryIO:
    """Open a file to read it piece by piece, unless it is a link or no file.

    Raises
    ------
    OSError
        It cannot be opened, or is something else.
    """
    return open_regular(path, follows_link=False)


def open_to_append(path: Path) -> BinaryIO:
    """Open a file to write behind what it holds, unless it is a link or no file.

    Raises
    ------
    OSError
        It cannot be opened, or is something else.
    """
    return open_regular(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, follows_link=False)
