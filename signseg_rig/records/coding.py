"""Values of the loop as events, and back; arrays keep type, order in memory, and every bit.

A resumed run is fed what stands here, and has to compute what it computed from the originals.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from signseg_rig.records.events import Event
from signseg_rig.types import (
    ClockOffset,
    InvalidReason,
    PassPlan,
    PlannedStimulus,
    Presentation,
    ProtocolResult,
    ResponseBatch,
    Shown,
    Told,
)

Array = npt.NDArray[Any]


def planned_event(plan: PassPlan, codes: Mapping[str, str]) -> Event:
    """Make the event of a plan; `codes` names the blob of each generator."""
    body = {
        "stimuli": [_table(stimulus) for stimulus in plan.stimuli],
        "presentations": [_table(item) for item in plan.presentations],
        "codes": dict(codes),
    }
    return Event("planned", body, plan.block, plan.attempt)


def plan_of(event: Event) -> PassPlan:
    """Read a plan back."""
    assert event.block is not None
    assert event.attempt is not None
    return PassPlan(
        block=event.block,
        attempt=event.attempt,
        stimuli=tuple(PlannedStimulus(**item) for item in event.body["stimuli"]),
        presentations=tuple(Presentation(**item) for item in event.body["presentations"]),
    )


def shown_event(block: int, attempt: int, shown: Sequence[Shown]) -> Event:
    """Make the event of presentations that were shown."""
    return Event("shown", {"shown": [_table(item) for item in shown]}, block, attempt)


def shown_of(event: Event) -> tuple[Shown, ...]:
    """Read presentations back."""
    return tuple(Shown(**item) for item in event.body["shown"])


def responses_event(
    kind: Literal["part", "responses"],
    block: int,
    attempt: int,
    responses: ResponseBatch,
    offset: ClockOffset | None,
) -> Event:
    """Make the event of responses to part of a pass or all of it, and of how they were aligned."""
    body = {
        "clock_offset": _table(offset) if offset else None,
        "presentation_ids": responses.presentation_ids,
        "reasons": [reason.value if reason else None for reason in responses.reasons],
        "unit_names": responses.unit_names,
    }
    data = _packed(responses.stimulus_index, responses.evoked_hz, responses.baseline_hz)
    return Event(kind, body, block, attempt, data)


def responses_of(event: Event) -> ResponseBatch:
    """Read responses back."""
    stimulus_index, evoked_hz, baseline_hz = _unpacked(event.data, 3)
    return ResponseBatch(
        presentation_ids=tuple(event.body["presentation_ids"]),
        stimulus_index=stimulus_index,
        evoked_hz=evoked_hz,
        baseline_hz=baseline_hz,
        reasons=tuple(InvalidReason(item) if item else None for item in event.body["reasons"]),
        unit_names=tuple(event.body["unit_names"]),
    )


def clock_offset_of(event: Event) -> ClockOffset | None:
    """Read back how responses were aligned; None where nothing was, or where it is not recorded."""
    table = event.body.get("clock_offset")
    return ClockOffset(**table) if table else None


def told_event(told: Told) -> Event:
    """Make the event of what an optimizer was told."""
    body = {"thread": told.thread, "generation": told.generation}
    return Event("told", body, data=_packed(told.scores, told.reference_scores))


def told_of(event: Event) -> Told:
    """Read what an optimizer was told back."""
    return Told(event.body["thread"], event.body["generation"], *_unpacked(event.data, 2))


def finished_event(result: ProtocolResult) -> Event:
    """Make the event that ends a run."""
    names = ("is_success", "columns", "rows", "headings", "notes")
    return Event("finished", {name: getattr(result, name) for name in names})


def result_of(event: Event) -> ProtocolResult:
    """Read a protocol's result back."""
    return ProtocolResult(
        is_success=event.body["is_success"],
        columns=tuple(event.body["columns"]),
        rows=tuple(tuple(row) for row in event.body["rows"]),
        # Records of the first version have neither.
        headings=tuple(event.body.get("headings", ())),
        notes=tuple(event.body.get("notes", ())),
    )


def _table(value: PlannedStimulus | Presentation | Shown | ClockOffset) -> dict[str, Any]:
    # dataclasses.asdict would copy every string of a block deeply, in the turn-around.
    return {name: getattr(value, name) for name in value.__slots__}


def _packed(*arrays: Array) -> bytes:
    """Put .npy files, which tell type, shape and order themselves, one after the other."""
    buffer = io.BytesIO()
    for array in arrays:
        np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()


def _unpacked(data: bytes, n_arrays: int) -> list[Array]:
    buffer = io.BytesIO(data)
    return [np.load(buffer, allow_pickle=False) for _ in range(n_arrays)]
