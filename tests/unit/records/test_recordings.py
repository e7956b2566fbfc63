"""What the recording system sent is kept to the last sample, and can be counted again."""

import zlib
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signseg_rig.errors import RecordError
from signseg_rig.experiment import WindowSettings
from signseg_rig.records import RunReader, RunRecord
from signseg_rig.records.npy import packed
from signseg_rig.records.recordings import packed_recording, unpacked_recording
from signseg_rig.values import (
    Durations,
    Epoch,
    InvalidReason,
    PassPlan,
    PlannedStimulus,
    Presentation,
    Recording,
    ResponseBatch,
    Stretch,
    SyncEvents,
)

RATE_HZ = 30_000.0
N_UNITS = 3
TICKS = st.integers(-(2**40), 2**40)


@st.composite
def recordings(draw: st.DrawFn) -> Recording:
    trains = draw(st.lists(st.lists(TICKS, max_size=8), max_size=4))
    n = draw(st.integers(0, 6))
    sync = SyncEvents(
        np.sort(np.array(draw(st.lists(TICKS, min_size=n, max_size=n)), dtype=np.int64)) / RATE_HZ,
        np.array(draw(st.lists(st.integers(0, 99), min_size=n, max_size=n)), dtype=np.int16),
        np.array(draw(st.lists(st.integers(0, 1), min_size=n, max_size=n)), dtype=np.int8),
        np.array(draw(st.lists(st.integers(-1, 65535), min_size=n, max_size=n)), dtype=np.int32),
    )
    times = st.floats(allow_nan=False)
    return Recording(
        tuple(np.array(sorted(set(train)), dtype=np.int64) / RATE_HZ for train in trains),
        sync,
        draw(times),
        draw(times),
        RATE_HZ,
        invalid=tuple(
            draw(st.lists(st.builds(Stretch, times, times, st.sampled_from(InvalidReason))))
        ),
        faults=tuple(draw(st.lists(st.text(max_size=9), max_size=3))),
        epochs=tuple(draw(st.lists(st.builds(Epoch, st.integers(0, 9), times, times), max_size=3))),
        lines=("diode", "strobe"),
        n_duplicates=draw(st.integers(0, 9)),
        begun_s=draw(times),
    )


def parts_of(recording: Recording) -> Any:
    sync = recording.sync
    return (
        [times_s.tolist() for times_s in recording.spikes_s],
        [part.tolist() for part in (sync.times_s, sync.lines, sync.states, sync.codes)],
        recording.whole_from_s,
        recording.complete_until_s,
        recording.begun_s,
        recording.invalid,
        recording.faults,
        recording.epochs,
        recording.lines,
        recording.n_duplicates,
    )


@given(recordings())
@settings(deadline=None)
def test_a_recording_is_unpacked_as_it_was(recording: Recording) -> None:
    assert parts_of(unpacked_recording(*packed_recording(recording))) == parts_of(recording)


def test_times_that_are_no_samples_are_refused() -> None:
    recording = Recording((np.array([0.5 / RATE_HZ]),), SyncEvents.none(), 0.0, 1.0, RATE_HZ)
    with pytest.raises(ValueError, match="whole samples"):
        packed_recording(recording)


def test_dense_spikes_take_little_room() -> None:
    """384 units of 50 Hz for eight seconds: three hours of them are to fit into a gigabyte."""
    rng = np.random.default_rng(0)
    trains = tuple(
        np.unique(rng.integers(0, int(8 * RATE_HZ), rng.poisson(400))) / RATE_HZ for _ in range(384)
    )
    recording = Recording(trains, SyncEvents.none(), 0.0, 8.0, RATE_HZ)
    _table, content = packed_recording(recording)
    n_spikes = sum(train.size for train in trains)
    assert len(content) / n_spikes < 2.0


