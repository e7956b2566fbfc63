"""Spike trains of presentations, drawn so that a replayed presentation gets the same spikes."""

from __future__ import annotations

import numpy as np
from pydantic import Field

from signseg_rig.seeds import named_rng
from signseg_rig.settings import Settings
from signseg_rig.values import FloatArray


class SpikingSettings(Settings):
    """How expected rates become spikes.

    Spikes are Poisson: at `baseline_hz` all the time, and at the evoked rate for
    `response_duration_s` from `latency_s` after the onset. Adaptation multiplies the evoked rate by
    ``1 - adaptation * state``; the state follows rate / max_rate_hz with a time constant of
    `adaptation_presentations`, and starts at 0 wherever showing starts: with every pass through a
    block, and after a pause, in which the neurons recover. Drift multiplies it by
    ``exp(drift * sin(2 pi (block / drift_period_blocks + phase)))``, each unit with its own phase.
    """

    baseline_hz: float = Field(default=5.0, ge=0, le=1000)
    latency_s: float = Field(default=0.05, ge=0, le=1)
    response_duration_s: float = Field(default=0.15, gt=0, le=5)
    adaptation: float = Field(default=0.0, ge=0, le=1)
    adaptation_presentations: float = Field(default=5.0, gt=0, le=1000)
    max_rate_hz: float = Field(default=150.0, gt=0, le=10_000)
    drift: float = Field(default=0.0, ge=0, le=2)
    drift_period_blocks: float = Field(default=50.0, gt=0, le=1e6)


class Firing:
    """The neurons' state from presentation to presentation, and the spikes that they fire.

    Parameters
    ----------
    settings : SpikingSettings
    n_units : int
    seed : int

    Notes
    -----
    Spikes are drawn relative to the onset of their presentation, from a random stream of its own.
    Counts in windows that end before the next onset are therefore the same in every replay,
    whatever the screen's timing.
    """

    def __init__(self, settings: SpikingSettings, *, n_units: int, seed: int) -> None:
        self._settings = settings
        self._seed = seed
        self._phases = drift_phases(n_units, seed=seed)
        self._gain: FloatArray = np.ones(n_units)
        self._state: FloatArray = np.zeros(n_units)

    def begin(self, block: int) -> None:
        """Recover from adaptation, and drift on to a block."""
        settings = self._settings
        cycles = block / settings.drift_period_blocks + self._phases
        self._gain = np.exp(settings.drift * np.sin(2 * np.pi * cycles))
        self._state = np.zeros_like(self._state)

    def rates_hz(self, expected_hz: FloatArray) -> FloatArray:
        """Apply adaptation and drift to the rates of the next presentation.

        Parameters
        ----------
        expected_hz : (n_units,) float array, in spikes per second

        Returns
        -------
        rates_hz : (n_units,) float array, in spikes per second
        """
        settings = self._settings
        rates_hz: FloatArray = expected_hz * self._gain * (1 - settings.adaptation * self._state)
        # The state counts presentations, not seconds: the timing of a screen would make a replayed
        # block another one.
        decay = np.exp(-1 / settings.adaptation_presentations)
        drive = np.minimum(rates_hz / settings.max_rate_hz, 1)
        self._state = decay * self._state + (1 - decay) * drive
        return rates_hz

    def trains_s(
        self, presentation_id: str, rates_hz: FloatArray, *, horizon_s: float
    ) -> tuple[list[FloatArray], list[FloatArray]]:
        """Draw the spikes of one presentation, relative to its onset.

        Parameters
        ----------
        presentation_id : str
        rates_hz : (n_units,) float array, in spikes per second
            During the response.
        horizon_s : float, in seconds
            How long after the onset the neurons go on firing.

        Returns
        -------
        spontaneous_s, evoked_s : lists of (n_spikes,) float arrays, in seconds
            One array per unit.
        """
        rng = named_rng(self._seed, "spikes", presentation_id)
        trains = [self._train_s(float(rate_hz), horizon_s, rng) for rate_hz in rates_hz]
        return [spontaneous for spontaneous, _ in trains], [evoked for _, evoked in trains]

    def _train_s(
        self, rate_hz: float, horizon_s: float, rng: np.random.Generator
    ) -> tuple[FloatArray, FloatArray]:
        settings = self._settings
        n_spontaneous = rng.poisson(settings.baseline_hz * horizon_s)
        spontaneous_s = rng.random(n_spontaneous) * horizon_s
        n_evoked = rng.poisson(rate_hz * settings.response_duration_s)
        evoked_s = settings.latency_s + rng.random(n_evoked) * settings.response_duration_s
        end_s = settings.latency_s + settings.response_duration_s
        is_outside = (spontaneous_s < settings.latency_s) | (spontaneous_s >= end_s)
        return spontaneous_s[is_outside], evoked_s


def drift_phases(n_units: int, *, seed: int) -> FloatArray:
    """(n_units,) float array: at which share of its period the drift of each unit begins."""
    return named_rng(seed, "drift").random(n_units)
