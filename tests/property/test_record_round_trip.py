"""Whatever is written to a run record is read back bit for bit."""

from __future__ import annotations

import json
import string
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from signseg_rig.records import RunReader, RunRecord
from signseg_rig.records.json_text import from_json, to_json
from signseg_rig.values import (
    BrokenOff,
    ClockLine,
    Durations,
    InvalidReason,
    PassPlan,
    Placement,
    PlannedStimulus,
    Presentation,
    ProtocolResult,
    ResponseBatch,
    Shown,
    Told,
    array_sha256,
)

# Unpaired surrogates, which Linux puts in the place of bytes of file names that are no text, too.
TEXTS = st.text(st.characters(), max_size=8)
COUNTS = st.integers(0, 2**53)
HASHES = st.text(string.hexdigits, min_size=64, max_size=64)
FLOATS = st.floats()
DEGREES = st.floats(-180, 180)
MILLISECONDS = st.floats(0.01, 1e6)
FLOAT_TYPES = st.sampled_from(["<f8", "<f4", ">f8", "<f2"])

PLANNED = st.builds(
    PlannedStimulus,
    id=TEXTS,
    role=TEXTS,
    thread=TEXTS,
    generation=st.integers(-1, 10**6),
    index=COUNTS,
    generator=st.none() | TEXTS,
    label=TEXTS,
    content_sha256=HASHES,
    pixels_sha256=HASHES,
    placement=st.none()
    | st.builds(
        Placement,
        position_deg=st.tuples(DEGREES, DEGREES),
        size_deg=st.none() | st.floats(0.01, 180),
    ),
    provenance=st.dictionaries(
        TEXTS, TEXTS | st.floats(allow_nan=False) | COUNTS | st.booleans(), max_size=3
    ),
)
PRESENTATIONS = st.builds(
    Presentation, id=TEXTS, stimulus_index=COUNTS, pixels_sha256=HASHES, attempt=COUNTS
)
SHOWN = st.builds(
    Shown,
    presentation_id=TEXTS,
    pixels_sha256=HASHES,
    onset_s=FLOATS,
    offset_s=FLOATS,
    n_frames=COUNTS,
    n_dropped_frames=COUNTS,
    code=st.none() | COUNTS,
)
BROKEN_OFF = st.builds(
    BrokenOff,
    presentation_id=TEXTS,
    reason=TEXTS,
    onset_s=st.none() | FLOATS,
    offset_s=st.none() | FLOATS,
)
CELLS = TEXTS | FLOATS | COUNTS
RESULTS = st.integers(0, 3).flatmap(
    lambda n_columns: st.builds(
        ProtocolResult,
        is_success=st.booleans(),
        columns=st.tuples(*[TEXTS] * n_columns),
        rows=st.lists(st.tuples(*[CELLS] * n_columns), max_size=3).map(tuple),
    )
)


def arrays(shape: Any) -> st.SearchStrategy[np.ndarray[Any, Any]]:
    """Arrays of any bits, NaN with payload among them, in either order of memory."""
    values = FLOAT_TYPES.flatmap(
        lambda dtype: hnp.arrays(
            f"u{np.dtype(dtype).itemsize}", shape, elements=None, fill=st.nothing()
        ).map(lambda bits: bits.view(dtype))
    )
    return st.builds(
        lambda array, order: np.array(array, order=order), values, st.sampled_from("CF")
    )


TOLD = st.builds(
    Told,
    thread=TEXTS,
    generation=COUNTS,
    scores=arrays(st.integers(0, 5)),
    reference_scores=arrays(st.integers(0, 5)),
)


@st.composite
def response_batches(draw: st.DrawFn) -> ResponseBatch:
    n, n_units = draw(st.integers(0, 4)), draw(st.integers(0, 3))
    reasons = st.none() | st.sampled_from(InvalidReason)
    return ResponseBatch(
        presentation_ids=tuple(draw(st.lists(TEXTS, min_size=n, max_size=n))),
        stimulus_index=draw(hnp.arrays(np.int64, n)),
        evoked_hz=draw(arrays((n, n_units))),
        baseline_hz=draw(arrays((n, n_units))),
        reasons=tuple(draw(st.lists(reasons, min_size=n, max_size=n))),
        onset_s=draw(arrays(n)),
        unit_names=tuple(draw(st.lists(TEXTS, min_size=n_units, max_size=n_units))),
    )