def forged(**changes: Any) -> bytes:
    arrays: dict[str, Any] = {
        "n_spikes": np.array([1], dtype=np.int64),
        "planes": np.zeros((4, 1), dtype=np.uint8),
        "ticks": np.zeros(0, dtype=np.int64),
        "lines": np.zeros(0, dtype=np.int16),
        "states": np.zeros(0, dtype=np.int8),
        "codes": np.zeros(0, dtype=np.int32),
        "base": np.zeros(1, dtype=np.int64),
    } | changes
    return zlib.compress(packed(*arrays.values()))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"nonsense",
        zlib.compress(b""),
        forged()[:-2],
        forged() + b"more",
        forged(n_spikes=np.array([-1], dtype=np.int64)),
        forged(n_spikes=np.array([2], dtype=np.int64)),
        forged(planes=np.zeros((3, 1), dtype=np.uint8)),
        forged(planes=np.zeros((4, 1), dtype=np.int64)),
        forged(lines=np.zeros(1, dtype=np.int16)),
        forged(ticks=np.zeros(0)),
        forged(base=np.zeros(2, dtype=np.int64)),
    ],
)
def test_bytes_that_no_run_writes_are_refused(content: bytes) -> None:
    recording = Recording((np.empty(0),), SyncEvents.none(), 0.0, 1.0, RATE_HZ)
    table, _ = packed_recording(recording)
    with pytest.raises((ValueError, TypeError)):
        unpacked_recording(table, content)


# In a record


class Stretchy:
    """A pass of 20 presentations, every 250 ms, recorded in stretches."""

    def __init__(self, block: int = 0) -> None:
        self.rng = np.random.default_rng(block)
        stimuli = tuple(
            PlannedStimulus(
                f"b{block}-s{index}",
                "evolved" if index < 12 else "reference",
                "a",
                block,
                index,
                None,
                "",
                "0" * 64,
                "0" * 64,
            )
            for index in range(20)
        )
        presentations = tuple(
            Presentation(f"{one.id}-a0", index, one.pixels_sha256)
            for index, one in enumerate(stimuli)
        )
        self.plan = PassPlan(block, 0, stimuli, presentations, Durations(100.0, 150.0))
        self.onsets_s = np.rint((10 * block + 2 + 0.25 * np.arange(20)) * RATE_HZ) / RATE_HZ
        spikes = [self.rng.uniform(0, 10, 800) + 10 * block for _ in range(N_UNITS)]
        self.trains = tuple(np.unique(np.rint(one * RATE_HZ)) / RATE_HZ for one in spikes)

    def recording(self, start_s: float, end_s: float) -> Recording:
        trains = tuple(one[(one >= start_s) & (one < end_s)] for one in self.trains)
        edges_s = self.onsets_s[(self.onsets_s >= start_s) & (self.onsets_s < end_s)]
        return Recording(trains, SyncEvents.of_edges(edges_s), start_s, end_s, RATE_HZ)

    def responses(self, rows: range, window_s: tuple[float, float] = (0.05, 0.2)) -> ResponseBatch:
        """What brute force counts."""
        counts = [
            [int(((one >= t + window_s[0]) & (one < t + window_s[1])).sum()) for one in self.trains]
            for t in self.onsets_s[list(rows)]
        ]
        evoked_hz = np.array(counts) / (window_s[1] - window_s[0])
        return ResponseBatch(
            tuple(self.plan.presentations[row].id for row in rows),
            np.array(rows),
            evoked_hz,
            np.zeros_like(evoked_hz),
            (None,) * len(rows),
            tuple(f"unit_{unit}" for unit in range(N_UNITS)),
            onset_s=self.onsets_s[list(rows)],
        )

    def write(self, record: RunRecord, borders: tuple[int, ...] = (0, 20)) -> None:
        block = self.plan.block
        record.planned(self.plan, {}, ())
        for low, high in pairwise(borders):
            self.write_recording(record, low, high)
            if (low, high) != (0, 20):
                record.responses_in_part(block, 0, self.responses(range(low, high)))
        record.responses(block, 0, self.responses(range(20)))

    def write_recording(self, record: RunRecord, low: int, high: int) -> None:
        end_s = self.onsets_s[high - 1] + 0.4
        record.recording(
            self.plan.block,
            0,
            self.recording(self.onsets_s[low] - 0.5, end_s),
            presentation_ids=[item.id for item in self.plan.presentations[low:high]],
            alignment={"n_missing": 0},
        )


