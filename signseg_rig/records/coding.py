"""Values of the loop as events, and back; arrays keep type, order in memory, and every bit.

A resumed run is fed what stands here, and has to compute what it computed from the originals.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import NoneType
from typing import Any, Literal, TypeVar, get_args, get_type_hints

import numpy as np

from signseg_rig.records.events import Event
from signseg_rig.records.npy import packed, unpacked
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
)


def _types(hint: object) -> tuple[object, ...]:
    """Return the types that a part may have. A float without decimals is an int in JSON."""
    kinds = get_args(hint) or (hint,)
    return (*kinds, int) if float in kinds else kinds


# What loops over them, and arrays of indices, can hold.
MAX_INT = 2**63 - 1
CELLS = (str, int, float, bool, NoneType)
Value = PlannedStimulus | Presentation | Shown | BrokenOff | ClockLine | Durations
Row = TypeVar("Row", PlannedStimulus, Presentation, Shown, BrokenOff, ClockLine, Durations)
# Parts that are made of others are read by name.
_PARTS = ("placement", "provenance")
# What records of earlier versions do not have.
_ADDED: dict[object, set[str]] = {Shown: {"code"}}
_ALLOWED: dict[object, dict[str, tuple[object, ...]]] = {
    kind: {name: _types(hint) for name, hint in get_type_hints(kind).items() if name not in _PARTS}
    for kind in get_args(Value)
}


def planned_event(plan: PassPlan, codes: Mapping[str, str]) -> Event:
    """Make the event of a plan; `codes` names the blob of each generator."""
    body = {
        "stimuli": [_stimulus_table(stimulus) for stimulus in plan.stimuli],
        "presentations": [_table(item) for item in plan.presentations],
        "durations": _table(plan.durations) if plan.durations else None,
        "codes": dict(codes),
    }
    return Event("planned", body, plan.block, plan.attempt)


def plan_of(event: Event) -> PassPlan:
    """Read a plan back."""
    assert event.block is not None
    assert event.attempt is not None
    body = event.body
    durations = body.get("durations")
    return PassPlan(
        event.block,
        event.attempt,
        tuple(_stimulus(table) for table in body["stimuli"]),
        _rows(Presentation, body["presentations"]),
        _row(Durations, durations) if durations else None,
    )


def _stimulus_table(stimulus: PlannedStimulus) -> dict[str, Any]:
    placement = stimulus.placement
    place = None if placement is None else [*placement.position_deg, placement.size_deg]
    return {**_table(stimulus), "placement": place, "provenance": dict(stimulus.provenance)}


def _stimulus(table: Mapping[str, Any]) -> PlannedStimulus:
    rest = dict(table)
    if "origin" in rest:  # as the role was called up to version 2
        rest["role"] = rest.pop("origin")
    place, provenance = rest.pop("placement", None), rest.pop("provenance", {})
    if not isinstance(provenance, dict) or any(
        type(value) not in CELLS for value in provenance.values()
    ):
        raise TypeError("what made an image is told in words and numbers")
    stimulus = _row(PlannedStimulus, rest)
    return replace(stimulus, placement=_placement(place), provenance=provenance)


def _placement(place: Sequence[float | None] | None) -> Placement | None:
    if place is None:
        return None
    right_deg, up_deg, size_deg = place
    if not isinstance(right_deg, int | float) or not isinstance(up_deg, int | float):
        raise TypeError("an image lies at a position in degrees")
    return Placement((right_deg, up_deg), None if size_deg is None else float(size_deg))


def blobs_of(event: Event) -> dict[str, str]:
    """Read back which blob holds the codes of each generator."""
    blobs = event.body["codes"]
    _texts((*blobs, *blobs.values()))
    return dict(blobs)


def shown_event(
    block: int, attempt: int, shown: Sequence[Shown], broken_off: Sequence[BrokenOff] = ()
) -> Event:
    """Make the event of presentations that were shown, or were broken off."""
    body = {
        "shown": [_table(item) for item in shown],
        "broken_off": [_table(item) for item in broken_off],
    }
    return Event("shown", body, block, attempt)


def shown_of(event: Event) -> tuple[Shown, ...]:
    """Read presentations back."""
    return _rows(Shown, event.body["shown"])


def broken_off_of(event: Event) -> tuple[BrokenOff, ...]:
    """Read presentations that were broken off back."""
    return _rows(BrokenOff, event.body.get("broken_off", ()))


def recording_event(
    block: int, attempt: int, recording: Mapping[str, Any], blob: str, alignment: Mapping[str, Any]
) -> Event:
    """Make the event of a recording: its table, the blob with the rest, how it was aligned."""
    body = {"recording": dict(recording), "blob": blob, "alignment": dict(alignment)}
    return Event("recording", body, block, attempt)


def responses_event(
    kind: Literal["part", "responses"],
    block: int,
    attempt: int,
    responses: ResponseBatch,
    line: ClockLine | None,
) -> Event:
    """Make the event of responses to part of a pass or all of it, and of how they were aligned."""
    body = {
        "clock_line": _table(line) if line else None,
        "presentation_ids": responses.presentation_ids,
        "reasons": [reason.value if reason else None for reason in responses.reasons],
        "unit_names": responses.unit_names,
    }
    data = packed(
        responses.stimulus_index, responses.evoked_hz, responses.baseline_hz, responses.onset_s
    )
    return Event(kind, body, block, attempt, data)


def responses_of(event: Event) -> ResponseBatch:
    """Read responses back."""
    # Up to version 2 onsets were not recorded.
    has_onsets = "clock_line" in event.body
    stimulus_index, evoked_hz, baseline_hz, *onset_s = unpacked(event.data, 3 + has_onsets)
    if {array.dtype.kind for array in (evoked_hz, baseline_hz, *onset_s)} != {"f"} or (
        stimulus_index.dtype.kind != "i"
    ):
        raise TypeError("indices are integers, rates and onsets floats")
    return ResponseBatch(
        presentation_ids=_texts(event.body["presentation_ids"]),
        stimulus_index=stimulus_index,
        evoked_hz=evoked_hz,
        baseline_hz=baseline_hz,
        reasons=tuple(InvalidReason(item) if item else None for item in event.body["reasons"]),
        unit_names=_texts(event.body["unit_names"]),
        onset_s=onset_s[0] if onset_s else np.empty(0),
    )


def clock_line_of(event: Event) -> ClockLine | None:
    """Read back how responses were aligned; None where nothing was, or where it is not recorded."""
    if table := event.body.get("clock_line"):
        return _row(ClockLine, table)
    if before := event.body.get("clock_offset"):  # as up to version 2
        value_s, at_display_s = float(before["value_s"]), float(before["at_display_s"])
        return ClockLine(value_s, at_display_s)
    return None


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


def _table(value: Value) -> dict[str, Any]:
    # dataclasses.asdict would copy every string of a block deeply, in the turn-around.
    return {name: getattr(value, name) for name in value.__slots__ if name not in _PARTS}


def _rows(kind: type[Row], tables: Sequence[Mapping[str, Any]]) -> tuple[Row, ...]:
    return tuple(_row(kind, table) for table in tables)


def _row(kind: type[Row], table: Mapping[str, Any]) -> Row:
    """Make a frozen value of what JSON held, once each part is of its type."""
    allowed = _ALLOWED[kind]
    if allowed.keys() - table.keys() - _ADDED.get(kind, set()) or table.keys() - allowed.keys():
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
