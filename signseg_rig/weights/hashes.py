"""Hashes of files: computed once for as long as a file stays, and kept beside those without one.

A weight file whose publisher tells no hash is pinned: that of the first one which is fetched or
added is written into a file beside it, and compared from then on.
"""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache
from pathlib import Path

from signseg_rig.files.user import read_user_file
from signseg_rig.files.whole import write_whole

CHUNK_BYTES = 2**20
N_DIGITS = 64


def file_sha256(path: Path) -> str:
    """Hash a file without reading it into memory at once; again only once it has changed."""
    status = path.stat()
    identity = (
        status.st_dev,
        status.st_ino,
        status.st_size,
        status.st_mtime_ns,
        status.st_ctime_ns,
    )
    return _sha256(path, identity)


def pin_of(path: Path) -> Path:
    """Return the file in which the hash of a weight file is kept."""
    return path.with_name(f"{path.name}.sha256")


def pinned_sha256(path: Path) -> str:
    """Return the hash that is kept of a file; empty where none is, or what is there is no hash."""
    try:
        text = read_user_file(pin_of(path)).decode("ascii")
    except ValueError:
        return ""
    found = re.match(r"([0-9a-f]{64})\b", text)
    return found[1] if found else ""


def pin(path: Path, sha256: str) -> None:
    """Keep the hash of a file, in the form that ``sha256sum --check`` reads.

    Raises
    ------
    OSError
        It cannot be written.
    """
    write_whole(pin_of(path), f"{sha256}  {path.name}\n".encode())


@lru_cache(maxsize=256)
def _sha256(path: Path, _identity: tuple[int, ...]) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()
