"""Whether the order of image files is plain from their names."""

from __future__ import annotations

import re
from collections.abc import Sequence

from signseg_rig.datasets.image_files import FolderImages, ZipImages
from signseg_rig.datasets.image_sets import ImageSet
from signseg_rig.datasets.problems import DataProblem, listed

NUMBERS = re.compile("[0-9]+")


def ambiguous_order(images: ImageSet) -> list[DataProblem]:
    """Find numbers without leading zeros in the names of files to which responses have no ids.

    Parameters
    ----------
    images : ImageSet
        Those in memory, and files that were selected in another order than that of their names, are
        in the order that was asked for, whatever they are called.
    """
    names = list(images.keys)
    if not isinstance(images, FolderImages | ZipImages) or names != sorted(names):
        return []
    by_number = _by_number(names)
    if _series(by_number) == _series(names):
        return []
    return [
        DataProblem(
            f"The responses have no image ids, and the order of the images in {images.source} is "
            f"not plain: sorted by name as text it is {listed(names)}, by number it is "
            f"{listed(by_number)}. Give image_ids with the responses, or rename the files with "
            "leading zeros (001, 002, ...)."
        )
    ]


def _series(names: Sequence[str]) -> dict[str, list[str]]:
    """Put names together that differ in numbers only: hashes with digits in them are no numbers."""
    series: dict[str, list[str]] = {}
    for name in names:
        series.setdefault(NUMBERS.sub("0", name), []).append(name)
    return series


def _by_number(names: Sequence[str]) -> list[str]:
    """Sort names as text in which all numbers have as many digits."""
    n_digits = max(len(digits) for name in names for digits in NUMBERS.findall(name) or [""])
    return sorted(
        names, key=lambda name: NUMBERS.sub(lambda digits: digits[0].zfill(n_digits), name)
    )
