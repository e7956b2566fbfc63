"""The simulated animal: replayable, on a clock of its own, with faults of known share."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from signseg_rig.errors import ConfigError
from signseg_rig.experiment import SyncSettings, WindowSettings
from signseg_rig.interfaces import SimulatorContext, SourceContext
from signseg_rig.recordings import Aligner, LineEvents, Orders, Stream, measure
from signseg_rig.testing.response_sources import (
    synthetic_images,
    synthetic_plan,
    synthetic_shown,
)
from signseg_rig.values import InvalidReason, Recording, ResponseBatch, Shown
from signseg_simulators.population import ReadoutPopulation, ReadoutPopulationSettings
from signseg_simulators.source import SimulatedSource, SimulatedSourceSettings

IMAGES = synthetic_images(40)


def context(seed: int = 0, **changes: Any) -> SourceContext:
    options: dict[str, Any] = {"window_s": (0.0, 0.2), "keeps_time": False} | changes
    return SourceContext(seed=seed, pixels=IMAGES.__getitem__, **options)


@pytest.fixture
def source_of(synthetic_plugins: object) -> Any:
    def make(seed: int = 0, **settings: Any) -> SimulatedSource:
        chosen = SimulatedSourceSettings.model_validate(
            {"population": {"kind": "pixels", "n_units": 3}, **settings}
        )
        return SimulatedSource(chosen, context(seed))

    return make


class Rig:
    """A source that is driven by hand, and the clocks' line from pass to pass."""

    def __init__(self, source: SimulatedSource) -> None:
        self.source = source
        self._stream = Stream(source.start())
        self._aligner = Aligner()

    def show(self, shown: list[Shown], block: int = 0) -> Recording:
        """Show images, and return what was recorded of them."""
        plan, begun_s = synthetic_plan(shown, block=block), self._stream.complete_until_s
        self.source.begin(plan)
        for item in shown:
            self.source.saw(item)
            self._poll()
        self.source.end(plan)
        self._poll()
        return self._stream.recording(begun_s, begun_s=begun_s)

    def respond(self, shown: list[Shown], block: int = 0) -> ResponseBatch:
        recording = self.show(shown, block)
        return measure(
            recording,
            self._aligner.align(shown, LineEvents.of(recording, SyncSettings())),
            shown,
            (),
            synthetic_plan(shown).presentations,
            windows=WindowSettings(),
            unit_names=self.source.unit_names,
            orders=Orders(on_frames=6, off_frames=6, refresh_rate_hz=60.0),
            reject_dropped_frames=True,
        )

    def _poll(self) -> None:
        while (chunk := self.source.poll()) is not None:
            self._stream.add(chunk)


def respond(source: SimulatedSource, shown: list[Shown], block: int = 0) -> ResponseBatch:
    return Rig(source).respond(shown, block)


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
    recording = Rig(source).show(shown)
    assert len(recording.invalid) / 2000 == pytest.approx(0.2, abs=0.03)
    assert {one.reason for one in recording.invalid} == {InvalidReason.FIXATION_BROKEN}
    for state in (0, 1):
        n_edges = int((recording.sync.states == state).sum())
        assert n_edges / 2000 == pytest.approx(0.9, abs=0.03)


def test_display_started_anew_does_not_set_the_clock_back(source_of: Any) -> None:
    rig = Rig(source_of())
    first = rig.show(synthetic_shown(list(IMAGES)))
    second = rig.show(synthetic_shown(list(IMAGES), start_s=0.5), 1)
    edges_s = second.sync.times_s[second.sync.states == 1]
    assert edges_s[0] > first.complete_until_s
    assert np.diff(edges_s) == pytest.approx(0.25, abs=0.002)


def test_codes_of_the_marker_come_back_with_the_edges(source_of: Any) -> None:
    shown = [
        replace(item, code=1 + place)
        for place, item in enumerate(synthetic_shown(list(IMAGES)[:5]))
    ]
    sync = Rig(source_of()).show(shown).sync
    assert sync.codes[sync.states == 1].tolist() == [1, 2, 3, 4, 5]


def test_answers_come_when_their_time_has_come(synthetic_plugins: object) -> None:
    now_s = [500.0]
    settings = SimulatedSourceSettings.model_validate({"population": {"kind": "pixels"}})
    source = SimulatedSource(settings, context(keeps_time=True))
    source._read_s = lambda: now_s[0]
    shown = synthetic_shown(list(IMAGES)[:3])
    plan = synthetic_plan(shown)
    stream = Stream(source.start())
    source.begin(plan)
    for item in shown:
        now_s[0] = item.offset_s + 450.01
        source.saw(item)
        while (chunk := source.poll()) is not None:
            stream.add(chunk)
    source.end(plan)
    last_s = shown[-1].onset_s + 100.0
    waits_s = []
    for _ in range(60):
        now_s[0] += 0.01
        while (chunk := source.poll()) is not None:
            stream.add(chunk)
        waits_s.append((now_s[0] - 450.0 + 100.0, stream.complete_until_s))
    # Never ahead of the screen's own clock, and no further behind than the report was late.
    for screen_s, until_s in waits_s:
        assert until_s <= screen_s + 0.01
    assert stream.complete_until_s > last_s + 0.2


def test_ground_truth_is_that_of_the_neurons_and_of_their_drift(source_of: Any) -> None:
    source = source_of(spiking={"drift": 0.5, "drift_period_blocks": 20.0})
    truth = source.ground_truth()
    assert truth["filters"].shape[0] == 3
    source.begin(replace(synthetic_plan([]), block=4))
    drifted_hz = source._firing.rates_hz(np.full(3, 50.0))
    cycles = 4 / 20 + truth["drift_phase"]
    assert drifted_hz == pytest.approx(50 * np.exp(0.5 * np.sin(2 * np.pi * cycles)))


def test_unknown_unit_names_near_ones() -> None:
    settings = ReadoutPopulationSettings.model_validate(
        {"network": {"kind": "efficientnet_lite0", "input_size_px": 32}, "units": ["wigg"]}
    )
    with pytest.raises(ConfigError, match="'wig'"):
        ReadoutPopulation(settings, SimulatorContext(seed=0))
