"""Open NWB files through pynwb, and read the stimulus images in them."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from signseg_rig.datasets.extras import missing_package
from signseg_rig.datasets.hdf5_files import require_self_contained
from signseg_rig.datasets.image_sets import ImageSet, Load, rgb_image
from signseg_rig.errors import DataSetError, PictureError
from signseg_rig.files.pictures import MAX_SIDE_PX
from signseg_rig.values import ImageArray


@dataclass(frozen=True, eq=False)
class NwbImages(ImageSet):
    """The pictures in `Images` containers of an NWB file, as (height, width[, 3]) arrays."""

    path: Path

    @property
    def source(self) -> str:
        """The file."""
        return str(self.path)

    @contextmanager
    def _opened(self) -> Iterator[Load]:
        with opened(self.path) as file:
            found = dict(pictures(file))
            yield lambda key: _pixels(found[key].data, key)


@contextmanager
def opened(path: Path) -> Iterator[Any]:
    """Open an NWB file for reading, and say what is wrong with it if that fails."""
    try:
        from pynwb import NWBHDF5IO
    except ImportError as error:
        raise missing_package("pynwb", f"the NWB file {path}") from error
    _require_own_data(path)
    try:
        with _quiet():
            io = NWBHDF5IO(str(path), mode="r", load_namespaces=True)
    except Exception as error:
        raise _unreadable(path, error) from error
    with io:
        try:
            with _quiet():
                file = io.read()
        except Exception as error:
            raise _unreadable(path, error) from error
        yield file


def _require_own_data(path: Path) -> None:
    """Check that nothing in the file is read from another one: pynwb would follow any link."""
    import h5py

    try:
        with h5py.File(path, "r") as file:
            require_self_contained(file, path)
    except OSError as error:
        raise _unreadable(path, error) from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep warnings of a file's format version from users; what cannot be read is an error."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"(hdmf|pynwb)\.")
        yield


def _unreadable(path: Path, error: Exception) -> DataSetError:
    return DataSetError(
        f"{path} cannot be read as NWB: {type(error).__name__}: {error}. Check it with "
        f"'pynwb-validate {path}'."
    )


def _pixels(data: Any, name: str) -> ImageArray:
    """Read a picture of a size that is plausible."""
    shape = np.shape(data)
    if max(shape, default=0) > MAX_SIDE_PX:
        raise PictureError(f"{name}: has the shape {shape}; a side has at most {MAX_SIDE_PX} px.")
    return rgb_image(np.asarray(data), name)


def pictures(file: Any) -> Iterator[tuple[str, Any]]:
    """Yield the pictures of all `Images` containers among the stimuli, with their names."""
    from pynwb.base import Images

    seen: set[str] = set()
    for container in (*file.stimulus_template.values(), *file.stimulus.values()):
        if not isinstance(container, Images):
            continue
        for name, picture in container.images.items():
            if name in seen:
                raise DataSetError(
                    f"The NWB file has several stimulus images of the name {name!r}; name a folder "
                    "or zip archive of images that are called by their own names."
                )
            seen.add(name)
            yield name, picture
