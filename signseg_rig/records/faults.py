"""Say what a failing disk or database means, and what to do about it."""

from __future__ import annotations

import errno
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from signseg_rig.errors import RecordError, RigError

# With less than this, what fails fails for want of space, whatever the system calls it.
FULL_BELOW_BYTES = 256 * 1024
MAX_QUOTED = 200

FULL_DISK = (
    "The disk is full. Free some space and go on with 'signseg-rig resume': nothing that was "
    "recorded is lost."
)
READ_ONLY = "It may be read but not written: copy the run record to where you may write."
DAMAGED = "The file is damaged: restore it from a copy of the run record."
RESTORE = "Restore it from a copy of the run record."
# What code raises that reads values which are not what it was written for.
UNREADABLE = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    MemoryError,
    RecursionError,
    TypeError,
    ValueError,
)
UNKNOWN = "Is it on a local disk that works?"

_REMEDIES_BY_ERRNO = {
    errno.ENOSPC: FULL_DISK,
    errno.EDQUOT: FULL_DISK,
    errno.EROFS: READ_ONLY,
    errno.EACCES: READ_ONLY,
    errno.EPERM: READ_ONLY,
    errno.ENOENT: RESTORE,
    errno.ELOOP: "Put what it leads to in its place.",
    errno.EISDIR: RESTORE,
    errno.ENOTDIR: RESTORE,
    errno.EINVAL: RESTORE,
    errno.EFBIG: "No run writes that much: restore it from a copy of the run record.",
}
_REMEDIES_BY_SQLITE_CODE = {
    sqlite3.SQLITE_FULL: FULL_DISK,
    sqlite3.SQLITE_READONLY: READ_ONLY,
    sqlite3.SQLITE_CANTOPEN: (
        "May its folder be read? One that cannot be written, and whose run was killed, must be "
        "copied to where it can be written."
    ),
    sqlite3.SQLITE_NOTADB: DAMAGED,
    sqlite3.SQLITE_CORRUPT: DAMAGED,
    sqlite3.SQLITE_INTERRUPT: f"That takes longer than any run record of its size. {DAMAGED}",
    sqlite3.SQLITE_BUSY: "Another program keeps it locked: close that, and try again.",
    sqlite3.SQLITE_CONSTRAINT: (
        "Events are only ever appended; a pass has one set of responses, and a run one result."
    ),
}


def file_error(path: Path, done: str, error: OSError) -> RecordError:
    """Make the error for a file that could not be `done` ("read", "written", ...)."""
    remedy = _REMEDIES_BY_ERRNO.get(error.errno or 0)
    if remedy is None:
        remedy = FULL_DISK if _is_full(path) else UNKNOWN
    return RecordError(f"{path} cannot be {done}: {error.strerror or error}. {remedy}")


@contextmanager
def explained(database: Path, done: str) -> Iterator[None]:
    """Turn what SQLite raises into a `RecordError`.

    Parameters
    ----------
    database : Path
    done : str
        What cannot be done to it where this fails: "opened", "read", "written".
    """
    try:
        yield
    except sqlite3.ProgrammingError:
        # A mistake of this program, such as the use of a closed record: no remedy for users.
        raise
    except UnicodeDecodeError as error:
        # What SQLite says quotes the database, and Python cannot read that.
        raise RecordError(f"{database} cannot be {done}: {error}. {DAMAGED}") from error
    except sqlite3.Error as error:
        # The low byte is the kind of error; SQLite tells details in the others. An error without
        # a code is a text that is no text.
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF
        remedy = _REMEDIES_BY_SQLITE_CODE.get(code)
        if remedy is None or (code == sqlite3.SQLITE_CANTOPEN and _is_full(database)):
            remedy = FULL_DISK if _is_full(database) else UNKNOWN
        raise RecordError(f"{database} cannot be {done}: {error}. {remedy}") from error


@contextmanager
def explained_decoding(path: Path) -> Iterator[None]:
    """Turn what reading strange values raises into a `RecordError`: a record may be anybody's.

    Parameters
    ----------
    path : Path
        Where the values come from.
    """
    try:
        yield
    except RigError:
        raise
    except UNREADABLE as error:
        raise RecordError(
            f"{path} holds what no run writes ({type(error).__name__}: {_short(error)}). It is "
            "damaged, or something else changed it: restore it from a copy of the run record."
        ) from error


def _short(error: BaseException) -> str:
    text = str(error)
    return text if len(text) <= MAX_QUOTED else f"{text[:MAX_QUOTED]}..."


def _is_full(path: Path) -> bool:
    try:
        return shutil.disk_usage(path.parent).free < FULL_BELOW_BYTES
    except OSError:
        return False
