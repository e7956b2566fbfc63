"""A simulated animal with a simulated recording system: it sees the screen and answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar

import numpy as np
from pydantic import Field

from signseg_rig.interfaces import ResponseSource, Simulator, SimulatorContext, SourceContext
from signseg_rig.seeds import named_rng
from signseg_rig.settings import PluginChoice, PluginGroup, Settings
from signseg_rig.values import FloatArray, InvalidReason, Recording, Shown
from signseg_simulators.spiking import (
    SpikingSettings,
    drift_phases,
    modulated_rates_hz,
    spike_trains_s,
)

PAUSE_AFTER_RESTART_S = 1.0


class SimulatedSourceSettings(Settings):
    """A population of neurons, how they fire, and what goes wrong while they are recorded.

    `invalid_share` of the presentations have broken fixation, `missing_edge_share` of the edges of
    the sync line are lost. The recording's clock starts `clock_offset_s` after the display's and
    runs `clock_drift_ppm` parts per million faster; edges come with a normal jitter.
    """

    population: Annotated[PluginChoice, PluginGroup("simulators")]
    spiking: SpikingSettings = SpikingSettings()
    invalid_share: float = Field(default=0.0, ge=0, le=0.9)
    missing_edge_share: float = Field(default=0.0, ge=0, le=0.9)
    clock_offset_s: float = Field(default=100.0, ge=-1e9, le=1e9)
    clock_drift_ppm: float = Field(default=20.0, ge=-200, le=200)
    edge_jitter_s: float = Field(default=0.0002, ge=0, le=0.002)


class SimulatedSource(ResponseSource):
    """Answers what the display reports as a recording system would, on a clock of its own.

    Whatever is random belongs to a presentation, not to the moment, so that a run which was
    killed and resumed meets the same animal.

    Parameters
    ----------
    settings : SimulatedSourceSettings
    context : SourceContext
    """

    Config: ClassVar[type[Settings]] = SimulatedSourceSettings

    def __init__(self, settings: SimulatedSourceSettings, context: SourceContext) -> None:
        self._settings = settings
        self._context = context
        self._population: Simulator = settings.population.load()(
            settings.population.settings, SimulatorContext(seed=context.seed)
        )
        self.unit_names = self._population.unit_names
        self._rates_hz: dict[str, FloatArray] = {}
        self._shift_s = settings.clock_offset_s
        self._last_onset_s = -np.inf

    @classmethod
    def foreseen_unit_names(cls, settings: Any) -> tuple[str, ...] | None:
        """Return the names of the population's units; see `ResponseSource.foreseen_unit_names`."""
        population: type[Simulator] = settings.population.load()
        return population.foreseen_unit_names(settings.population.settings)

    def start(self) -> None:
        """Nothing to connect to: the animal is in this process."""

    def stop(self) -> None:
        """Nothing to disconnect."""

    def read(
        self,
        shown: Sequence[Shown],
        *,
        block: int,
        window_s: tuple[float, float],
        timeout_s: float,
    ) -> Recording:
        """Answer the presentations; see `ResponseSource.read`."""
        del timeout_s  # a simulated clock has always passed
        settings, seed = self._settings, self._context.seed
        ids = [item.presentation_id for item in shown]
        onsets_s = self._acquisition_times_s([item.onset_s for item in shown])
        rates_hz = modulated_rates_hz(
            settings.spiking, self._expected_hz(shown), block=block, seed=seed
        )
        horizon_s = window_s[1] + PAUSE_AFTER_RESTART_S
        return Recording(
            edges_s=self._edges_s(ids, onsets_s),
            spikes_s=spike_trains_s(
                settings.spiking, ids, onsets_s, rates_hz, horizon_s=horizon_s, seed=seed
            ),
            complete_until_s=float(onsets_s.max(initial=0.0)) + horizon_s,
            invalid={
                identity: InvalidReason.FIXATION_BROKEN
                for identity in ids
                if self._draw("fixation", identity) < settings.invalid_share
            },
        )

    def ground_truth(self) -> dict[str, FloatArray]:
        """Return what an analysis of the run would have to find."""
        phases = drift_phases(len(self.unit_names), seed=self._context.seed)
        return {**self._population.ground_truth(), "drift_phase": phases}

    def _expected_hz(self, shown: Sequence[Shown]) -> FloatArray:
        keys = dict.fromkeys(item.pixels_sha256 for item in shown)
        for key in keys.keys() - self._rates_hz.keys():
            self._rates_hz[key] = self._population.rates_hz(self._context.pixels(key)[None])[0]
        # Only what may be shown again soon: this is a run of hours.
        self._rates_hz = {key: self._rates_hz[key] for key in keys}
        rates = [self._rates_hz[item.pixels_sha256] for item in shown]
        return np.stack(rates) if rates else np.empty((0, len(self.unit_names)))

    def _acquisition_times_s(self, display_s: Sequence[float]) -> FloatArray:
        """Convert the display's clock; one that was started anew must not set this clock back."""
        times_s = []
        rate = 1 + self._settings.clock_drift_ppm * 1e-6
        for onset_s in display_s:
            if onset_s < self._last_onset_s:
                self._shift_s += self._last_onset_s - onset_s + PAUSE_AFTER_RESTART_S
            self._last_onset_s = onset_s
            times_s.append(onset_s * rate + self._shift_s)
        return np.array(times_s)

    def _edges_s(self, ids: Sequence[str], onsets_s: FloatArray) -> FloatArray:
        settings = self._settings
        edges_s = [
            onset_s
            + settings.edge_jitter_s
            * named_rng(self._context.seed, "jitter", identity).standard_normal()
            for identity, onset_s in zip(ids, onsets_s, strict=True)
            if self._draw("edge", identity) >= settings.missing_edge_share
        ]
        return np.sort(np.array(edges_s, dtype=np.float64))

    def _draw(self, use: str, identity: str) -> float:
        return float(named_rng(self._context.seed, use, identity).random())
