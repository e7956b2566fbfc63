"""Where a run record may be written: a disk of this machine, by one process at a time."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path, PurePath
from typing import NamedTuple

import filelock
import psutil

from signseg_rig.errors import RecordError, RecordInUseError
from signseg_rig.files.locks import HeldElsewhereError, take_lock
from signseg_rig.records.faults import file_error

LOCK_NAME = "writer.lock"
OWNER_NAME = "writer.txt"

# As `mount` names them, without the "fuse." of those that run as a program.
NETWORK_FILE_SYSTEMS = frozenset(
    {
        "afpfs",
        "afs",
        "beegfs",
        "ceph",
        "ceph-fuse",
        "cifs",
        "davfs",
        "glusterfs",
        "gpfs",
        "lustre",
        "nfs",
        "nfs4",
        "orangefs",
        "rclone",
        "s3fs",
        "smb",
        "smb2",
        "smb3",
        "smbfs",
        "sshfs",
        "vboxsf",
    }
)


class Mount(NamedTuple):
    """One mounted file system."""

    mountpoint: str
    fstype: str
    options: str = ""


def refuse_network_drive(path: Path) -> None:
    """Make sure that a folder is on a disk of this machine.

    Raises
    ------
    RecordError
        Other machines can write there. SQLite's log and the lock on the record are shared between
        the processes of one machine only.
    """
    mounts = [
        Mount(part.mountpoint, part.fstype, part.opts) for part in psutil.disk_partitions(all=True)
    ]
    kind = network_file_system(path.resolve(), mounts)
    if kind is not None:
        raise RecordError(
            f"{path} is on a network drive ({kind}), where a run record is not safe. Choose an "
            "out_dir on a disk of this machine, and copy the run record when the run is over."
        )


def network_file_system(path: PurePath, mounts: Iterable[Mount]) -> str | None:
    """Name the network file system that a path is on.

    Parameters
    ----------
    path : PurePath
        Absolute, without links.
    mounts : iterable of Mount
        In the order of mounting.

    Returns
    -------
    name : str or None
        None where the path is on a disk of this machine.
    """
    if path.drive.startswith("\\\\"):
        return path.drive
    around = [mount for mount in mounts if path.is_relative_to(mount.mountpoint)]
    if not around:
        return None
    # The longest is the innermost; of two mounted on one place the later hides the earlier.
    innermost = max(reversed(around), key=lambda mount: len(mount.mountpoint))
    is_remote = "remote" in innermost.options.split(",")
    if is_remote or innermost.fstype.lower().removeprefix("fuse.") in NETWORK_FILE_SYSTEMS:
        return innermost.fstype or "remote"
    return None


def lock_for_writing(path: Path) -> filelock.BaseFileLock:
    """Take the lock that the operating system gives back even after a kill -9.

    Parameters
    ----------
    path : Path
        Folder of the run record.

    Raises
    ------
    RecordInUseError
        Another process has it.
    RecordError
        The folder cannot be written.
    """
    try:
        return take_lock(path / LOCK_NAME, path / OWNER_NAME)
    except HeldElsewhereError as held:
        raise RecordInUseError(
            f"{path} is in use by {held.owner}. Wait until that run has ended, or stop it."
        ) from None
    except OSError as error:
        raise file_error(path, "written", error) from error
