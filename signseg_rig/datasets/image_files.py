"""Image files in folders and in zip archives."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath

from signseg_rig.datasets.image_sets import ArrayImages, ImageSet, Load
from signseg_rig.datasets.problems import listed
from signseg_rig.errors import DataSetError, PictureError
from signseg_rig.files.pictures import FORMATS, describe_left_out, is_picture_name, read_picture
from signseg_rig.values import ImageArray

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


def open_images(source: ImageSet | Path | str | Mapping[str, ImageArray]) -> ImageSet:
    """Open images wherever they are.

    Parameters
    ----------
    source : ImageSet, path of a folder or a zip archive, or mapping of id to array
        Of a folder the PNG, JPEG, BMP and TIFF files, of an archive those at any depth; sorted by
        name as text (10 comes before 2), hidden files and what macOS adds left out. Of a mapping
        (height, width, 3) or (height, width) uint8 arrays, in its order.

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


def _folder_images(folder: Path) -> FolderImages:
    # By name as text: paths themselves compare without regard to case on Windows.
    names = tuple(
        sorted(
            path.name for path in folder.iterdir() if is_picture_name(path.name) and path.is_file()
        )
    )
    _check_some(names, folder)
    return FolderImages(names, names, folder, left_out=describe_left_out(folder))


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
