"""Files named after the hash of what they hold; once there, they are complete."""

from __future__ import annotations

import hashlib
import io
import os
import sys
from pathlib import Path

import numpy as np
from PIL import Image

from signseg_rig.errors import RecordError
from signseg_rig.records.events import FULL_DISK_REMEDY
from signseg_rig.types import FloatArray, ImageArray, array_sha256

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

    def create(self) -> None:
        """Make the folder."""
        self._folder.mkdir(exist_ok=True)

    def put_array(self, array: FloatArray) -> str:
        """Store an array; it is on the disk when this returns.

        Returns
        -------
        name : str
            File name, the sha256 of the file and ``.npy``.
        """
        buffer = io.BytesIO()
        np.save(buffer, array, allow_pickle=False)
        content = buffer.getvalue()
        name = f"{hashlib.sha256(content).hexdigest()}.npy"
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
            raise RecordError(self._damaged(name))
        array: FloatArray = np.load(io.BytesIO(content), allow_pickle=False)
        return array

    def put_image(self, key: str, pixels: ImageArray) -> None:
        """Store an image as PNG under the hash of its pixels, unless it is there."""
        name = f"{key}.png"
        if not (self._folder / name).exists():
            buffer = io.BytesIO()
            # Level 1: half the time of the default for files a few percent larger.
            Image.fromarray(pixels).save(buffer, format="PNG", compress_level=1)
            self._write(name, buffer.getvalue())

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
            with Image.open(io.BytesIO(content)) as image:
                pixels = np.array(image.convert("RGB"))
        except (OSError, SyntaxError, ValueError):
            raise RecordError(self._damaged(f"{key}.png")) from None
        if array_sha256(pixels) != key:
            raise RecordError(self._damaged(f"{key}.png"))
        return pixels

    def has_image(self, key: str) -> bool:
        """Tell whether an image is on the disk yet."""
        return (self._folder / f"{key}.png").exists()

    def _read(self, name: str) -> bytes:
        try:
            return (self._folder / name).read_bytes()
        except OSError as error:
            raise RecordError(
                f"{self._folder / name} cannot be read: {error.strerror}. Restore the folder "
                f"{BLOBS_NAME!r} of this run record from a copy."
            ) from None

    def _damaged(self, name: str) -> str:
        return (
            f"{self._folder / name} does not hold what its name says: the file is damaged. "
            "Restore it from a copy."
        )

    def _write(self, name: str, content: bytes) -> None:
        target = self._folder / name
        if target.exists():
            return
        try:
            write_durably(target, content)
        except OSError as error:
            raise RecordError(
                f"{target} cannot be written: {error.strerror}. {FULL_DISK_REMEDY}"
            ) from error


def write_durably(target: Path, content: bytes) -> None:
    """Write a file so that after a crash it is there completely or not at all."""
    draft = target.with_name(f"{target.name}.{os.getpid()}.part")
    try:
        with draft.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(target)
    except OSError:
        draft.unlink(missing_ok=True)
        raise
    if sys.platform != "win32":
        # The new name is only safe once its folder is; Windows has no such call.
        folder = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
