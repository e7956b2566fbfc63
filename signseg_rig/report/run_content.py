"""What a report says, gathered from a run record into plain arrays."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import tomli_w

from signseg_rig.records import PassRecord, RunReader, differences
from signseg_rig.report.run_channels import ChannelRates, channel_rates
from signseg_rig.report.run_events import events_in_words
from signseg_rig.report.run_timing import Timing, clocks_in_words, timing_of
from signseg_rig.settings.toml_text import TomlError, parse_toml
from signseg_rig.values import FloatArray, PassPlan, ProtocolResult

NOT_RECORDED = "not recorded"


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
    n_showings : int
        How often each image was ordered to be shown before it was scored.
    """

    thread: str
    scores: tuple[FloatArray, ...]
    reference_scores: tuple[FloatArray, ...]
    best_keys: tuple[str | None, ...]
    unit: str
    n_showings: int = 1


@dataclass(frozen=True, slots=True, eq=False)
class Content:
    """Everything that a report shows.

    Parameters
    ----------
    name : str
    is_finished : bool
    started, subject : str
        When the run began, and whom it was done with; "not recorded" where that is so.
    curves : tuple of ThreadCurve
    timing : Timing
    clocks : mapping of str to str
        Offset and drift of the clocks, in words, as far as they are known.
    validity : mapping of str to int
        Presentations by validity, in words.
    n_sessions : int
        Processes that wrote this record: one more than the times it was resumed.
    channels : ChannelRates or None
    notes : tuple of (time, text)
        What happened that was not planned, in words.
    result : ProtocolResult or None
    experiment_toml : str
        As it was run.
    manifest : mapping
    """

    name: str
    is_finished: bool
    started: str
    subject: str
    curves: tuple[ThreadCurve, ...]
    timing: Timing
    clocks: dict[str, str]
    validity: dict[str, int]
    n_sessions: int
    channels: ChannelRates | None
    notes: tuple[tuple[str, str], ...]
    result: ProtocolResult | None
    experiment_toml: str
    manifest: dict[str, object]


# Each costs a figure; a record of another program may tell of as many as it likes.
MAX_THREADS = 64
# Other scores, such as the similarity to a pattern, are no rates.
RATE_SCORES = ("channel", "mean", "contrast")


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
    experiment = parse_toml(experiment_toml)
    notes = reader.notes()
    curves = _curves(reader, passes, _units(experiment))
    problems = reader.problems()
    if n_left := len(curves[MAX_THREADS:]):
        problems = (*problems, f"Of {len(curves)} threads {n_left} are not shown here.")
    return Content(
        name=reader.path.name,
        is_finished=result is not None,
        started=f"{notes[0].at_utc.astimezone():%Y-%m-%d %H:%M %Z}" if notes else NOT_RECORDED,
        subject=_subject(experiment),
        curves=curves[:MAX_THREADS],
        timing=timing_of(reader, passes),
        clocks=clocks_in_words(reader, passes),
        validity=_validity(passes),
        n_sessions=reader.n_sessions,
        channels=channel_rates(passes),
        notes=events_in_words(notes) + edits + tuple(("now", problem) for problem in problems),
        result=result,
        experiment_toml=experiment_toml,
        manifest=dict(reader.manifest),
    )


def _experiment(reader: RunReader) -> tuple[str, tuple[tuple[str, str], ...]]:
    """Return the experiment that was run, and what is otherwise in a file that was edited since."""
    recorded = reader.notes("experiment")
    if not recorded:  # killed before there was anything to show
        return reader.experiment_toml, ()
    experiment = dict(recorded[-1].body)
    try:
        now = parse_toml(reader.experiment_toml)
    except TomlError as error:
        changes = f"it is no TOML any more, line {error.line}: {error}"
    else:
        changes = ", ".join(
            f"{key}: {before!r} is now {after!r}"
            for key, (before, after) in differences(experiment, now).items()
        )
    if not changes:
        return reader.experiment_toml, ()
    return tomli_w.dumps(experiment), (
        ("later", f"experiment.toml was edited after the run: {changes}."),
    )


def _curves(
    reader: RunReader, passes: list[PassRecord], units: dict[str, str]
) -> tuple[ThreadCurve, ...]:
    plans = [one.plan for one in passes if one.plan.attempt == 0]
    keys = _keys_by_place(plans)
    n_showings = len(plans[0].presentations) // len(plans[0].stimuli) if plans else 1
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
            n_showings=n_showings,
        )
        for thread, rows in by_thread.items()
    )


def _units(experiment: Mapping[str, Any]) -> dict[str, str]:
    """Return the unit of each thread's score; a kind of score that is not known here has none."""
    protocol = experiment.get("protocol", {})
    # Threads of another protocol may be anything.
    threads = protocol["threads"] if protocol.get("kind") == "evolution" else []
    return {
        name: "spikes/s"
        for thread in threads
        if thread["score"]["kind"] in RATE_SCORES
        for name in (thread["name"], f"{thread['name']}-control")
    }


def _subject(experiment: Mapping[str, Any]) -> str:
    """Return what the experiment says of the subject, in its own words."""
    subject = experiment.get("subject")
    if not subject:
        return NOT_RECORDED
    if not isinstance(subject, Mapping):
        return str(subject)
    return ", ".join(f"{key.replace('_', ' ')}: {value}" for key, value in subject.items())


def _keys_by_place(plans: list[PassPlan]) -> dict[tuple[str, int, int], str]:
    """Find the image of each place, as it was first shown: final showings come later."""
    return {
        (stimulus.thread, stimulus.generation, stimulus.index): stimulus.pixels_sha256
        for plan in reversed(plans)
        for stimulus in plan.stimuli
        if stimulus.role == "evolved"
    }


def _validity(passes: list[PassRecord]) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for one in passes:
        answers = one.parts if one.responses is None else (one.responses,)
        reasons = [reason for answer in answers for reason in answer.reasons]
        counts.update(reason.value if reason else "valid" for reason in reasons)
        if n_left := len(one.plan.presentations) - len(reasons):
            counts["planned, no responses yet"] += n_left
    return dict(counts.most_common())
