"""Values of the loop as events, and back; floats keep every bit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from signseg_rig.records.events import Event
from signseg_rig.types import (
    FloatArray,
    InvalidReason,
    PassPlan,
    PlannedStimulus,
    Presentation,
    ProtocolResult,
    ResponseBatch,
    Shown,
    Told,
)


def planned_event(plan: PassPlan, codes: dict[str, str]) -> Event:
    """Make the event of a plan; `codes` names the blob of each generator."""
    body = {
        "stimuli": [asdict(stimulus) for stimulus in plan.stimuli],
        "presentations": [asdict(item) for item in plan.presentations],
        "codes": codes,
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
    return Event("shown", {"shown": [asdict(item) for item in shown]}, block, attempt)


def shown_of(event: Event) -> tuple[Shown, ...]:
    """Read presentations back."""
    return tuple(Shown(**item) for item in event.body["shown"])


def responses_event(block: int, attempt: int, responses: ResponseBatch) -> Event:
    """Make the event of responses."""
    body = {
        "presentation_ids": list(responses.presentation_ids),
        "stimulus_index": responses.stimulus_index.tolist(),
        "reasons": [reason.value if reason else None for reason in responses.reasons],
        "unit_names": list(responses.unit_names),
    }
    data = _bytes(responses.evoked_hz) + _bytes(responses.baseline_hz)
    return Event("responses", body, block, attempt, data)


def responses_of(event: Event) -> ResponseBatch:
    """Read responses back."""
    body = event.body
    shape = (len(body["presentation_ids"]), len(body["unit_names"]))
    evoked_hz, baseline_hz = np.frombuffer(event.data, "<f8").reshape(2, *shape)
    return ResponseBatch(
        presentation_ids=tuple(body["presentation_ids"]),
        stimulus_index=np.array(body["stimulus_index"], dtype=np.int64),
        evoked_hz=evoked_hz,
        baseline_hz=baseline_hz,
        reasons=tuple(InvalidReason(item) if item else None for item in body["reasons"]),
        unit_names=tuple(body["unit_names"]),
    )


def told_event(told: Told) -> Event:
    """Make the event of what an optimizer was told."""
    body = {
        "thread": told.thread,
        "generation": told.generation,
        "n_scores": len(told.scores),
    }
    return Event("told", body, data=_bytes(told.scores) + _bytes(told.reference_scores))


def told_of(event: Event) -> Told:
    """Read what an optimizer was told back."""
    scores, reference_scores = np.split(np.frombuffer(event.data, "<f8"), [event.body["n_scores"]])
    return Told(event.body["thread"], event.body["generation"], scores, reference_scores)


def finished_event(result: ProtocolResult) -> Event:
    """Make the event that ends a run."""
    body = {
        "is_success": result.is_success,
        "columns": list(result.columns),
        "rows": [[_cell(cell) for cell in row] for row in result.rows],
    }
    return Event("finished", body)


def result_of(event: Event) -> ProtocolResult:
    """Read a protocol's result back."""
    return ProtocolResult(
        is_success=event.body["is_success"],
        columns=tuple(event.body["columns"]),
        rows=tuple(
            tuple(float.fromhex(cell["float"]) if isinstance(cell, dict) else cell for cell in row)
            for row in event.body["rows"]
        ),
    )


def _cell(cell: str | float) -> Any:
    # JSON has no NaN, and its decimal numbers are for people.
    return {"float": float(cell).hex()} if isinstance(cell, float) else cell


def _bytes(array: FloatArray) -> bytes:
    return np.ascontiguousarray(array, dtype="<f8").tobytes()