def bits_of(value: Any) -> object:
    """What is equal only where every bit is, also of NaN, and memory is laid out alike."""
    if isinstance(value, np.ndarray):
        flags = value.flags
        return value.dtype.str, value.shape, flags.c_contiguous, flags.f_contiguous, value.tobytes()
    if isinstance(value, float):
        return value.hex()
    if isinstance(value, dict):
        return {key: bits_of(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [bits_of(item) for item in value]
    if hasattr(value, "__dataclass_fields__"):
        return bits_of(asdict(value))
    return value


@given(
    plan=st.builds(
        PassPlan,
        block=COUNTS,
        attempt=COUNTS,
        stimuli=st.lists(PLANNED, max_size=3).map(tuple),
        presentations=st.lists(PRESENTATIONS, max_size=3).map(tuple),
        durations=st.none() | st.builds(Durations, on_ms=MILLISECONDS, off_ms=MILLISECONDS),
    ),
    broken_off=st.lists(BROKEN_OFF, max_size=2),
    shown=st.lists(st.lists(SHOWN, max_size=3), max_size=2),
    responses=st.none() | response_batches(),
    line=st.none()
    | st.builds(
        ClockLine,
        offset_s=FLOATS,
        at_display_s=FLOATS,
        drift=FLOATS,
        drift_error=FLOATS,
        epoch=COUNTS,
    ),
    told=st.lists(TOLD, max_size=2),
    result=RESULTS,
    note=st.dictionaries(TEXTS | st.just("topic"), TEXTS | FLOATS | COUNTS),
)
@settings(max_examples=40, deadline=None)
def test_events_are_read_back_bit_for_bit(
    plan: PassPlan,
    broken_off: list[BrokenOff],
    shown: list[list[Shown]],
    responses: ResponseBatch | None,
    line: ClockLine | None,
    told: list[Told],
    result: ProtocolResult,
    note: dict[str, Any],
) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder)
        with RunRecord.create(path, experiment_toml="", manifest={}) as record:
            record.planned(plan, {}, told)
            for some in shown:
                record.shown(plan.block, plan.attempt, some)
            record.shown(plan.block, plan.attempt, [], broken_off)
            if responses is not None:
                record.responses(plan.block, plan.attempt, responses, line)
            record.note("any", **note)
            record.finished(result)
        with RunReader.open(path) as reader:
            (read,) = reader.passes()
            assert read.plan == plan
            assert bits_of(read.shown) == bits_of([one for some in shown for one in some])
            assert bits_of(read.broken_off) == bits_of(broken_off)
            assert bits_of(read.responses) == bits_of(responses)
            assert bits_of(read.clock_line) == bits_of(line if responses else None)
            assert bits_of(reader.told()) == bits_of(told)
            assert bits_of(reader.result()) == bits_of(result)
            assert bits_of(reader.notes("any")[0].body) == bits_of(note)


@given(codes=arrays(st.tuples(st.integers(0, 4), st.integers(0, 4))))
@settings(max_examples=40, deadline=None)
def test_codes_are_read_back_bit_for_bit(codes: np.ndarray[Any, Any]) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder)
        plan = PassPlan(0, 0, (), ())
        with RunRecord.create(path, experiment_toml="", manifest={}) as record:
            record.planned(plan, {"a": codes}, ())
        with RunReader.open(path) as reader:
            assert bits_of(reader.codes(plan)["a"]) == bits_of(codes)


@given(hnp.arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9), st.just(3))))
@settings(max_examples=40, deadline=None)
def test_images_are_read_back(pixels: np.ndarray[Any, Any]) -> None:
    key = array_sha256(pixels)
    with TemporaryDirectory() as folder:
        with RunRecord.create(Path(folder), experiment_toml="", manifest={}) as record:
            record.save_images({key: pixels})
        with RunReader.open(Path(folder)) as reader:
            np.testing.assert_array_equal(reader.image(key), pixels)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | FLOATS | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
)


@given(JSON_VALUES)
def test_json_is_read_back(value: Any) -> None:
    text = to_json(value)
    assert bits_of(from_json(text)) == bits_of(value)
    json.loads(text, parse_constant=pytest.fail)
