"""The images of a recorded data set: known by name at once, decoded when they are read."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import PurePosixPath
from typing import Self

import numpy as np

from signseg_rig.datasets.names import composed
from signseg_rig.datasets.problems import listed
from signseg_rig.errors import DataSetError, PictureError
from signseg_rig.files.pictures import describe_unusable
from signseg_rig.values import ImageArray, array_sha256

Load = Callable[[str], ImageArray]


@dataclass(frozen=True, eq=False)
class ImageSet(ABC):
    """Images with ids, in a fixed order.

    Parameters
    ----------
    ids : tuple of str
    keys : tuple of str
        The same images by the names under which their source knows them.
    offered : tuple of str
        The ids among which those of responses were looked for, for messages; see `matched`.
    left_out : str, optional
        What in the source looks like images and is none of these, in a sentence.

    Raises
    ------
    DataSetError
        Two ids look the same, and differ only in how accents are written.
    """

    ids: tuple[str, ...]
    keys: tuple[str, ...]
    offered: tuple[str, ...] = field(default=(), kw_only=True)
    left_out: str | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        alike: dict[str, set[str]] = {}
        for image_id in self.ids:
            alike.setdefault(composed(image_id), set()).add(image_id)
        if twice := sorted(name for name, ids in alike.items() if len(ids) > 1):
            raise DataSetError(
                f"{len(twice)} names of {self.source} stand for two images each: {listed(twice)}. "
                "They look the same, but their accents are written differently; rename one."
            )

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
        """Return some of the images, in the order of the indices."""
        return replace(
            self,
            ids=tuple(self.ids[index] for index in indices),
            keys=tuple(self.keys[index] for index in indices),
            offered=(),
        )

    def matched(self, image_ids: Iterable[str]) -> Self:
        """Return the images of responses, in their order; what has no image is passed over.

        Parameters
        ----------
        image_ids : iterable of str
            As `find` takes them.

        Returns
        -------
        images : ImageSet
            Remembers as `offered` what there was, for whoever has to say what was not found.
        """
        found = [self.find(image_id) for image_id in image_ids]
        chosen = self.select([index for index in found if index is not None])
        return replace(chosen, offered=self.offered or self.ids)

    def find(self, image_id: str) -> int | None:
        """Find an image by its id, or by its id without folders and suffix where that is unique.

        Names that look the same are the same, however their accents are written (NFC or NFD).
        """
        return self._positions.get(composed(image_id))

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
        ids = list(map(composed, self.ids))
        stems = [PurePosixPath(image_id).stem for image_id in ids]
        counts = Counter(stems)
        by_stem = {stem: index for index, stem in enumerate(stems) if counts[stem] == 1}
        return by_stem | {image_id: index for index, image_id in enumerate(ids)}


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
