"""What happened in a run that was not planned, in words."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from signseg_rig.records import Note

# What the rest of the page shows anyway.
ROUTINE_TOPICS = ("timing", "display clock", "experiment", "file images")
_HASH = re.compile(r"[0-9a-f]{32,}")
N_HASH_DIGITS = 8

Body = Mapping[str, Any]


def events_in_words(notes: Iterable[Note]) -> tuple[tuple[str, str], ...]:
    """Say what the notes of a record tell, but for those of every block.

    Parameters
    ----------
    notes : iterable of Note

    Returns
    -------
    events : tuple of (time, text)
        In the order of the record; the time of day where this is read.
    """
    return tuple(
        (f"{note.at_utc.astimezone():%Y-%m-%d %H:%M:%S}", in_words(note))
        for note in notes
        if note.topic not in ROUTINE_TOPICS
    )


def in_words(note: Note) -> str:
    """Say what a note tells; one on a topic that is not known here by its own words."""
    sentence = _SENTENCES.get(note.topic)
    try:
        return _in_general(note) if sentence is None else sentence(note.body)
    except (KeyError, TypeError, ValueError):  # of another version of this program
        return _in_general(note)


def _in_general(note: Note) -> str:
    said = ", ".join(f"{_spaced(key)} {_value(value)}" for key, value in note.body.items())
    topic = note.topic[:1].upper() + note.topic[1:]
    return f"{topic}: {said}." if said else f"{topic}."


def _connected(body: Body) -> str:
    notes = "".join(f" {note}" for note in body["notes"])
    return (
        f"The display connected: {body['name']} ({body['plugin']}), {body['width_px']} x "
        f"{body['height_px']} px, {body['width_deg']:.1f} x {body['height_deg']:.1f} degrees, "
        f"{body['refresh_rate_hz']:.4g} Hz"
        f"{', paced by software' if body['is_software_paced'] else ''}.{notes}"
    )


def _late(body: Body) -> str:
    return (
        f"{body['n_late']} images of a pass came on later than ordered; the longest background "
        f"before one was {1000 * body['longest_s']:.0f} ms."
    )


def _lost(body: Body) -> str:
    return (
        f"The display was lost in block {body['block']}: {body['reason']} "
        f"{body['n_to_be_shown_again']} presentations were to be shown again."
    )


def _aborted(body: Body) -> str:
    reasons = _counts({key: value for key, value in body.items() if key != "block"})
    return f"The run was aborted in block {body['block']}, invalid presentations: {reasons}."


def _software(body: Body) -> str:
    changes = "; ".join(f"{_spaced(key)} {value}" for key, value in body.items())
    return f"Since the run began, this changed on the computer: {_value(changes)}."


def _by(body: Body) -> str:
    return f" by {body['by']}" if body.get("by") else ""


def _recording_system(body: Body) -> str:
    told = _counts(body["description"])
    watermark = (
        ""
        if body["has_watermark"]
        else " It does not say until when everything has been received: what comes later had to do."
    )
    return (
        f"The recording system was connected: {body['n_units']} units, "
        f"{body['sample_rate_hz']:g} samples a second, sync lines {', '.join(body['lines'])}"
        f"{'; ' + told if told else ''}.{watermark}"
    )


def _counts(body: Body) -> str:
    return ", ".join(f"{key} ({value})" for key, value in body.items())


_SENTENCES: dict[str, Callable[[Body], str]] = {
    "session": lambda body: f"The run began, or went on, on {body['host']}.",
    "display connected": _connected,
    "display disconnected": lambda body: f"The display went away: {body['reason']}",
    "display restarted": lambda body: f"The display was started again: {body['reason']}",
    "display lost": _lost,
    "message rejected": lambda body: (
        f"A message was refused and not acted on, {body['fault']}: {body['detail']}"
    ),
    "rejected messages": lambda body: f"Messages refused in all: {_counts(body) or 'none'}.",
    "late onsets": _late,
    "aborted": _aborted,
    "insecure": lambda body: (
        f"The display's connection had no keys: whoever reached {body['address']} could pose as it."
    ),
    "software changed": _software,
    "person": lambda body: f"Note{_by(body)}: {body['text']}",
    "sync line": lambda body: f"In block {body['block']}: {body['remark']}",
    "recording system": _recording_system,
}


def _spaced(key: str) -> str:
    return key.replace("_", " ")


def _value(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, Mapping):
        return _counts({_spaced(str(key)): _value(one) for key, one in value.items()})
    if isinstance(value, list | tuple):
        return ", ".join(map(_value, value)) or "none"
    return _HASH.sub(lambda found: found[0][:N_HASH_DIGITS] + "...", str(value))
