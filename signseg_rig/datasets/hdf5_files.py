"""HDF5 files that hold what they give: none of it comes out of other files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from signseg_rig.errors import DataSetError

# MATLAB puts 512 bytes of its own before what HDF5 begins with; other programs do not.
SIGNATURE = b"\x89HDF\r\n\x1a\n"
OFFSETS = (0, 512)


def is_hdf5(path: Path) -> bool:
    """Check whether a file begins as HDF5 does.

    Raises
    ------
    OSError
        It cannot be read.
    """
    with path.open("rb") as file:
        start = file.read(OFFSETS[-1] + len(SIGNATURE))
    return any(start[offset:].startswith(SIGNATURE) for offset in OFFSETS)


def require_self_contained(file: Any, path: Path) -> None:
    """Check that nothing in an HDF5 file leads out of it.

    Parameters
    ----------
    file : h5py.File
    path : Path
        Of the file, for messages.

    Raises
    ------
    DataSetError
        A link or a data set names another file. HDF5 would open whatever it names, such as a
        password file, and its bytes would count as rates.

    Notes
    -----
    Links within the file, hard or soft, are fine. Groups are searched without following any
    other.
    """
    import h5py

    groups = [("", file)]
    seen = set()
    while groups:
        place, group = groups.pop()
        for name in group:
            kind = group.get(name, getlink=True)
            if isinstance(kind, h5py.ExternalLink):
                raise _leads_out(path, f"{place}/{name}", f"links to {kind.filename!r}")
            if not isinstance(kind, h5py.HardLink):
                continue  # what it leads to is found by its own place, or nowhere
            item = group[name]
            if isinstance(item, h5py.Group):
                address = h5py.h5o.get_info(item.id).addr
                if address not in seen:
                    seen.add(address)
                    groups.append((f"{place}/{name}", item))
            elif isinstance(item, h5py.Dataset):
                _require_stored(item, path, f"{place}/{name}")


def _require_stored(item: Any, path: Path, place: str) -> None:
    if item.external:
        raise _leads_out(path, place, f"is stored in {item.external[0][0]!r}")
    if item.is_virtual:
        others = {source.file_name for source in item.virtual_sources()} - {"."}
        if others:
            raise _leads_out(path, place, f"is put together from {min(others)!r}")


def _leads_out(path: Path, place: str, how: str) -> DataSetError:
    return DataSetError(
        f"{place!r} in {path} {how}, which is another file: nothing is read from it on the word of "
        "this one. Save a file that holds all of its data, for instance with h5repack."
    )
