"""Gabor gratings as a generator: orientation, frequency, phase and contrast make a code."""

from __future__ import annotations

import numpy as np
from pydantic import Field

from signseg_rig.interfaces import Generator
from signseg_rig.settings import Settings
from signseg_rig.values import FloatArray, ImageArray


class GratingsSettings(Settings):
    """Settings of ``kind = "gratings"``."""

    image_size_px: int = Field(default=64, ge=8, le=2048)


class Gratings(Generator):
    """Draws one Gabor grating per code.

    Parameters
    ----------
    settings : GratingsSettings

    Notes
    -----
    A code is (orientation, log2 of cycles per image, phase, contrast), each a standard normal
    number that is mapped to its range, so that any optimizer may roam freely.
    """

    Config = GratingsSettings
    n_dims = 4

    def __init__(self, settings: GratingsSettings) -> None:
        self.image_size_px = settings.image_size_px

    def render(self, codes: FloatArray) -> ImageArray:
        """Render codes to images; see `Generator.render`."""
        angle, octaves, phase, contrast = np.asarray(codes, dtype=np.float64).T[..., None, None]
        y, x = np.mgrid[-1 : 1 : 1j * self.image_size_px, -1 : 1 : 1j * self.image_size_px]
        along = x * np.cos(np.pi * angle) + y * np.sin(np.pi * angle)
        cycles = 2.0 ** (2 + np.tanh(octaves))
        carrier = np.cos(np.pi * cycles * along + np.pi * phase)
        envelope = np.exp(-(x**2 + y**2) / (2 * 0.4**2))
        gray = 127.5 * (1 + carrier * envelope / (1 + np.exp(-contrast)))
        levels = np.clip(np.rint(gray), 0, 255).astype(np.uint8)
        return np.repeat(levels[..., None], 3, axis=-1)
