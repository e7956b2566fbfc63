"""Files that are complete or not there at all, whenever the power fails."""

from __future__ import annotations

import os
import sys
from pathlib import Path

DRAFT_SUFFIX = ".part"


def write_durably(target: Path, content: bytes) -> None:
    """Write a file; it is on the disk, under its name, when this returns.

    Parameters
    ----------
    target : Path
    content : bytes

    Raises
    ------
    OSError
        It could not be written; then it is not there.
    """
    draft = target.with_name(target.name + DRAFT_SUFFIX)
    try:
        with draft.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(target)
    except OSError:
        remove(draft)
        raise
    sync_folder(target.parent)


def sync_folder(folder: Path) -> None:
    """Put the names in a folder on the disk; Windows has no call for it, and needs none."""
    if sys.platform != "win32":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def remove_drafts(folder: Path) -> None:
    """Remove what a killed writer left half-written."""
    for draft in folder.glob(f"*{DRAFT_SUFFIX}"):
        remove(draft)


def remove(path: Path) -> None:
    """Remove a file, as far as that is possible."""
    try:
        path.unlink(missing_ok=True)
    except OSError:
        # Whoever removes a draft has a better error to raise, or does not depend on it.
        return
