"""Spike trains of presentations, drawn so that a replayed presentation gets the same spikes."""

from __future__ import annotations

from collections.abc import Sequence

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


def modulated_rates_hz(
    settings: SpikingSettings, rates_hz: FloatArray, *, block: int, seed: int
) -> FloatArray:
    """Apply adaptation and drift to the expected rates of presentations without a pause.

    Parameters
    ----------
    settings : SpikingSettings
    rates_hz : (n_presentations, n_units) float array, in spikes per second
        In the order of showing.
    block, seed : int

    Returns
    -------
    rates_hz : (n_presentations, n_units) float array, in spikes per second
    """
    cycles = block / settings.drift_period_blocks + drift_phases(rates_hz.shape[1], seed=seed)
    drifted_hz: FloatArray = rates_hz * np.exp(settings.drift * np.sin(2 * np.pi * cycles))
    # The state counts presentations, not seconds: the timing of a screen would make a replayed
    # block another one.
    decay = np.exp(-1 / settings.adaptation_presentations)
    state = np.zeros(rates_hz.shape[1])
    modulated_hz: FloatArray = np.empty_like(drifted_hz)
    for index, rate_hz in enumerate(drifted_hz):
        modulated_hz[index] = rate_hz * (1 - settings.adaptation * state)
        drive = np.minimum(modulated_hz[index] / settings.max_rate_hz, 1)
        state = decay * state + (1 - decay) * drive
    return modulated_hz


def drift_phases(n_units: int, *, seed: int) -> FloatArray:
    """(n_units,) float array: at which share of its period the drift of each unit begins."""
    return named_rng(seed, "drift").random(n_units)


def spike_trains_s(
    settings: SpikingSettings,
    presentation_ids: Sequence[str],
    onsets_s: FloatArray,
    rates_hz: FloatArray,
    *,
    horizon_s: float,
    seed: int,
) -> tuple[FloatArray, ...]:
    """Draw the spikes of one pass.

    Parameters
    ----------
    settings : SpikingSettings
    presentation_ids : sequence of str
        Each draws from a random stream of its own.
    onsets_s : (n_presentations,) float array, in seconds, increasing
    rates_hz : (n_presentations, n_units) float array, in spikes per second
        During the response.
    horizon_s : float, in seconds
        How long after the last onset the neurons go on firing.
    seed : int

    Returns
    -------
    spikes_s : tuple of (n_spikes,) float arrays, in seconds
        Sorted, one per unit, on the clock of the onsets.

    Notes
    -----
    Spikes are drawn relative to the onset of their presentation. Counts in windows that end
    before the next onset are therefore the same in every replay, whatever the screen's timing.
    """
    trains: list[list[FloatArray]] = [[] for _ in range(rates_hz.shape[1])]
    until_s = np.diff(onsets_s, append=np.inf)
    for identity, onset_s, own_s, unit_rates_hz in zip(
        presentation_ids, onsets_s, until_s, rates_hz, strict=True
    ):
        rng = named_rng(seed, "spikes", identity)
        for train, rate_hz in zip(trains, unit_rates_hz, strict=True):
            train.append(onset_s + _train_s(settings, float(rate_hz), own_s, horizon_s, rng))
    return tuple(np.sort(np.concatenate([*train, np.empty(0)])) for train in trains)


def _train_s(
    settings: SpikingSettings,
    rate_hz: float,
    own_s: float,
    horizon_s: float,
    rng: np.random.Generator,
) -> FloatArray:
    """Draw one unit's spikes relative to an onset; what is spontaneous ends at the next onset."""
    n_spontaneous = rng.poisson(settings.baseline_hz * horizon_s)
    spontaneous_s = rng.random(n_spontaneous) * horizon_s
    n_evoked = rng.poisson(rate_hz * settings.response_duration_s)
    evoked_s = settings.latency_s + rng.random(n_evoked) * settings.response_duration_s
    end_s = settings.latency_s + settings.response_duration_s
    is_outside = (spontaneous_s < settings.latency_s) | (spontaneous_s >= end_s)
    return np.concatenate([spontaneous_s[is_outside & (spontaneous_s < own_s)], evoked_s])
