"""Files that are complete or not there at all, whoever is killed and whenever the power fails."""

from __future__ import annotations

import errno
import os
import secrets
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

DRAFT_SUFFIX = ".part"
# No file takes a day to write, and no clocks of machines that share a folder differ by one.
ABANDONED_AFTER_S = 86_400.0
# Some file systems of networks write names down at once, and know no call for it.
NO_SUCH_CALL = {errno.EINVAL, errno.ENOSYS, errno.ENOTSUP}


@contextmanager
def whole_file(target: Path) -> Iterator[BinaryIO]:
    """Open a file under another name, and give it its own once it is on the disk.

    Whoever reads `target` meanwhile finds what was there before.

    Parameters
    ----------
    target : Path
        In a folder that is there. A link is replaced by the file, never followed.

    Yields
    ------
    file : binary file
        Open for writing. Its name is random: others may write the same target at the same time, on
        machines whose processes have the same numbers.

    Raises
    ------
    OSError
        It could not be written, or is a device; what was there before is as it was.
    """
    _refuse_device(target)
    draft = target.with_name(f"{target.name}.{secrets.token_hex(8)}{DRAFT_SUFFIX}")
    try:
        with draft.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        draft.replace(target)
    except BaseException:
        remove(draft)
        raise
    sync_folder(target.parent)


def write_whole(target: Path, content: bytes) -> None:
    """Write a file; it is on the disk, under its name, when this returns.

    Parameters
    ----------
    target : Path
    content : bytes

    Raises
    ------
    OSError
        It could not be written; what was there before is as it was.
    """
    with whole_file(target) as file:
        file.write(content)


def sync_folder(folder: Path) -> None:
    """Put the names in a folder on the disk; Windows has no call for it, and needs none."""
    if sys.platform != "win32":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        except OSError as error:
            if error.errno not in NO_SUCH_CALL:
                raise
        finally:
            os.close(descriptor)


def remove_drafts(folder: Path, name: str = "*", *, min_age_s: float = 0.0) -> None:
    """Remove what a killed writer left half-written.

    Parameters
    ----------
    folder : Path
    name : str
        Pattern of the names that the files would have got.
    min_age_s : float
        How long nobody may have written to a draft: where others write too, long enough that they
        cannot be alive.
    """
    for draft in folder.glob(f"{name}{DRAFT_SUFFIX}"):
        if not min_age_s or _age_s(draft) >= min_age_s:
            remove(draft)


def remove(path: Path) -> None:
    """Remove a file, as far as that is possible."""
    try:
        path.unlink(missing_ok=True)
    except OSError:
        # Whoever removes a draft has a better error to raise, or does not depend on it.
        return


def _refuse_device(target: Path) -> None:
    """Make sure that no device is replaced by a file: root may do that, too."""
    if target.is_char_device() or target.is_block_device():
        raise OSError(errno.EINVAL, "it is a device, and a file would take its place", str(target))


def _age_s(path: Path) -> float:
    try:
        return time.time() - path.stat().st_mtime
    except OSError:
        return 0.0  # its writer has just finished
