"""A generator and a recording system that need no weights, for tests and benchmarks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from signseg_rig.interfaces import Generator, ResponseSource, SourceContext
from signseg_rig.seeds import named_rng
from signseg_rig.settings import Settings
from signseg_rig.types import FloatArray, ImageArray, Recording, Shown


class SyntheticSettings(Settings):
    """No settings: these parts are made in Python."""


class LinearGenerator(Generator):
    """Smooth images: each dimension of the code adds one random grating.

    Parameters
    ----------
    n_dims : int
    image_size_px : int
    seed : int
    """

    Config = SyntheticSettings

    def __init__(self, *, n_dims: int, image_size_px: int, seed: int = 0) -> None:
        self.n_dims = n_dims
        self.image_size_px = image_size_px
        rng = np.random.default_rng(seed)
        y, x = np.mgrid[0 : 1 : 1j * image_size_px, 0 : 1 : 1j * image_size_px].astype(np.float32)  # type: ignore[misc]
        waves = rng.uniform(-4, 4, (n_dims, 2, 1, 1)).astype(np.float32)
        phases = rng.uniform(0, 2 * np.pi, (n_dims, 1, 1)).astype(np.float32)
        gratings = np.cos(2 * np.pi * (waves[:, 0] * x + waves[:, 1] * y) + phases)
        colors = rng.standard_normal((n_dims, 3)).astype(np.float32)
        basis = gratings.reshape(n_dims, -1, 1) * colors[:, None, :]
        self._basis = basis.reshape(n_dims, -1) * np.float32(40 / np.sqrt(n_dims))

    def render(self, codes: FloatArray) -> ImageArray:
        """Render codes to images; see `Generator.render`."""
        pixels = codes.astype(np.float32) @ self._basis + 128
        size = self.image_size_px
        return np.clip(np.rint(pixels), 0, 255).astype(np.uint8).reshape(-1, size, size, 3)


class PixelSource(ResponseSource):
    """An animal whose units fire in proportion to random filters of the pixels, without noise.

    Its clock is the display's plus an offset.

    Parameters
    ----------
    context : SourceContext
    n_units : int
    clock_offset_s : float, in seconds
    """

    Config = SyntheticSettings
    max_rate_hz = 200.0

    def __init__(
        self, context: SourceContext, *, n_units: int = 2, clock_offset_s: float = 1000.0
    ) -> None:
        self.unit_names = tuple(f"unit_{index}" for index in range(n_units))
        self._context = context
        self._clock_offset_s = clock_offset_s

    def start(self) -> None:
        """Nothing to connect to."""

    def stop(self) -> None:
        """Nothing to disconnect."""

    def rates_hz(self, image: ImageArray) -> FloatArray:
        """Give the evoked rate of every unit for one image.

        Returns
        -------
        rate_hz : (n_units,) float array, in spikes per second
        """
        # Eight by eight means are enough of an image to be selective for.
        rows = np.array_split(image.astype(np.float64), 8, axis=0)
        cells = [cell.mean(axis=(0, 1)) for row in rows for cell in np.array_split(row, 8, axis=1)]
        features = (np.concatenate(cells) - 128) / 64
        filters = [
            named_rng(0, "pixel source", unit).standard_normal(features.size)
            for unit in range(len(self.unit_names))
        ]
        drive = np.stack(filters) @ features / np.sqrt(features.size)
        return np.clip(40 + 40 * drive, 0, self.max_rate_hz)

    def read(
        self, shown: Sequence[Shown], *, window_s: tuple[float, float], timeout_s: float
    ) -> Recording:
        """Answer the presentations; see `ResponseSource.read`."""
        del timeout_s
        spikes: list[list[FloatArray]] = [[] for _ in self.unit_names]
        onsets_s = np.array([item.onset_s for item in shown]) + self._clock_offset_s
        for onset_s, item in zip(onsets_s, shown, strict=True):
            rates_hz = self.rates_hz(self._context.pixels(item.pixels_sha256))
            for unit, rate_hz in enumerate(rates_hz):
                n_spikes = round(rate_hz * 0.1)
                spikes[unit].append(onset_s + 0.05 + np.linspace(0, 0.1, n_spikes, endpoint=False))
        return Recording(
            edges_s=onsets_s,
            spikes_s=tuple(np.sort(np.concatenate([*part, np.empty(0)])) for part in spikes),
            complete_until_s=float(onsets_s.max(initial=0.0)) + window_s[1] + 1.0,
        )
