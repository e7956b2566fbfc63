"""Files named after the hash of what they hold; once there, they are complete."""

from __future__ import annotations

import hashlib
import io
import re
import warnings
from pathlib import Path

import numpy as np
from PIL import Image

from signseg_rig.errors import RecordError
from signseg_rig.files.guarded import make_folder, read_file, refuse_linked_folder
from signseg_rig.files.whole import remove_drafts, write_whole
from signseg_rig.records.faults import DAMAGED, UNREADABLE, file_error
from signseg_rig.records.npy import packed, unpacked
from signseg_rig.records.schema import SCHEMA_VERSION
from signseg_rig.values import FloatArray, ImageArray, array_sha256

BLOBS_NAME = "blobs"
# More than any screen shows, and than a block's codes take.
MAX_IMAGE_BYTES = 128 * 2**20
MAX_ARRAY_BYTES = 1024 * 2**20
_SHA256 = re.compile("[0-9a-f]{64}")


class BlobStore:
    """The `blobs` folder of a run record.

    Parameters
    ----------
    path : Path
        Folder of the run record.
    version : int
        Of the record: images are named by other hashes in version 1.
    """

    def __init__(self, path: Path, version: int = SCHEMA_VERSION) -> None:
        self._folder = path / BLOBS_NAME
        self._sha256 = array_sha256 if version > 1 else _values_sha256

    def prepare(self) -> None:
        """Make the folder, or clear up what a killed writer left in it.

        Raises
        ------
        OSError
            It cannot be made, or is a link.
        """
        make_folder(self._folder)
        remove_drafts(self._folder)

    def put_array(self, array: FloatArray) -> str:
        """Store an array; it is on the disk when this returns.

        Returns
        -------
        name : str
            File name, the sha256 of the file and ``.npy``.

        Raises
        ------
        RecordError
            The disk is full, or the file cannot be written.
        """
        content = packed(array)
        name = f"{hashlib.sha256(content).hexdigest()}.npy"
        if not self._is_intact(name):
            self._write(name, content)
        return name

    def get_array(self, name: str) -> FloatArray:
        """Read an array, and check that it is what was stored.

        Raises
        ------
        RecordError
            The file is missing or damaged.
        """
        content = self._read(name, ".npy", MAX_ARRAY_BYTES)
        if hashlib.sha256(content).hexdigest() != name.removesuffix(".npy"):
            raise self._damaged(name)
        try:
            (array,) = unpacked(content, 1)
        except UNREADABLE:
            raise self._damaged(name) from None
        return array

    def put_bytes(self, content: bytes, suffix: str) -> str:
        """Store bytes; they are on the disk when this returns.

        Returns
        -------
        name : str
            File name, the sha256 of the bytes and the suffix.

        Raises
        ------
        RecordError
            The disk is full, or the file cannot be written.
        """
        name = f"{hashlib.sha256(content).hexdigest()}{suffix}"
        if not (self._folder / name).exists():
            self._write(name, content)
        return name

    def get_bytes(self, name: str, suffix: str) -> bytes:
        """Read bytes, and check that they are what was stored.

        Raises
        ------
        RecordError
            The file is missing or damaged.
        """
        content = self._read(name, suffix, MAX_ARRAY_BYTES)
        if hashlib.sha256(content).hexdigest() != name.removesuffix(suffix):
            raise self._damaged(name)
        return content

    def put_image(self, key: str, pixels: ImageArray) -> None:
        """Store an image as PNG under the hash of its pixels, unless it is there and whole.

        Raises
        ------
        RecordError
            The disk is full, or the file cannot be written.
        """
        if not self.holds_image(key):
            buffer = io.BytesIO()
            # Level 1: half the time of the default for files a few percent larger.
            Image.fromarray(pixels).save(buffer, format="PNG", compress_level=1)
            self._write(f"{key}.png", buffer.getvalue())

    def get_image(self, key: str) -> ImageArray:
        """Read an image, and check that its pixels are those that were stored.

        Its size is checked before any pixel is decoded.

        Returns
        -------
        pixels : (height, width, 3) uint8 array

        Raises
        ------
        RecordError
            The file is missing or damaged.
        """
        name = f"{key}.png"
        content = self._read(name, ".png", MAX_IMAGE_BYTES)
        try:
            pixels = _decoded(content)
        except (OSError, SyntaxError, *UNREADABLE):
            raise self._damaged(name) from None
        if self._sha256(pixels) != key:
            raise self._damaged(name)
        return pixels

    def has_image(self, key: str) -> bool:
        """Return whether an image is on the disk yet."""
        return _SHA256.fullmatch(key) is not None and (self._folder / f"{key}.png").is_file()

    def holds_image(self, key: str) -> bool:
        """Return whether an image is on the disk, and is the one of its name."""
        if not self.has_image(key):
            return False
        try:
            self.get_image(key)
        except RecordError:
            return False
        return True

    def _is_intact(self, name: str) -> bool:
        if not (self._folder / name).exists():
            return False
        content = self._read(name, ".npy", MAX_ARRAY_BYTES)
        return hashlib.sha256(content).hexdigest() == name.removesuffix(".npy")

    def _read(self, name: str, suffix: str, max_bytes: int) -> bytes:
        if not (name.endswith(suffix) and _SHA256.fullmatch(name.removesuffix(suffix))):
            raise RecordError(
                f"The run record names {name!r:.80} as a file in {self._folder}, which no run "
                f"writes. {DAMAGED}"
            )
        path = self._folder / name
        try:
            refuse_linked_folder(self._folder)
            return read_file(path, max_bytes=max_bytes)
        except OSError as error:
            raise file_error(path, "read", error) from None

    def _write(self, name: str, content: bytes) -> None:
        path = self._folder / name
        try:
            write_whole(path, content)
        except OSError as error:
            raise file_error(path, "written", error) from error

    def _damaged(self, name: str) -> RecordError:
        return RecordError(f"{self._folder / name} does not hold what its name says. {DAMAGED}")


def _decoded(content: bytes) -> ImageArray:
    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            with Image.open(io.BytesIO(content), formats=["PNG"]) as image:
                n_bytes = image.width * image.height * 3
                if image.mode != "RGB" or n_bytes > MAX_IMAGE_BYTES:
                    raise ValueError(f"{image.mode} of {image.size} is no image of a run")
                return np.array(image)
        except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
            raise ValueError(str(error)) from error


def _values_sha256(pixels: ImageArray) -> str:
    return hashlib.sha256(np.ascontiguousarray(pixels).data).hexdigest()
