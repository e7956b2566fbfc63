"""Files named after the hash of what they hold; once there, they are complete."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import numpy as np
from PIL import Image

from signseg_rig.errors import RecordError
from signseg_rig.records.faults import DAMAGED, file_error
from signseg_rig.types import FloatArray, ImageArray, array_sha256
from signseg_rig.whole_files import remove_drafts, write_whole

BLOBS_NAME = "blobs"


class BlobStore:
    """The `blobs` folder of a run record.

    Parameters
    ----------
    path : Path
        Folder of the run record.
    """

    def __init__(self, path: Path) -> None:
        self._folder = path / BLOBS_NAME

    def prepare(self) -> None:
        """Make the folder, or clear up what a killed writer left in it."""
        self._folder.mkdir(exist_ok=True)
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
        buffer = io.BytesIO()
        np.save(buffer, array, allow_pickle=False)
        # Not getbuffer(): Python 3.12.1 crashes when such a view becomes garbage in an error.
        content = buffer.getvalue()
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
        content = self._read(name)
        if hashlib.sha256(content).hexdigest() != name.removesuffix(".npy"):
            raise self._damaged(name)
        array: FloatArray = np.load(io.BytesIO(content), allow_pickle=False)
        return array

    def put_image(self, key: str, pixels: ImageArray) -> None:
        """Store an image as PNG under the hash of its pixels, unless it is there.

        Raises
        ------
        RecordError
            The disk is full, or the file cannot be written.
        """
        if not self.has_image(key):
            buffer = io.BytesIO()
            # Level 1: half the time of the default for files a few percent larger.
            Image.fromarray(pixels).save(buffer, format="PNG", compress_level=1)
            self._write(f"{key}.png", buffer.getvalue())

    def get_image(self, key: str) -> ImageArray:
        """Read an image, and check that its pixels are those that were stored.

        Returns
        -------
        pixels : (height, width, 3) uint8 array

        Raises
        ------
        RecordError
            The file is missing or damaged.
        """
        content = self._read(f"{key}.png")
        try:
            with Image.open(io.BytesIO(content), formats=["PNG"]) as image:
                pixels = np.array(image)
        except (OSError, SyntaxError, ValueError):
            raise self._damaged(f"{key}.png") from None
        if array_sha256(pixels) != key:
            raise self._damaged(f"{key}.png")
        return pixels

    def has_image(self, key: str) -> bool:
        """Tell whether an image is on the disk yet."""
        return (self._folder / f"{key}.png").exists()

    def _is_intact(self, name: str) -> bool:
        path = self._folder / name
        if not path.exists():
            return False
        return hashlib.sha256(self._read(name)).hexdigest() == name.removesuffix(".npy")

    def _read(self, name: str) -> bytes:
        path = self._folder / name
        try:
            return path.read_bytes()
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
