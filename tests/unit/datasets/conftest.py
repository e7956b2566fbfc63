"""Small data sets."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from signseg_rig.datasets import ImageSet, RecordedData, open_images

N_UNITS, N_IMAGES, N_REPEATS = 3, 4, 2


@pytest.fixture
def pixels() -> dict[str, np.ndarray]:
    """Four images by file name."""
    rng = np.random.default_rng(0)
    return {
        f"{letter}.png": rng.integers(0, 256, (6, 4, 3), dtype=np.uint8)
        for letter in "abcd"[:N_IMAGES]
    }


@pytest.fixture
def images(pixels: dict[str, np.ndarray]) -> ImageSet:
    return open_images(pixels)


@pytest.fixture
def image_folder(tmp_path: Path, pixels: dict[str, np.ndarray]) -> Path:
    folder = tmp_path / "images"
    folder.mkdir()
    for name, image in pixels.items():
        Image.fromarray(image).save(folder / name)
    return folder


@pytest.fixture
def rates() -> np.ndarray:
    return np.random.default_rng(1).uniform(1, 20, (N_UNITS, N_IMAGES, N_REPEATS))


@pytest.fixture
def recorded(images: ImageSet, rates: np.ndarray) -> Callable[..., RecordedData]:
    """Make a data set without problems, of which a test changes what it is about."""

    def make(**changes: Any) -> RecordedData:
        values = {
            "rates_hz": rates.copy(),
            "image_ids": images.ids,
            "unit_ids": ("u0", "u1", "u2"),
            "images": images,
        }
        return RecordedData(**(values | changes))

    return make
