"""Passes put together of the events that tell of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from signseg_rig.records.coding import (
    broken_off_of,
    clock_line_of,
    plan_of,
    responses_of,
    shown_of,
)
from signseg_rig.records.events import Event
from signseg_rig.records.recordings import unpacked_recording
from signseg_rig.records.recount import RecordedStretch
from signseg_rig.values import BrokenOff, ClockLine, PassPlan, ResponseBatch, Shown


@dataclass(frozen=True, slots=True, eq=False)
class PassRecord:
    """One pass through a block as it stands in the record.

    Parameters
    ----------
    plan : PassPlan
    shown : tuple of Shown
        In the order of showing. Where a pass was interrupted and planned again in a later session,
        what was shown since, and before that what was answered.
    broken_off : tuple of BrokenOff
    parts : tuple of ResponseBatch
        Responses that were read before the whole pass was shown, one batch for each stretch.
    responses : ResponseBatch or None
        To the whole pass, those of the parts among them; None where it was not finished.
    clock_line : ClockLine or None
        What was known of the clocks when the responses were read, on the device's own clock; None
        where that was nothing.
    """

    plan: PassPlan
    shown: tuple[Shown, ...]
    broken_off: tuple[BrokenOff, ...]
    parts: tuple[ResponseBatch, ...]
    responses: ResponseBatch | None
    clock_line: ClockLine | None


def pass_of(events: Sequence[Event]) -> PassRecord:
    """Put a pass together of its events, oldest first."""
    plan: PassPlan
    shown: list[Shown] = []
    broken_off: list[BrokenOff] = []
    parts: list[ResponseBatch] = []
    responses, line = None, None
    for event in events:
        match event.kind:
            case "planned":
                plan = plan_of(event)
                answered = {name for part in parts for name in part.presentation_ids}
                shown = [item for item in shown if item.presentation_id in answered]
                broken_off = [item for item in broken_off if item.presentation_id in answered]
            case "shown":
                shown += shown_of(event)
                broken_off += broken_off_of(event)
            case "part":
                parts.append(responses_of(event))
                line = clock_line_of(event)
            case "responses":
                responses, line = responses_of(event), clock_line_of(event)
    return PassRecord(plan, tuple(shown), tuple(broken_off), tuple(parts), responses, line)


def stretches_of(
    events: Sequence[Event], read_blob: Callable[[str], bytes]
) -> list[RecordedStretch]:
    """Return what was recorded of a pass, one stretch after the other.

    What was shown, recorded and never answered for, because the run was killed, was shown again:
    each presentation belongs to the latest recording before its answer.

    Parameters
    ----------
    events : sequence of Event
        Recordings and responses of one pass, oldest first.
    read_blob : callable
        ``read_blob(name)`` gives the bytes of a file.
    """
    answers = [responses_of(event) for event in events if event.kind != "recording"]
    if not answers:
        return []
    owner: dict[str, int] = {}
    answered: set[str] = set()
    remaining = iter(answers)
    for number, event in enumerate(events):
        if event.kind == "recording":
            owner |= {
                str(name): number for name in event.body["presentation_ids"] if name not in answered
            }
        else:
            answered |= set(next(remaining).presentation_ids)
    everything = ResponseBatch.joined(answers)
    # Those of a part are in the whole pass again.
    row = {name: index for index, name in reversed(list(enumerate(everything.presentation_ids)))}
    stretches = []
    for number, event in enumerate(events):
        rows = [row[name] for name, own in owner.items() if own == number and name in row]
        if rows:
            recording = unpacked_recording(event.body["recording"], read_blob(event.body["blob"]))
            responses = everything.rows(np.array(rows, dtype=np.intp))
            stretches.append(RecordedStretch(recording, responses, dict(event.body["alignment"])))
    return stretches
