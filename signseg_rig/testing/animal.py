"""A toy animal that answers whole blocks at once, and what a protocol needs to meet it."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from signseg_rig.errors import OptimizerError
from signseg_rig.interfaces import Optimizer, ProtocolContext, SimulatorContext
from signseg_rig.seeds import named_rng
from signseg_rig.settings import PluginChoice, Settings
from signseg_rig.testing.synthetic import (
    LinearGenerator,
    LinearGeneratorSettings,
    PixelPopulation,
    PixelPopulationSettings,
)
from signseg_rig.values import (
    FloatArray,
    ImageArray,
    InvalidReason,
    ResponseBatch,
    Stimulus,
    StimulusBatch,
)

GENERATOR = "toy"
UNIT_NAMES = ("unit_0", "unit_1", "unit_2", "unit_3")
BASELINE_HZ = 5.0
# What an invalid presentation may hold: nothing, or a count of something else.
GARBAGE_HZ = (float("nan"), 1e9)


def toy_context(seed: int = 0) -> ProtocolContext:
    """Return a context with the generator `GENERATOR` and the units `UNIT_NAMES`."""
    generators = {GENERATOR: LinearGenerator(LinearGeneratorSettings(n_dims=6, image_size_px=16))}
    return ProtocolContext(seed=seed, generators=generators, unit_names=UNIT_NAMES)


class Animal:
    """Answers blocks with the rates of `PixelPopulation` and noise; called with block and batch.

    The answer to a stimulus depends on the block and the stimulus, not on the order of showing nor
    on what else is in the block.

    Parameters
    ----------
    seed : int
        Of the noise, and of what is invalid.
    order_seed : int
        Of the order in which a block is shown.
    noise_hz : float, in spikes per second
        Standard deviation of the evoked rate.
    invalid_fraction : float, in [0, 1]
        Probability that a presentation is invalid.
    """

    def __init__(
        self,
        seed: int = 0,
        *,
        order_seed: int = 0,
        noise_hz: float = 1.0,
        invalid_fraction: float = 0.0,
    ) -> None:
        self._seed = seed
        self._order_seed = order_seed
        self._noise_hz = noise_hz
        self._invalid_fraction = invalid_fraction
        self._generator = toy_context().generators[GENERATOR]
        self._neurons = PixelPopulation(
            PixelPopulationSettings(n_units=len(UNIT_NAMES)), SimulatorContext(seed=seed)
        )

    def __call__(self, block: int, batch: StimulusBatch) -> ResponseBatch:
        """Show a block, and count."""
        rates_hz = self._neurons.rates_hz(np.stack(self._images(batch)))
        order = self._order(block, batch)
        answers = [
            self._answer(rates_hz[index], block, batch.stimuli[index], showing)
            for index, showing in order
        ]
        evoked_hz = np.stack([answer for answer, _reason in answers])
        baseline_hz = np.where(np.isnan(evoked_hz), np.nan, BASELINE_HZ)
        for array in (evoked_hz, baseline_hz):
            # A protocol reads responses; the loop records them.
            array.setflags(write=False)
        return ResponseBatch(
            presentation_ids=tuple(f"b{block}-s{index}-r{showing}" for index, showing in order),
            stimulus_index=np.array([index for index, _showing in order]),
            evoked_hz=evoked_hz,
            baseline_hz=baseline_hz,
            reasons=tuple(reason for _answer, reason in answers),
            unit_names=UNIT_NAMES,
        )

    def _order(self, block: int, batch: StimulusBatch) -> list[tuple[int, int]]:
        showings = list(itertools.product(range(len(batch.stimuli)), range(batch.n_showings)))
        rng = named_rng(self._order_seed, "order", block)
        return [showings[position] for position in rng.permutation(len(showings))]

    def _answer(
        self, rates_hz: FloatArray, block: int, stimulus: Stimulus, showing: int
    ) -> tuple[FloatArray, InvalidReason | None]:
        rng = named_rng(self._seed, block, stimulus.thread, stimulus.index, showing)
        if rng.random() < self._invalid_fraction:
            garbage_hz = np.full(rates_hz.shape, rng.choice(GARBAGE_HZ))
            return garbage_hz, InvalidReason.FIXATION_BROKEN
        noise_hz = self._noise_hz * rng.standard_normal(rates_hz.shape)
        return BASELINE_HZ + rates_hz + noise_hz, None

    def _images(self, batch: StimulusBatch) -> list[ImageArray]:
        return [
            stimulus.image
            if stimulus.image is not None
            else self._generator.render(np.stack([stimulus.code]))[0]  # type: ignore[list-item]
            for stimulus in batch.stimuli
        ]


class HillClimberSettings(Settings):
    """Settings of `HillClimber`."""

    n_codes: int = 8
    step: float = 0.5


class HillClimber(Optimizer):
    """A small evolution strategy that is strict about what it is told.

    The next generation is drawn around the mean of the better half of what was told.
    """

    Config = HillClimberSettings

    def __init__(
        self, settings: HillClimberSettings, *, n_dims: int, rng: np.random.Generator
    ) -> None:
        self.n_dims = n_dims
        self.n_codes = settings.n_codes
        self._step = settings.step
        self._rng = rng
        self._mean = np.zeros(n_dims)
        self._asked = np.empty((0, n_dims))

    def ask(self) -> FloatArray:
        """Draw codes around the mean; see `Optimizer.ask`."""
        noise = self._rng.standard_normal((self.n_codes, self.n_dims))
        self._asked = self._mean + self._step * noise
        return self._asked

    def tell(self, codes: FloatArray, scores: FloatArray) -> None:
        """Move the mean; see `Optimizer.tell`."""
        asked = {code.tobytes() for code in self._asked}
        if any(code.tobytes() not in asked for code in codes):
            raise OptimizerError("It is told about a code that the last ask did not propose.")
        if scores.shape != (len(codes),) or not scores.size or not np.isfinite(scores).all():
            raise OptimizerError(
                f"It needs one finite score for each of {len(codes)} codes; got {scores!r}."
            )
        n_better = (len(codes) + 1) // 2
        self._mean = codes[np.argsort(-scores, kind="stable")[:n_better]].mean(axis=0)
        self._asked = np.empty((0, self.n_dims))


class _HillClimberChoice(PluginChoice):
    """Chooses `HillClimber` without an entry point."""

    def load(self) -> Any:
        return HillClimber


def hill_climber(n_codes: int = 8, step: float = 0.5) -> PluginChoice:
    """Choose `HillClimber`, as ``kind = "..."`` chooses an installed optimizer."""
    settings = HillClimberSettings(n_codes=n_codes, step=step)
    return _HillClimberChoice(group="optimizers", kind="hill_climber", settings=settings)
