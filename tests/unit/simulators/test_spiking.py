"""Simulated spikes against the analytic rate, and the same again for the same presentation."""

import numpy as np
import pytest

from signseg_rig.recordings.counts import count_spikes
from signseg_simulators.spiking import Firing, SpikingSettings

N = 3000


def counts(settings: SpikingSettings, rate_hz: float, window_s: tuple[float, float]) -> np.ndarray:
    firing = Firing(settings, n_units=1, seed=1)
    found = []
    for index in range(N):
        (spontaneous_s,), (evoked_s,) = firing.trains_s(
            f"p{index}", np.array([rate_hz]), horizon_s=0.5
        )
        train_s = np.sort(np.concatenate([spontaneous_s, evoked_s]))
        found.append(count_spikes([train_s], np.zeros(1), window_s)[0, 0])
    return np.array(found)


@pytest.mark.parametrize("rate_hz", [0.0, 12.0, 90.0])
def test_evoked_counts_are_poisson_at_the_rate(rate_hz: float) -> None:
    settings = SpikingSettings(baseline_hz=0.0, latency_s=0.05, response_duration_s=0.15)
    found = counts(settings, rate_hz, (0.05, 0.2))
    expected = rate_hz * 0.15
    assert found.mean() == pytest.approx(expected, abs=4 * np.sqrt(expected / N) + 1e-12)
    assert found.var() == pytest.approx(expected, rel=0.12, abs=1e-12)


def test_baseline_goes_on_outside_the_response() -> None:
    settings = SpikingSettings(baseline_hz=40.0)
    for window_s in ((0.0, 0.05), (0.25, 0.45)):
        expected = 40.0 * (window_s[1] - window_s[0])
        found = counts(settings, 90.0, window_s)
        assert found.mean() == pytest.approx(expected, abs=4 * np.sqrt(expected / N))
        assert found.var() == pytest.approx(expected, rel=0.12)


def test_inhibited_response_is_below_baseline() -> None:
    settings = SpikingSettings(baseline_hz=40.0)
    assert counts(settings, 2.0, (0.05, 0.2)).mean() == pytest.approx(0.3, abs=0.05)


def test_presentation_gets_the_same_spikes_again() -> None:
    settings, rates_hz = SpikingSettings(), np.full(2, 60.0)
    firsts = [
        Firing(settings, n_units=2, seed=seed).trains_s("p", rates_hz, horizon_s=1.0)
        for seed in (3, 3, 4)
    ]
    flat = [np.concatenate([*spontaneous, *evoked]) for spontaneous, evoked in firsts]
    assert np.array_equal(flat[0], flat[1])
    assert not np.array_equal(flat[0], flat[2])


def modulated(settings: SpikingSettings, expected_hz: np.ndarray, block: int) -> np.ndarray:
    firing = Firing(settings, n_units=expected_hz.shape[1], seed=0)
    firing.begin(block)
    return np.stack([firing.rates_hz(row) for row in expected_hz])


def test_adaptation_follows_its_recursion() -> None:
    settings = SpikingSettings(adaptation=0.8, adaptation_presentations=3.0, max_rate_hz=100.0)
    found = modulated(settings, np.full((5, 1), 50.0), 0)[:, 0]
    state, decay = 0.0, np.exp(-1 / 3)
    for rate_hz in found:
        assert rate_hz == pytest.approx(50 * (1 - 0.8 * state))
        state = decay * state + (1 - decay) * min(rate_hz / 100, 1)
    assert found[0] == 50.0
    assert (np.diff(found) < 0).all()


def test_drift_is_a_function_of_the_block() -> None:
    settings = SpikingSettings(drift=0.3, drift_period_blocks=20)
    rates = [modulated(settings, np.full((1, 1), 50.0), b)[0, 0] for b in range(40)]
    assert rates[3] == pytest.approx(rates[23])
    assert max(rates) == pytest.approx(50 * np.exp(0.3), rel=0.02)
    assert min(rates) == pytest.approx(50 * np.exp(-0.3), rel=0.02)


def test_without_adaptation_and_drift_rates_stay() -> None:
    rates_hz = np.random.default_rng(0).uniform(0, 90, (7, 3))
    assert np.array_equal(modulated(SpikingSettings(), rates_hz, 9), rates_hz)


def test_neurons_recover_between_passes() -> None:
    settings = SpikingSettings(adaptation=0.8, adaptation_presentations=3.0, max_rate_hz=100.0)
    firing = Firing(settings, n_units=1, seed=0)
    expected_hz = np.array([50.0])
    firing.begin(0)
    first = [firing.rates_hz(expected_hz)[0] for _ in range(4)]
    firing.begin(0)
    assert [firing.rates_hz(expected_hz)[0] for _ in range(4)] == first
