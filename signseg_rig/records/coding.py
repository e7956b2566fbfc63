"""Values of the loop as events, and back; arrays keep type, order in memory, and every bit.

A resumed run is fed what stands here, and has to compute what it computed from the originals.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import NoneType
from typing import Any, Literal, TypeVar, get_args, get_type_hints

from signseg_rig.records.events import Event
from signseg_rig.records.npy import packed, unpacked
from signseg_rig.values import (
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

# What loops over them, and arrays of indices, can hold.
MAX_INT = 2**63 - 1
CELLS = (str, int, float, bool, NoneType)
Row = TypeVar("Row", PlannedStimulus, Presentation, Shown, ClockOffset)
# The types of each part, or the values where only these are allowed. A float without decimals is
# an int in JSON that another program wrote.
_ALLOWED: dict[object, dict[str, tuple[object, ...]]] = {
    kind: {
        name: (float, int) if hint is float else get_args(hint) or (hint,)
        for name, hint in get_type_hints(kind).items()
    }
    for kind in (PlannedStimulus, Presentation, Shown, ClockOffset)
}


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
    stimuli = _rows(PlannedStimulus, event.body["stimuli"])
    presentations = _rows(Presentation, event.body["presentations"])
    return PassPlan(event.block, event.attempt, stimuli, presentations)


def blobs_of(event: Event) -> dict[str, str]:
    """Read back which blob holds the codes of each generator."""
    blobs = event.body["codes"]
    _texts((*blobs, *blobs.values()))
    return dict(blobs)


def shown_event(block: int, attempt: int, shown: Sequence[Shown]) -> Event:
    """Make the event of presentations that were shown."""
    return Event("shown", {"shown": [_table(item) for item in shown]}, block, attempt)


def shown_of(event: Event) -> tuple[Shown, ...]:
    """Read presentations back."""
    return _rows(Shown, event.body["shown"])


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
    data = packed(responses.stimulus_index, responses.evoked_hz, responses.baseline_hz)
    return Event(kind, body, block, attempt, data)


def responses_of(event: Event) -> ResponseBatch:
    """Read responses back."""
    stimulus_index, evoked_hz, baseline_hz = unpacked(event.data, 3)
    if (stimulus_index.dtype.kind, evoked_hz.dtype.kind, baseline_hz.dtype.kind) != ("i", "f", "f"):
        raise TypeError("indices are integers, and rates floats")
    return ResponseBatch(
        presentation_ids=_texts(event.body["presentation_ids"]),
        stimulus_index=stimulus_index,
        evoked_hz=evoked_hz,
        baseline_hz=baseline_hz,
        reasons=tuple(InvalidReason(item) if item else None for item in event.body["reasons"]),
        unit_names=_texts(event.body["unit_names"]),
    )


def clock_offset_of(event: Event) -> ClockOffset | None:
    """Read back how responses were aligned; None where nothing was, or where it is not recorded."""
    table = event.body.get("clock_offset")
    return _row(ClockOffset, table) if table else None


def told_event(told: Told) -> Event:
    """Make the event of what an optimizer was told."""
    body = {"thread": told.thread, "generation": told.generation}
    return Event("told", body, data=packed(told.scores, told.reference_scores))


def told_of(event: Event) -> Told:
    """Read what an optimizer was told back."""
    thread, generation = event.body["thread"], event.body["generation"]
    scores, reference_scores = unpacked(event.data, 2)
    for array in (scores, reference_scores):
        if array.ndim != 1 or array.dtype.kind != "f":
            raise TypeError(f"scores of {array.dtype} and shape {array.shape} are none")
    (name,) = _texts((thread,))
    if not _is_int(generation):
        raise TypeError(f"{generation!r} is no number of a generation")
    return Told(name, generation, scores, reference_scores)


def finished_event(result: ProtocolResult) -> Event:
    """Make the event that ends a run."""
    names = ("is_success", "columns", "rows", "headings", "notes")
    return Event("finished", {name: getattr(result, name) for name in names})


def result_of(event: Event) -> ProtocolResult:
    """Read a protocol's result back."""
    columns, rows = _texts(event.body["columns"]), tuple(map(tuple, event.body["rows"]))
    for row in rows:
        if len(row) != len(columns) or any(type(cell) not in CELLS for cell in row):
            raise TypeError(f"a row of {len(row)} cells under {len(columns)} columns")
    # Records of the first version have neither headings nor notes.
    headings = _texts(event.body.get("headings", ()))
    if headings and len(headings) != len(columns):
        raise TypeError(f"{len(headings)} headings of {len(columns)} columns")
    return ProtocolResult(
        is_success=event.body["is_success"] is True,
        columns=columns,
        rows=rows,
        headings=headings,
        notes=_texts(event.body.get("notes", ())),
    )


def _table(value: PlannedStimulus | Presentation | Shown | ClockOffset) -> dict[str, Any]:
    # dataclasses.asdict would copy every string of a block deeply, in the turn-around.
    return {name: getattr(value, name) for name in value.__slots__}


def _rows(kind: type[Row], tables: Sequence[Mapping[str, Any]]) -> tuple[Row, ...]:
    return tuple(_row(kind, table) for table in tables)


def _row(kind: type[Row], table: Mapping[str, Any]) -> Row:
    """Make a frozen value of what JSON held, once each part is of its type."""
    allowed = _ALLOWED[kind]
    if table.keys() != allowed.keys():
        raise TypeError(f"a {kind.__name__} has {', '.join(allowed)}; got {', '.join(table)}")
    for name, value in table.items():
        if type(value) is int and int in allowed[name] and not _is_int(value):
            raise OverflowError(f"{name} of a {kind.__name__} is beyond all numbers")
        if type(value) not in allowed[name] and value not in allowed[name]:
            raise TypeError(f"{name} of a {kind.__name__} cannot be {value!r:.40}")
    return kind(**table)


def _texts(values: Sequence[object]) -> tuple[str, ...]:
    texts = tuple(value for value in values if isinstance(value, str))
    if isinstance(values, str) or len(texts) != len(values):
        raise TypeError("names are texts")
    return texts


def _is_int(value: object) -> bool:
    return type(value) is int and abs(value) <= MAX_INT
