"""The layout of the database, and how to tell whether a file has it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from signseg_rig.errors import RecordError
from signseg_rig.records.faults import DAMAGED, explained, file_error
from signseg_rig.whole_files import DRAFT_SUFFIX, remove, sync_folder

DATABASE_NAME = "run.sqlite"
SCHEMA_VERSION = 1
# Tells our files from other SQLite files: "SiSe".
APPLICATION_ID = 0x53695365

# SQLite lets an INSERT OR REPLACE pass the trigger on DELETE: hence the one on INSERT, which sees
# -1 where SQLite is going to choose the number.
_SCHEMA = """
CREATE TABLE events (
    sequence INTEGER PRIMARY KEY,
    at_utc TEXT NOT NULL,
    session INTEGER NOT NULL,
    kind TEXT NOT NULL,
    block INTEGER,
    attempt INTEGER,
    body TEXT NOT NULL,
    data BLOB,
    crc32 INTEGER NOT NULL
);
CREATE INDEX events_by_pass ON events (block, attempt, kind);
CREATE INDEX events_by_kind ON events (kind);
CREATE UNIQUE INDEX one_answer ON events (block, attempt) WHERE kind = 'responses';
CREATE UNIQUE INDEX one_end ON events (kind) WHERE kind = 'finished';
CREATE TRIGGER events_are_not_changed BEFORE UPDATE ON events
    BEGIN SELECT RAISE(ABORT, 'events are only ever appended'); END;
CREATE TRIGGER events_are_not_deleted BEFORE DELETE ON events
    BEGIN SELECT RAISE(ABORT, 'events are only ever appended'); END;
CREATE TRIGGER events_are_not_replaced BEFORE INSERT ON events
    WHEN NEW.sequence <> -1 AND EXISTS (SELECT 1 FROM events WHERE sequence = NEW.sequence)
    BEGIN SELECT RAISE(ABORT, 'events are only ever appended'); END;
"""


def create_database(path: Path) -> None:
    """Make the empty database of a run record; a crash leaves a whole one or none.

    Parameters
    ----------
    path : Path
        Folder of the run record.

    Raises
    ------
    RecordError
        The disk is full, or the folder cannot be written.
    """
    database = path / DATABASE_NAME
    draft = database.with_suffix(DRAFT_SUFFIX)
    remove(draft)
    with explained(database, "made"), closing(sqlite3.connect(draft)) as connection:
        # A draft needs no journal: after a crash it is made afresh.
        connection.execute("PRAGMA journal_mode = MEMORY")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        connection.executescript(_SCHEMA)
    try:
        draft.replace(database)
        sync_folder(path)
    except OSError as error:
        raise file_error(database, "made", error) from error


def check_identity(database: Path, connection: sqlite3.Connection) -> None:
    """Make sure that a database is a run record's, and of the version that we read."""
    (application_id,) = connection.execute("PRAGMA application_id").fetchone()
    if application_id != APPLICATION_ID:
        raise RecordError(
            f"{database} is no run record: it is empty, or another program made it. Restore it "
            "from a copy of the run record."
        )
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version != SCHEMA_VERSION:
        raise RecordError(
            f"{database} has record version {version}; this program reads version "
            f"{SCHEMA_VERSION}. Use the version of signseg-rig that its manifest.json names."
        )


def check_integrity(database: Path, connection: sqlite3.Connection) -> None:
    """Make sure that a database is whole; with a broken index events would seem to be missing."""
    (verdict,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
    if verdict != "ok":
        raise RecordError(f"{database} fails its check: {verdict}. {DAMAGED}")
