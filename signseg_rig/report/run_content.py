"""What a report says, gathered from a run record into plain arrays."""

from __future__ import annotations

import tomllib
from collections import Counter
from dataclasses import dataclass

import numpy as np
import tomli_w

from signseg_rig.limits import MAX_DRIFT
from signseg_rig.records import Note, PassRecord, RunReader, differences
from signseg_rig.types import FloatArray, PassPlan, ProtocolResult


@dataclass(frozen=True, slots=True, eq=False)
class ThreadCurve:
    """One evolution over its generations.

    Parameters
    ----------
    thread : str
    scores : tuple of (n_codes,) float arrays
        One array per generation, NaN where a code had no valid presentation.
    reference_scores : tuple of (n_references,) float arrays
        Of the reference images shown in the same blocks.
    best_keys : tuple of (str or None)
        Hash of the image with the best score of each generation.
    unit : str
        Of the scores; empty where they have none.
    """

    thread: str
    scores: tuple[FloatArray, ...]
    reference_scores: tuple[FloatArray, ...]
    best_keys: tuple[str | None, ...]
    unit: str


@dataclass(frozen=True, slots=True, eq=False)
class Timing:
    """How well the screen kept time.

    Parameters
    ----------
    durations_s : (n_presentations,) float array, in seconds
        Offset minus onset.
    onset_intervals_s : (n,) float array, in seconds
        From one onset to the next within a pass.
    turnarounds_s : (n,) float array, in seconds
        From the last offset of a block to the first onset of the next, but for pauses and for the
        time between two sessions.
    parts_s : mapping of str to (n,) float arrays, in seconds
        How long each part of the turn-around took, summed from the showing of one block to that
        of the next, repeats of invalid presentations among it.
    n_dropped_frames : int
    """

    durations_s: FloatArray
    onset_intervals_s: FloatArray
    turnarounds_s: FloatArray
    parts_s: dict[str, FloatArray]
    n_dropped_frames: int


@dataclass(frozen=True, slots=True, eq=False)
class Content:
    """Everything that a report shows.

    Parameters
    ----------
    name : str
    is_finished : bool
    curves : tuple of ThreadCurve
    timing : Timing
    clocks : mapping of str to str
        Offset and drift of the clocks, in words, as far as they are known.
    validity : mapping of str to int
        Presentations by validity, in words.
    n_sessions : int
        Processes that wrote this record: one more than the times it was resumed.
    notes : tuple of (topic, text)
        What happened that was not planned.
    result : ProtocolResult or None
    experiment_toml : str
        As it was run.
    manifest : mapping
    """

    name: str
    is_finished: bool
    curves: tuple[ThreadCurve, ...]
    timing: Timing
    clocks: dict[str, str]
    validity: dict[str, int]
    n_sessions: int
    notes: tuple[tuple[str, str], ...]
    result: ProtocolResult | None
    experiment_toml: str
    manifest: dict[str, object]


# Other scores, such as the similarity to a pattern, are no rates.
# Each costs a figure; a record of another program may tell of as many as it likes.
MAX_THREADS = 64
RATE_SCORES = ("channel", "mean", "contrast")
ROUTINE_TOPICS = ("timing", "display clock", "experiment", "file images")


def gather(reader: RunReader) -> Content:
    """Read a run record, finished or not.

    Parameters
    ----------
    reader : RunReader

    Returns
    -------
    content : Content
    """
    passes = list(reader.passes())
    result = reader.result()
    experiment_toml, edits = _experiment(reader)
    notes = tuple(
        (note.topic, ", ".join(f"{key}: {value}" for key, value in note.body.items()))
        for note in reader.notes()
        if note.topic not in ROUTINE_TOPICS and note.body
    )
    curves = _curves(reader, passes, _units(experiment_toml))
    problems = [("incomplete record", problem) for problem in reader.problems()]
    if n_left := len(curves[MAX_THREADS:]):
        problems.append(("threads left out", f"{n_left} of {len(curves)}"))
    return Content(
        name=reader.path.name,
        is_finished=result is not None,
        curves=curves[:MAX_THREADS],
        timing=_timing(reader, passes),
        clocks=_clocks(reader, passes),
        validity=_validity(passes),
        n_sessions=reader.n_sessions,
        notes=(*notes, *edits, *problems),
        result=result,
        experiment_toml=experiment_toml,
        manifest=dict(reader.manifest),
    )


def _experiment(reader: RunReader) -> tuple[str, tuple[tuple[str, str], ...]]:
    """Give the experiment that was run, and what is otherwise in a file that was edited since."""
    recorded = reader.notes("experiment")
    if not recorded:  # killed before there was anything to show
        return reader.experiment_toml, ()
    experiment = dict(recorded[-1].body)
    try:
        now = tomllib.loads(reader.experiment_toml)
    except tomllib.TOMLDecodeError as error:
        changes = f"it is no TOML any more: {error}"
    else:
        changes = ", ".join(
            f"{key}: {before!r} is now {after!r}"
            for key, (before, after) in differences(experiment, now).items()
        )
    if not changes:
        return reader.experiment_toml, ()
    return tomli_w.dumps(experiment), (("experiment.toml was edited after the run", changes),)