@pytest.fixture
def record(path: Path, create: Any) -> RunRecord:
    made: RunRecord = create(path)
    return made


@pytest.mark.parametrize("borders", [(0, 20), (0, 7, 20), (0, 1, 13, 20)])
def test_a_pass_is_counted_again_in_other_windows(
    record: RunRecord, borders: tuple[int, ...]
) -> None:
    one = Stretchy()
    one.write(record, borders)
    windows = WindowSettings(evoked_s=(0.1, 0.35), baseline_s=(-0.2, 0.0))
    ((plan, counted),) = record.reader.recount(windows)
    assert plan == one.plan
    assert counted.presentation_ids == tuple(item.id for item in one.plan.presentations)
    for window_s, rates_hz in (
        (windows.evoked_s, counted.evoked_hz),
        (windows.baseline_s, counted.baseline_hz),
    ):
        assert np.allclose(rates_hz, one.responses(range(20), window_s).evoked_hz)


def test_what_the_record_does_not_reach_is_not_counted(record: RunRecord) -> None:
    one = Stretchy()
    one.write(record)
    ((_, counted),) = record.reader.recount(WindowSettings(evoked_s=(0.1, 0.45)))
    assert counted.reasons == (*[None] * 19, InvalidReason.WINDOW_INCOMPLETE)
    ((_, counted),) = record.reader.recount(WindowSettings(baseline_s=(-0.6, 0.0)))
    assert counted.reasons == (InvalidReason.STREAM_GAP, *[None] * 19)


def test_what_was_shown_again_after_a_kill_counts_once(record: RunRecord) -> None:
    one = Stretchy()
    record.planned(one.plan, {}, ())
    one.write_recording(record, 0, 9)
    one.write(record)
    stretches = record.reader.recordings(0, 0)
    assert [len(stretch.responses.presentation_ids) for stretch in stretches] == [20]


def test_psth_is_the_mean_rate_in_each_bin(record: RunRecord) -> None:
    passes = [Stretchy(0), Stretchy(1)]
    for one in passes:
        one.write(record)
    edges_s = np.array([-0.1, 0.0, 0.05, 0.3])
    psth = record.reader.psth(edges_s)
    assert psth.groups == ("evolved", "reference")
    assert psth.n_presentations.tolist() == [24, 16]
    for group, rows in enumerate((range(12), range(12, 20))):
        for index, window_s in enumerate(pairwise(edges_s)):
            rates_hz = np.concatenate([one.responses(rows, window_s).evoked_hz for one in passes])
            assert psth.rates_hz[group, :, index] == pytest.approx(rates_hz.mean(axis=0))
            errors_hz = rates_hz.std(axis=0, ddof=1) / np.sqrt(len(rates_hz))
            assert psth.errors_hz[group, :, index] == pytest.approx(errors_hz)


@pytest.mark.parametrize("edges_s", [[0.0], [0.1, 0.0], [0.0, 0.0]])
def test_bins_that_are_none_are_refused(record: RunRecord, edges_s: list[float]) -> None:
    with pytest.raises(ValueError, match="increasing borders"):
        record.reader.psth(np.array(edges_s))


def test_a_record_is_followed_from_where_it_was_left(record: RunRecord, path: Path) -> None:
    with RunReader.open(path) as reader:
        seen = reader.follow()
        assert [event.kind for event in seen] == ["note"]
        Stretchy().write(record)
        news = reader.follow(seen[-1].sequence)
        assert [event.kind for event in news] == ["planned", "recording", "responses"]
        assert reader.follow(news[-1].sequence) == []
        assert [event.kind for event in reader.follow(limit=2)] == ["note", "planned"]


def test_a_recording_that_is_gone_is_said_to_be(record: RunRecord, path: Path) -> None:
    Stretchy().write(record)
    (blob,) = (path / "blobs").glob("*.rec")
    blob.write_bytes(blob.read_bytes()[:-1])
    with pytest.raises(RecordError, match="does not hold what its name says"):
        record.reader.recordings(0, 0)
    blob.unlink()
    with pytest.raises(RecordError, match="cannot be read"):
        list(record.reader.recount(WindowSettings()))
