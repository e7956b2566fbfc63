"""A generator, neurons and a recording system that need no weights, for tests and benchmarks."""

from __future__ import annotations

from typing import Any

import numpy as np
from pydantic import Field

from signseg_rig.interfaces import (
    Generator,
    Simulator,
    SimulatorContext,
    SourceContext,
)
from signseg_rig.seeds import named_rng
from signseg_rig.settings import Settings
from signseg_rig.testing.in_process import InProcessSource, Reaction
from signseg_rig.values import FloatArray, ImageArray, Shown

GRID = 8


class LinearGeneratorSettings(Settings):
    """Settings of `LinearGenerator`."""

    n_dims: int = Field(default=20, ge=1)
    image_size_px: int = Field(default=32, ge=1)
    seed: int = Field(default=0, ge=0)


class LinearGenerator(Generator):
    """Smooth images: each dimension of the code adds one random grating.

    Parameters
    ----------
    settings : LinearGeneratorSettings
    """

    Config = LinearGeneratorSettings

    def __init__(self, settings: LinearGeneratorSettings) -> None:
        self.n_dims = settings.n_dims
        self.image_size_px = settings.image_size_px
        rng = np.random.default_rng(settings.seed)
        along = np.linspace(0, 1, self.image_size_px, dtype=np.float32)
        waves = rng.uniform(-4, 4, (self.n_dims, 2, 1, 1)).astype(np.float32)
        phases = rng.uniform(0, 2 * np.pi, (self.n_dims, 1, 1)).astype(np.float32)
        cycles = waves[:, 0] * along + waves[:, 1] * along[:, None]
        gratings = np.cos(2 * np.pi * cycles + phases).reshape(self.n_dims, -1, 1)
        colors = rng.standard_normal((self.n_dims, 1, 3)).astype(np.float32)
        basis = (gratings * colors).reshape(self.n_dims, -1)
        self._basis: FloatArray = basis * np.float32(40 / np.sqrt(self.n_dims))

    def render(self, codes: FloatArray) -> ImageArray:
        """Render codes to images; see `Generator.render`."""
        # Without BLAS: how it splits the work, and so the last bits, depends on the batch.
        pixels = np.einsum("cd,dp->cp", codes.astype(np.float32), self._basis) + 128
        levels: ImageArray = np.clip(np.rint(pixels), 0, 255).astype(np.uint8)
        return levels.reshape(-1, self.image_size_px, self.image_size_px, 3)


class PixelPopulationSettings(Settings):
    """Settings of `PixelPopulation`."""

    n_units: int = Field(default=2, ge=1)


class PixelPopulation(Simulator):
    """Neurons whose drive is a random filter of the pixels, averaged over a coarse grid.

    Parameters
    ----------
    settings : PixelPopulationSettings
    context : SimulatorContext
    """

    Config = PixelPopulationSettings
    max_rate_hz = 200.0

    def __init__(self, settings: PixelPopulationSettings, context: SimulatorContext) -> None:
        del context
        self.unit_names = self.foreseen_unit_names(settings)
        self._filters = np.stack(
            [
                named_rng(0, "pixel population", unit).standard_normal(GRID * GRID * 3)
                for unit in range(settings.n_units)
            ]
        )

    @classmethod
    def foreseen_unit_names(cls, settings: Any) -> tuple[str, ...]:
        """Return the names of the units; see `Simulator.foreseen_unit_names`."""
        return tuple(f"unit_{index}" for index in range(settings.n_units))

    def rates_hz(self, images: ImageArray) -> FloatArray:
        """Return the expected evoked rates; see `Simulator.rates_hz`."""
        features = np.stack([_grid_means(image) for image in images])
        drive = np.einsum("if,uf->iu", features, self._filters) / GRID
        rate_hz: FloatArray = np.clip(40 + 20 * drive, 0, self.max_rate_hz)
        return rate_hz

    def ground_truth(self) -> dict[str, FloatArray]:
        """Return the filters."""
        return {"filters": self._filters}


class PixelSource(InProcessSource):
    """An animal with a `PixelPopulation` that fires without noise.

    Its clock is the display's plus an offset.

    Parameters
    ----------
    settings : PixelPopulationSettings
    context : SourceContext
    clock_offset_s : float, in seconds
    """

    Config = PixelPopulationSettings

    def __init__(
        self,
        settings: PixelPopulationSettings,
        context: SourceContext,
        *,
        clock_offset_s: float = 1000.0,
    ) -> None:
        self.population = PixelPopulation(settings, SimulatorContext(seed=context.seed))
        super().__init__(context, self.population.unit_names, clock_offset_s=clock_offset_s)

    @classmethod
    def foreseen_unit_names(cls, settings: Any) -> tuple[str, ...]:
        """Return the names of the units; see `ResponseSource.foreseen_unit_names`."""
        return PixelPopulation.foreseen_unit_names(settings)

    def react(self, shown: Shown) -> Reaction:
        """Fire as often as the rates say, evenly; see `InProcessSource.react`."""
        image = self.context.pixels(shown.pixels_sha256)
        counts = np.rint(self.population.rates_hz(image[None])[0] * 0.1).astype(int)
        nothing = np.empty(0)
        return Reaction(
            [nothing] * len(counts),
            [0.05 + np.linspace(0, 0.1, n_spikes, endpoint=False) for n_spikes in counts],
        )


def _grid_means(image: ImageArray) -> FloatArray:
    rows = np.array_split(image.astype(np.float64), GRID, axis=0)
    cells = [cell.mean(axis=(0, 1)) for row in rows for cell in np.array_split(row, GRID, axis=1)]
    means: FloatArray = (np.concatenate(cells) - 128) / 64
    return means