def _curves(
    reader: RunReader, passes: list[PassRecord], units: dict[str, str]
) -> tuple[ThreadCurve, ...]:
    keys = _keys_by_place([one.plan for one in passes if one.plan.attempt == 0])
    by_thread: dict[str, list[tuple[FloatArray, FloatArray, str | None]]] = {}
    for told in sorted(reader.told(), key=lambda item: item.generation):
        is_scored = np.isfinite(told.scores).any()
        best = int(np.nanargmax(told.scores)) if is_scored else -1
        key = keys.get((told.thread, told.generation, best))
        by_thread.setdefault(told.thread, []).append((told.scores, told.reference_scores, key))
    return tuple(
        ThreadCurve(
            thread,
            scores=tuple(scores for scores, _, _ in rows),
            reference_scores=tuple(references for _, references, _ in rows),
            best_keys=tuple(key for _, _, key in rows),
            unit=units.get(thread, ""),
        )
        for thread, rows in by_thread.items()
    )


def _units(experiment_toml: str) -> dict[str, str]:
    """Give the unit of each thread's score; a kind of score that is not known here has none."""
    protocol = tomllib.loads(experiment_toml).get("protocol", {})
    # Threads of another protocol may be anything.
    threads = protocol["threads"] if protocol.get("kind") == "evolution" else []
    return {
        thread["name"]: "spikes/s" for thread in threads if thread["score"]["kind"] in RATE_SCORES
    }


def _keys_by_place(plans: list[PassPlan]) -> dict[tuple[str, int, int], str]:
    return {
        (stimulus.thread, stimulus.generation, stimulus.index): stimulus.pixels_sha256
        for plan in plans
        for stimulus in plan.stimuli
        if stimulus.origin == "evolved"
    }


def _timing(reader: RunReader, passes: list[PassRecord]) -> Timing:
    notes = reader.notes("timing")
    shown = [one.shown for one in passes if one.shown]
    intervals = [_within_stretches(np.diff([item.onset_s for item in part])) for part in shown]
    items = [item for part in shown for item in part]
    return Timing(
        durations_s=np.array([item.offset_s - item.onset_s for item in items]),
        onset_intervals_s=np.concatenate(intervals or [np.empty(0)]),
        turnarounds_s=_turnarounds_s(passes, notes),
        parts_s=_parts_s(notes),
        n_dropped_frames=sum(item.n_dropped_frames for item in items),
    )


def _turnarounds_s(passes: list[PassRecord], notes: list[Note]) -> FloatArray:
    """Take the time from block to block, without pauses and the nights between two sessions."""
    # A block has a note whenever it, or a part of it, is shown.
    begun = {note.body["block"]: note.session for note in reversed(notes)}
    ended = {note.body["block"]: note.session for note in notes}
    lasts = {one.plan.block: one.shown[-1].offset_s for one in passes if one.shown}
    firsts = {
        one.plan.block: one.shown[0].onset_s
        for one in passes
        if one.shown and one.plan.attempt == 0
    }
    turnarounds_s = [
        first_s - lasts[block - 1]
        for block, first_s in firsts.items()
        if block - 1 in lasts and ended.get(block - 1) == begun.get(block) == ended.get(block)
    ]
    return _within_stretches(np.array(turnarounds_s))


def _parts_s(notes: list[Note]) -> dict[str, FloatArray]:
    """Sum the parts of the turn-around by block: each pass and each stretch has its own note."""
    sums: dict[str, dict[int, float]] = {}
    for note in notes:
        block = note.body["block"]
        for key, value in note.body.items():
            if key.endswith("_s"):
                part = sums.setdefault(key.removesuffix("_s"), {})
                part[block] = part.get(block, 0.0) + float(value)
    return {key: np.array(list(by_block.values())) for key, by_block in sums.items()}


def _within_stretches(intervals_s: FloatArray) -> FloatArray:
    """Leave out what lies between two stretches: a pause, a lost display, a night."""
    if not intervals_s.size:
        return intervals_s
    return intervals_s[(intervals_s > 0) & (intervals_s < 5 * np.median(intervals_s))]


def _clocks(reader: RunReader, passes: list[PassRecord]) -> dict[str, str]:
    """Describe the clocks by the latest estimates of offset and drift."""
    clocks = {}
    if notes := reader.notes("display clock"):
        last = notes[-1].body
        clocks["display clock less loop clock"] = (
            f"{last['offset_s']:+.6f} s, within {1000 * last['error_s']:.2f} ms; "
            f"drift {last['drift_ppm']:+.1f} ppm"
        )
    offsets = [one.clock_offset for one in passes if one.clock_offset is not None]
    if offsets:
        first, last_offset = offsets[0], offsets[-1]
        text = f"{last_offset.value_s:+.6f} s"
        elapsed_s = last_offset.at_display_s - first.at_display_s
        change_s = last_offset.value_s - first.value_s
        # No clock drifts by more: where one seems to, one of the two was started anew.
        if elapsed_s > 0 and abs(change_s) <= MAX_DRIFT * elapsed_s:
            drift_ppm = 1e6 * change_s / elapsed_s
            text += f"; drift {drift_ppm:+.1f} ppm over {elapsed_s:.0f} s"
        clocks["recording clock less display clock"] = text
    return clocks


def _validity(passes: list[PassRecord]) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for one in passes:
        answers = one.parts if one.responses is None else (one.responses,)
        reasons = [reason for answer in answers for reason in answer.reasons]
        counts.update(reason.value if reason else "valid" for reason in reasons)
        if n_left := len(one.plan.presentations) - len(reasons):
            counts["planned, no responses yet"] += n_left
    return dict(counts.most_common())
