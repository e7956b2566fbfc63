"""The processor time of the report of a long run."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from signseg_rig.bench.figure import Figure
from signseg_rig.records import RunRecord
from signseg_rig.values import (
    FloatArray,
    PassPlan,
    PlannedStimulus,
    Presentation,
    ResponseBatch,
    Shown,
    Told,
    array_sha256,
)

N_THREADS, N_GENERATIONS, N_CODES, N_REFERENCES, N_UNITS = 4, 300, 40, 10, 96
IMAGE_SIZE_PX = 256
PERIOD_S = 0.2


def report_figures() -> list[Figure]:
    """Measure the report of 4 threads x 300 generations, as a whole process."""
    with tempfile.TemporaryDirectory() as folder:
        record = Path(folder) / "run"
        _write_run(record)
        before = os.times()
        command = [sys.executable, "-m", "signseg_rig", "report", str(record)]
        subprocess.run(command, check=True, capture_output=True)  # noqa: S603 - Python itself
        after = os.times()
        size_mb = (record / "report.html").stat().st_size / 1e6
    used_s = after.children_user - before.children_user
    used_s += after.children_system - before.children_system
    return [
        Figure(
            f"report of a run of {N_THREADS} threads x {N_GENERATIONS} generations, processor time",
            used_s,
            10.0,
            "s",
            f"{N_CODES} codes, {N_REFERENCES} references, {N_UNITS} channels; a page of "
            f"{size_mb:.1f} MB",
        )
    ]


def _write_run(path: Path) -> None:
    """Write the record of a run that never was, with the images that its report shows."""
    rng = np.random.default_rng(0)
    stimuli = _stimuli()
    told: tuple[Told, ...] = ()
    with RunRecord.create(path, experiment_toml="version = 1\n", manifest={"seed": 0}) as record:
        for block in range(N_GENERATIONS):
            rates_hz = rng.gamma(4.0, 5.0 + block / 30, (len(stimuli), N_UNITS))
            scores = [rates_hz[place : place + N_CODES, 0] for place in _places()]
            images = rng.integers(0, 256, (N_THREADS, *(IMAGE_SIZE_PX,) * 2, 3), dtype=np.uint8)
            # Smooth, as generators draw: noise does not compress, and takes as long to read.
            images = np.kron(images[:, ::32, ::32], np.ones((1, 32, 32, 1), dtype=np.uint8))
            keys = dict(zip(_places(), map(array_sha256, images), strict=True))
            tops = [int(own.argmax()) for own in scores]
            best = {place + top: keys[place] for place, top in zip(_places(), tops, strict=True)}
            plan = _plan(block, stimuli, best)
            record.planned(plan, {}, told)
            record.save_images(dict(zip(keys.values(), images, strict=True)))
            record.shown(block, 0, _shown(plan))
            record.responses(block, 0, _responses(plan, rates_hz))
            references = rates_hz[-N_REFERENCES:, 0]
            told = tuple(
                Told(f"thread {number}", block, own, references)
                for number, own in enumerate(scores)
            )


def _places() -> range:
    return range(0, N_THREADS * N_CODES, N_CODES)


def _stimuli() -> list[tuple[str, str, int]]:
    evolved = [
        ("evolved", f"thread {number}", index)
        for number in range(N_THREADS)
        for index in range(N_CODES)
    ]
    return evolved + [("reference", "references", index) for index in range(N_REFERENCES)]


def _plan(block: int, stimuli: list[tuple[str, str, int]], keys: dict[int, str]) -> PassPlan:
    planned = tuple(
        PlannedStimulus(
            id=f"b{block}-s{place}",
            role="reference" if role == "reference" else "evolved",
            thread=thread,
            generation=-1 if role == "reference" else block,
            index=index,
            generator=None,
            label="",
            content_sha256=f"{place:064x}",
            pixels_sha256=keys.get(place, f"{place:064x}"),
        )
        for place, (role, thread, index) in enumerate(stimuli)
    )
    presentations = tuple(
        Presentation(f"{one.id}-a0", place, one.pixels_sha256) for place, one in enumerate(planned)
    )
    return PassPlan(block, 0, planned, presentations)


def _shown(plan: PassPlan) -> list[Shown]:
    start_s = plan.block * PERIOD_S * len(plan.presentations)
    onsets_s = start_s + PERIOD_S * np.arange(len(plan.presentations))
    return [
        Shown(one.id, one.pixels_sha256, onset_s, onset_s + PERIOD_S / 2, 6, 0)
        for one, onset_s in zip(plan.presentations, onsets_s.tolist(), strict=True)
    ]


def _responses(plan: PassPlan, rates_hz: FloatArray) -> ResponseBatch:
    return ResponseBatch(
        presentation_ids=tuple(one.id for one in plan.presentations),
        stimulus_index=np.arange(len(plan.presentations)),
        evoked_hz=rates_hz,
        baseline_hz=np.zeros_like(rates_hz),
        reasons=(None,) * len(plan.presentations),
        unit_names=tuple(f"channel {number}" for number in range(N_UNITS)),
    )
