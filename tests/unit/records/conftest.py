"""A run record to write to, and what to write."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from signseg_rig.records import RunRecord
from signseg_rig.values import (
    FloatArray,
    ImageArray,
    InvalidReason,
    PassPlan,
    PlannedStimulus,
    Presentation,
    ResponseBatch,
    Shown,
    array_sha256,
)

N_STIMULI = 3
N_UNITS = 2


class Block:
    """All that is recorded of one pass through a block; the same whenever it is made."""

    def __init__(self, number: int, attempt: int = 0, *, n_dims: int = 5) -> None:
        rng = np.random.default_rng([number, attempt])
        self.codes: dict[str, FloatArray] = {"linear": rng.standard_normal((N_STIMULI, n_dims))}
        stimuli = tuple(
            PlannedStimulus(
                id=f"b{number}-s{index}",
                role="evolved",
                thread="a",
                generation=number,
                index=index,
                generator="linear",
                label="",
                content_sha256=array_sha256(code),
                pixels_sha256=f"{index:064x}",
            )
            for index, code in enumerate(self.codes["linear"])
        )
        presentations = tuple(
            Presentation(f"{one.id}-a{attempt}", index, one.pixels_sha256, attempt)
            for index, one in enumerate(stimuli)
        )
        self.plan = PassPlan(number, attempt, stimuli, presentations)
        onsets_s = rng.uniform(0, 100, N_STIMULI).tolist()
        self.shown = [
            Shown(one.id, one.pixels_sha256, onset_s, onset_s + 0.1, 6, 0)
            for one, onset_s in zip(presentations, onsets_s, strict=True)
        ]
        rates_hz = rng.uniform(0, 100, (2, N_STIMULI, N_UNITS))
        rates_hz[:, 0] = np.nan
        self.responses = ResponseBatch(
            presentation_ids=tuple(one.id for one in presentations),
            stimulus_index=np.arange(N_STIMULI),
            evoked_hz=rates_hz[0],
            baseline_hz=rates_hz[1],
            reasons=(InvalidReason.STREAM_GAP, None, None),
            unit_names=("left", "right"),
        )

    def write(self, record: RunRecord) -> None:
        """Write the whole pass."""
        record.planned(self.plan, self.codes, ())
        record.shown(self.plan.block, self.plan.attempt, self.shown)
        record.responses(self.plan.block, self.plan.attempt, self.responses)


@pytest.fixture
def block() -> type[Block]:
    return Block


@pytest.fixture
def images() -> dict[str, ImageArray]:
    """Images that do not compress, by the hashes of their pixels."""
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (4, 48, 64, 3), dtype=np.uint8)
    return {array_sha256(image): image for image in pixels}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run"


def create_record(path: Path) -> RunRecord:
    return RunRecord.create(path, experiment_toml="version = 1\n", manifest={"seed": 4})


@pytest.fixture
def create() -> Callable[[Path], RunRecord]:
    return create_record


@pytest.fixture
def record(path: Path) -> Iterator[RunRecord]:
    with create_record(path) as record:
        yield record
