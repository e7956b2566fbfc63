"""Whether an archive unpacks to no more than it should, before anything in it is unpacked."""

from __future__ import annotations

import zipfile
from pathlib import Path

from signseg_rig.errors import WeightsError


def require_plain_archive(path: Path) -> None:
    """Make sure that a weight file, where it is a zip archive, holds what it unpacks to.

    Torch and NumPy write weights as they are. An archive of a few megabytes that unpacks to
    gigabytes, by compression or by members that share their bytes, is made to fill the memory.

    Raises
    ------
    WeightsError
        It unpacks to more than its own size, or is no whole archive.
    """
    try:
        if not zipfile.is_zipfile(path):
            return
        with zipfile.ZipFile(path) as archive:
            n_bytes = sum(member.file_size for member in archive.infolist())
    # Damaged directories raise whatever their fields run into.
    except Exception as error:
        raise WeightsError(
            f"{path} is a damaged archive ({str(error) or type(error).__name__}). Fetch or copy it "
            "again."
        ) from error
    n_own = path.stat().st_size
    if n_bytes > n_own:
        raise WeightsError(
            f"{path} has {n_own:,} bytes and unpacks to {n_bytes:,}. Weights are stored as they "
            "are, uncompressed: it is no file of torch's, or one made to fill the memory."
        )
