"""What it costs to keep the recording: room, memory, and the time to count again."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil

from signseg_rig.bench.figure import Figure
from signseg_rig.experiment import WindowSettings
from signseg_rig.recordings import Stream, counted_again
from signseg_rig.records import RunReader, RunRecord
from signseg_rig.records.events import Event, EventTable
from signseg_rig.values import (
    Chunk,
    Durations,
    FloatArray,
    PassPlan,
    PlannedStimulus,
    Presentation,
    ResponseBatch,
    SourceInfo,
    SyncEvents,
)

N_UNITS = 384
RATE_HZ = 50.0
SAMPLE_RATE_HZ = 30_000.0
N_IMAGES = 40
EVERY_S = 0.2
N_PASSES = 1350  # three hours
CHUNK_S = 0.5
N_EVENTS = 50_000
UNIT_NAMES = tuple(f"unit_{unit}" for unit in range(N_UNITS))
WINDOWS = WindowSettings()


def recording_figures() -> list[Figure]:
    """Record three hours of 384 units of 50 Hz, as fast as it goes, and count a pass again."""
    process = psutil.Process()
    with tempfile.TemporaryDirectory(prefix="signseg-rig-bench-") as folder:
        path = Path(folder) / "run"
        with RunRecord.create(path, experiment_toml="", manifest={}) as record:
            sizes = [process.memory_info().rss for _ in _recorded(record)]
        n_bytes = sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
        with RunReader.open(path) as reader:
            again_s = []
            for number in range(0, N_PASSES, N_PASSES // 20):
                start_s = time.perf_counter()
                (stretch,) = reader.recordings(number, 0)
                counted_again(
                    stretch.recording, WindowSettings(evoked_s=(0.07, 0.17)), stretch.responses
                )
                again_s.append(time.perf_counter() - start_s)
    settled = np.array(sizes[len(sizes) // 10 :]) / 2**20
    n_spikes = N_PASSES * N_IMAGES * EVERY_S * N_UNITS * RATE_HZ
    hours = N_PASSES * N_IMAGES * EVERY_S / 3600
    name = f"record of {N_UNITS} units x {RATE_HZ:g} Hz, {hours:g} h"
    return [
        Figure(name, n_bytes / 1e9, 1.0, "GB", f"{n_bytes / n_spikes:.2f} bytes a spike"),
        Figure(
            f"{name}: growth of the process",
            float(np.median(settled[-50:]) - np.median(settled[:50])),
            20.0,
            "MB",
            f"from {settled[:50].mean():.0f} MB to {settled[-50:].mean():.0f} MB",
        ),
        Figure(
            f"a pass of {N_IMAGES} images of it counted in another window",
            float(np.median(again_s)) * 1e3,
            50.0,
            "ms",
            f"at most {max(again_s) * 1e3:.0f} ms",
        ),
    ]


def follow_figures() -> list[Figure]:
    """Follow a record of 50,000 events, compared with reading it all."""
    with tempfile.TemporaryDirectory(prefix="signseg-rig-bench-") as folder:
        path = Path(folder) / "run"
        with RunRecord.create(path, experiment_toml="", manifest={}) as record:
            _fill(path)
            with RunReader.open(path) as reader:
                start_s = time.perf_counter()
                last = 0
                while events := reader.follow(last):
                    last = events[-1].sequence
                whole_s = time.perf_counter() - start_s
                ticks_s = []
                for number in range(50):
                    record.note("timing", block=number)
                    start_s = time.perf_counter()
                    (event,) = reader.follow(last)
                    ticks_s.append(time.perf_counter() - start_s)
                    last = event.sequence
    tick_s = float(np.median(ticks_s))
    return [
        Figure(
            f"what is new in a record of {N_EVENTS} events, compared with reading all",
            tick_s / whole_s,
            0.01,
            "times",
            f"{tick_s * 1e3:.2f} ms; all of it {whole_s:.2f} s",
        )
    ]


def _fill(path: Path) -> None:
    """Write many events, a thousand at a time: each alone would wait for the disk."""
    table = EventTable.open_to_write(path)
    for number in range(N_EVENTS // 1000):
        body = {"topic": "timing", "body": {"block": number}}
        table.append([Event("note", body)] * 1000, session=0)
    table.close()


def _recorded(record: RunRecord) -> Iterator[int]:
    """Record pass after pass, and yield the number of each."""
    rng = np.random.default_rng(0)
    stream = Stream(SourceInfo(UNIT_NAMES, SAMPLE_RATE_HZ))
    stimuli = tuple(
        PlannedStimulus(f"s{n}", "evolved", "a", 0, n, None, "", "0" * 64, "0" * 64)
        for n in range(N_IMAGES)
    )
    for number in range(N_PASSES):
        start_s = number * N_IMAGES * EVERY_S
        presentations = tuple(Presentation(f"b{number}-s{n}", n, "0" * 64) for n in range(N_IMAGES))
        plan = PassPlan(number, 0, stimuli, presentations, Durations(100.0, 100.0))
        record.planned(plan, {}, ())
        onsets_s = start_s + EVERY_S * np.arange(N_IMAGES)
        for chunk_s in np.arange(start_s, start_s + N_IMAGES * EVERY_S, CHUNK_S):
            stream.add(_chunk(rng, float(chunk_s), onsets_s))
        recording = stream.recording(start_s, begun_s=start_s)
        ids = [item.id for item in presentations]
        record.recording(number, 0, recording, presentation_ids=ids, alignment={})
        nothing = np.zeros((N_IMAGES, N_UNITS))
        rows = np.arange(N_IMAGES)
        answer = ResponseBatch(
            tuple(ids), rows, nothing, nothing, (None,) * N_IMAGES, UNIT_NAMES, onsets_s
        )
        record.responses(number, 0, counted_again(recording, WINDOWS, answer))
        stream.forget_before(start_s + N_IMAGES * EVERY_S - 1.0)
        yield number


def _chunk(rng: np.random.Generator, start_s: float, onsets_s: FloatArray) -> Chunk:
    n = rng.poisson(N_UNITS * RATE_HZ * CHUNK_S)
    is_in = (onsets_s >= start_s) & (onsets_s < start_s + CHUNK_S)
    return Chunk(
        rng.integers(0, N_UNITS, n),
        start_s + CHUNK_S * rng.random(n),
        SyncEvents.of_edges(onsets_s[is_in]),
        complete_until_s=start_s + CHUNK_S,
    )
