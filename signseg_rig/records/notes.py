"""A person's note into the record of a run, also while another process writes to it."""

from __future__ import annotations

import getpass
from pathlib import Path

from signseg_rig.errors import RecordError
from signseg_rig.records.events import Event, EventTable

PERSON = "person"
MAX_LENGTH = 10_000


def add_note(path: Path, text: str) -> None:
    """Write a note into a run record; it is on the disk when this returns.

    The run may go on meanwhile: an event is appended, and nothing else is touched.

    Parameters
    ----------
    path : Path
        Folder of the run record.
    text : str

    Raises
    ------
    RecordError
        There is no record, it cannot be written, or the text is empty or far too long.
    """
    words = text.strip()
    if not words or len(words) > MAX_LENGTH:
        raise RecordError(
            f"A note has some text, and at most {MAX_LENGTH} characters; got {len(words)}."
        )
    table = EventTable.open_to_write(path)
    try:
        body = {"topic": PERSON, "body": {"text": words, "by": _user()}}
        table.append([Event("note", body)], session=max(table.last_session(), 0))
    finally:
        table.close()


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a user without a name, as in a container
        return ""
