"""The images of a recorded data set: known by name at once, decoded when they are read."""

from __future__ import annotations

import io
import zipfile
import zlib
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path, PurePosixPath
from typing import Self

import numpy as np

from signseg_rig.datasets.problems import listed
from signseg_rig.errors import DataSetError, PictureError
from signseg_rig.pictures import FORMATS, describe_unusable, is_picture_name, read_picture
from signseg_rig.types import ImageArray, array_sha256

# A photograph of the largest size that is accepted, saved without compression, and then some.
MAX_MEMBER_BYTES = 2**26
# All that zipfile raises for members that are damaged, encrypted, or packed in an unknown way.
MEMBER_ERRORS = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,
    OSError,
    RuntimeError,
)

Load = Callable[[str], ImageArray]


@dataclass(frozen=True, eq=False)
class ImageSet(ABC):
    """Images with ids, in a fixed order.

    Parameters
    ----------
    ids : tuple of str
    keys : tuple of str
        The same images by the names under which their source knows them.
    """

    ids: tuple[str, ...]
    keys: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.ids)

    @property
    @abstractmethod
    def source(self) -> str:
        """Where the images are, for messages."""

    @abstractmethod
    def _opened(self) -> AbstractContextManager[Load]:
        """Open the source once for many images; what it gives raises a `PictureError`."""

    def read(self, indices: Sequence[int] | None = None) -> Iterator[ImageArray]:
        """Decode images one after the other.

        Parameters
        ----------
        indices : sequence of int, optional
            Which ones; all by default.

        Yields
        ------
        image : (height, width, 3) uint8 array

        Raises
        ------
        PictureError
            An image cannot be decoded.
        """
        keys = self.keys if indices is None else [self.keys[index] for index in indices]
        with self._opened() as load:
            for key in keys:
                yield load(key)

    def select(self, indices: Sequence[int]) -> Self:
        """Give some of the images, in the order of the indices."""
        return replace(
            self,
            ids=tuple(self.ids[index] for index in indices),
            keys=tuple(self.keys[index] for index in indices),
        )

    def find(self, image_id: str) -> int | None:
        """Find an image by its id, or by its id without folders and suffix where that is unique."""
        return self._positions.get(image_id)

    @property
    def sha256(self) -> tuple[str, ...]:
        """The hash of every image's pixels; all images are decoded once, the first time.

        Raises
        ------
        DataSetError
            Images cannot be used; all of them are listed.
        """
        hashes, problems = self._scanned
        if problems:
            raise DataSetError(describe_unusable(problems, len(self), self.source))
        return hashes

    @property
    def problems(self) -> tuple[str, ...]:
        """Why images cannot be used, one sentence for each that cannot."""
        return self._scanned[1]

    @cached_property
    def _scanned(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        hashes, problems = [], []
        with self._opened() as load:
            for key in self.keys:
                try:
                    hashes.append(array_sha256(load(key)))
                except PictureError as error:
                    problems.append(str(error))
        return tuple(hashes), tuple(problems)

    @cached_property
    def _positions(self) -> dict[str, int]:
        stems = [PurePosixPath(image_id).stem for image_id in self.ids]
        counts = Counter(stems)
        by_stem = {stem: index for index, stem in enumerate(stems) if counts[stem] == 1}
        return by_stem | {image_id: index for index, image_id in enumerate(self.ids)}


@dataclass(frozen=True, eq=False)
class FolderImages(ImageSet):
    """Image files in one folder."""

    folder: Path

    @property
    def source(self) -> str:
        """The folder."""
        return str(self.folder)

    def _opened(self) -> AbstractContextManager[Load]:
        return nullcontext(lambda name: read_picture(self.folder / name, name))


@dataclass(frozen=True, eq=False)
class ZipImages(ImageSet):
    """Image files in a zip archive, read without unpacking it."""

    path: Path

    @property
    def source(self) -> str:
        """The archive."""
        return str(self.path)

    @contextmanager
    def _opened(self) -> Iterator[Load]:
        with zipfile.ZipFile(self.path) as archive:
            yield partial(_read_member, archive)


@dataclass(frozen=True, eq=False)
class ArrayImages(ImageSet):
    """Images in memory."""

    arrays: Mapping[str, ImageArray]

    @property
    def source(self) -> str:
        """Memory."""
        return "memory"

    def _opened(self) -> AbstractContextManager[Load]:
        return nullcontext(self._load)

    def _load(self, key: str) -> ImageArray:
        return rgb_image(np.asarray(self.arrays[key]), key)


def open_images(source: ImageSet | Path | str | Mapping[str, ImageArray]) -> ImageSet:
    """Open images wherever they are.

    Parameters
    ----------
    source : ImageSet, path of a folder or a zip archive, or mapping of id to array
        Of a folder the PNG, JPEG, BMP and TIFF files, of an archive those at any depth; sorted by
        name, hidden files and what macOS adds left out. Of a mapping (height, width, 3) or
        (height, width) uint8 arrays, in its order.

    Returns
    -------
    images : ImageSet
        Ids are file names; of an archive with one name in several folders, paths inside it.

    Raises
    ------
    DataSetError
        There is no such folder or archive, or it holds no images.
    """
    if isinstance(source, ImageSet):
        return source
    if isinstance(source, Mapping):
        return ArrayImages(tuple(source), tuple(source), source)
    path = Path(source)
    if path.is_dir():
        return _folder_images(path)
    if zipfile.is_zipfile(path):
        return _zip_images(path)
    raise DataSetError(
        f"There are no images at {path.absolute()}: it is "
        f"{'neither a folder nor a zip archive' if path.exists() else 'not there'}. "
        "Name a folder or a zip archive of image files."
    )


def rgb_image(pixels: np.ndarray[tuple[int, ...], np.dtype[np.generic]], name: str) -> ImageArray:
    """Check that an array is an image of 8-bit values, and give it with three channels.

    Parameters
    ----------
    pixels : (height, width), (height, width, 1) or (height, width, 3) array of whole numbers
    name : str
        What errors call it.

    Raises
    ------
    PictureError
        The array has another shape, or values that 8 bits do not hold.
    """
    if pixels.ndim == 2:
        pixels = pixels[:, :, np.newaxis]
    if pixels.ndim != 3 or pixels.shape[2] not in (1, 3) or not pixels.size:
        raise PictureError(
            f"{name}: has the shape {pixels.shape}; expected is (height, width, 3), or (height, "
            "width) for gray."
        )
    if not np.issubdtype(pixels.dtype, np.integer):
        raise PictureError(f"{name}: holds {pixels.dtype}; save it as 8-bit values.")
    if pixels.min() < 0 or pixels.max() > 255:
        raise PictureError(
            f"{name}: holds values from {pixels.min()} to {pixels.max()}; 8-bit ones end at 255."
        )
    shape = (*pixels.shape[:2], 3)
    return np.ascontiguousarray(np.broadcast_to(pixels, shape).astype(np.uint8))


def _folder_images(folder: Path) -> FolderImages:
    # By name as text: paths themselves compare without regard to case on Windows.
    names = tuple(
        sorted(
            path.name for path in folder.iterdir() if is_picture_name(path.name) and path.is_file()
        )
    )
    _check_some(names, folder)
    return FolderImages(names, names, folder)


def _zip_images(path: Path) -> ZipImages:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except MEMBER_ERRORS as error:
        raise DataSetError(f"The archive {path} cannot be read: {error}. Pack it anew.") from error
    keys = sorted(name for name in names if _is_picture_member(name))
    _check_some(keys, path)
    if repeated := sorted(key for key, count in Counter(keys).items() if count > 1):
        raise DataSetError(
            f"The archive {path} holds {len(repeated)} names twice: {listed(repeated)}. Pack it "
            "anew."
        )
    base_names = [PurePosixPath(key).name for key in keys]
    is_flat = len(set(base_names)) == len(base_names)
    return ZipImages(tuple(base_names if is_flat else keys), tuple(keys), path)


def _is_picture_member(name: str) -> bool:
    folders, base_name = PurePosixPath(name).parts[:-1], PurePosixPath(name).name
    is_hidden = any(folder.startswith((".", "__MACOSX")) for folder in folders)
    return not is_hidden and not name.endswith("/") and is_picture_name(base_name)


def _check_some(names: Sequence[str], where: Path) -> None:
    if not names:
        raise DataSetError(
            f"{where} holds no images ({', '.join(FORMATS)}). Name a folder or archive that does."
        )


def _read_member(archive: zipfile.ZipFile, key: str) -> ImageArray:
    """Read one member; zipfile reads no more than the size that was checked."""
    n_bytes = archive.getinfo(key).file_size
    if n_bytes > MAX_MEMBER_BYTES:
        raise PictureError(
            f"{key}: unpacks to {n_bytes >> 20} MiB; at most {MAX_MEMBER_BYTES >> 20} are read."
        )
    try:
        packed = archive.read(key)
    except MEMBER_ERRORS as error:
        raise PictureError(f"{key}: cannot be unpacked: {error}") from error
    return read_picture(io.BytesIO(packed), key)
