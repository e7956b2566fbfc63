"""The simulated animal: replayable, on a clock of its own, with faults of known share."""

from typing import Any

import numpy as np
import pytest

from signseg_rig.errors import ConfigError
from signseg_rig.experiment import WindowSettings
from signseg_rig.interfaces import SimulatorContext, SourceContext
from signseg_rig.recordings import Aligner, Orders, measure
from signseg_rig.testing.response_sources import synthetic_images, synthetic_shown
from signseg_rig.values import InvalidReason, Presentation, ResponseBatch, Shown
from signseg_simulators.population import ReadoutPopulation, ReadoutPopulationSettings
from signseg_simulators.source import SimulatedSource, SimulatedSourceSettings
from signseg_simulators.spiking import modulated_rates_hz

IMAGES = synthetic_images(40)


@pytest.fixture
def source_of(synthetic_plugins: object) -> Any:
    def make(seed: int = 0, **settings: Any) -> SimulatedSource:
        chosen = SimulatedSourceSettings.model_validate(
            {"population": {"kind": "pixels", "n_units": 3}, **settings}
        )
        return SimulatedSource(chosen, SourceContext(seed=seed, pixels=IMAGES.__getitem__))

    return make


def respond(source: SimulatedSource, shown: list[Shown], block: int = 0) -> ResponseBatch:
    recording = source.read(shown, block=block, window_s=(0.0, 0.2), timeout_s=1.0)
    plan = [
        Presentation(item.presentation_id, i, item.pixels_sha256) for i, item in enumerate(shown)
    ]
    return measure(
        recording,
        shown,
        plan,
        WindowSettings(),
        unit_names=source.unit_names,
        orders=Orders(on_frames=6, off_frames=6, refresh_rate_hz=60.0),
        reject_dropped_frames=True,
        aligner=Aligner(),
    )


def test_replayed_presentations_get_the_same_spikes(source_of: Any) -> None:
    first = respond(source_of(), synthetic_shown(list(IMAGES)))
    later = respond(source_of(), synthetic_shown(list(IMAGES), start_s=9999.0))
    assert np.array_equal(first.evoked_hz, later.evoked_hz)
    assert np.array_equal(first.baseline_hz, later.baseline_hz)
    other = respond(source_of(seed=1), synthetic_shown(list(IMAGES)))
    assert not np.array_equal(first.evoked_hz, other.evoked_hz)


def test_rates_are_those_of_its_neurons(source_of: Any) -> None:
    source = source_of()
    shown = [
        Shown(f"p{i}", key, 10 + 0.25 * i, 10.1 + 0.25 * i, 6, 0)
        for i, key in enumerate(list(IMAGES)[:2] * 400)
    ]
    rates_hz = respond(source, shown).evoked_hz
    for index, key in enumerate(list(IMAGES)[:2]):
        expected = source._population.rates_hz(IMAGES[key][None])[0]
        assert rates_hz[index::2].mean(axis=0) == pytest.approx(expected, rel=0.1, abs=1.0)


def test_shares_of_faults_are_those_of_the_settings(source_of: Any) -> None:
    source = source_of(invalid_share=0.2, missing_edge_share=0.1)
    shown = [
        Shown(f"p{i}", next(iter(IMAGES)), 10 + 0.25 * i, 10.1 + 0.25 * i, 6, 0)
        for i in range(2000)
    ]
    recording = source.read(shown, block=0, window_s=(0.0, 0.2), timeout_s=1.0)
    assert len(recording.invalid) / 2000 == pytest.approx(0.2, abs=0.03)
    assert set(recording.invalid.values()) == {InvalidReason.FIXATION_BROKEN}
    assert len(recording.edges_s) / 2000 == pytest.approx(0.9, abs=0.03)


def test_display_started_anew_does_not_set_the_clock_back(source_of: Any) -> None:
    source = source_of()
    first = source.read(synthetic_shown(list(IMAGES)), block=0, window_s=(0, 0.2), timeout_s=1)
    again = synthetic_shown(list(IMAGES), start_s=0.5)
    second = source.read(again, block=1, window_s=(0, 0.2), timeout_s=1)
    assert second.edges_s[0] > first.edges_s[-1]
    assert np.diff(second.edges_s) == pytest.approx(0.25, abs=0.002)


def test_ground_truth_is_that_of_the_neurons_and_of_their_drift(source_of: Any) -> None:
    source = source_of(spiking={"drift": 0.5, "drift_period_blocks": 20.0})
    truth = source.ground_truth()
    assert truth["filters"].shape[0] == 3
    rates_hz = np.full((1, 3), 50.0)
    drifted_hz = modulated_rates_hz(source._settings.spiking, rates_hz, block=4, seed=0)[0]
    cycles = 4 / 20 + truth["drift_phase"]
    assert drifted_hz == pytest.approx(50 * np.exp(0.5 * np.sin(2 * np.pi * cycles)))


def test_unknown_unit_names_near_ones() -> None:
    settings = ReadoutPopulationSettings.model_validate(
        {"network": {"kind": "efficientnet_lite0", "input_size_px": 32}, "units": ["wigg"]}
    )
    with pytest.raises(ConfigError, match="'wig'"):
        ReadoutPopulation(settings, SimulatorContext(seed=0))
