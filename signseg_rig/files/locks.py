"""A lock that tells who has it, and that the operating system takes back even after a kill -9."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import filelock

from signseg_rig.files.guarded import read_file
from signseg_rig.files.regular import refuse_link
from signseg_rig.files.whole import write_whole

MAX_OWNER_BYTES = 1000
UNKNOWN = "another process"


class HeldElsewhereError(Exception):
    """Another process has the lock.

    Parameters
    ----------
    owner : str
        Such as ``"process 1234 on rig2"``.
    """

    def __init__(self, owner: str) -> None:
        super().__init__(f"The lock is held by {owner}.")
        self.owner = owner


def take_lock(lock: Path, owner: Path) -> filelock.BaseFileLock:
    """Take a lock, or tell who has it.

    Parameters
    ----------
    lock : Path
        In a folder that is there.
    owner : Path
        Says in words who has it. Apart from the lock, which Windows lets nobody else read.

    Returns
    -------
    held : filelock.BaseFileLock
        To be released; the end of the process releases it, too.

    Raises
    ------
    HeldElsewhereError
        Another process has it.
    OSError
        The files cannot be written, or are links; or the file system knows no locks.
    """
    # Whoever takes a lock empties its file.
    refuse_link(lock)
    # The kind of lock that filelock falls back to where there are none outlives a kill -9.
    held = filelock.FileLock(lock, timeout=0, thread_local=False, fallback_to_soft=False)
    try:
        held.acquire()
    except filelock.Timeout:
        raise HeldElsewhereError(_told(owner)) from None
    try:
        write_whole(owner, f"process {os.getpid()} on {platform.node()}".encode())
    except OSError:
        held.release()
        raise
    return held


def _told(owner: Path) -> str:
    try:
        return read_file(owner, max_bytes=MAX_OWNER_BYTES).decode(errors="replace") or UNKNOWN
    except OSError:
        return UNKNOWN
