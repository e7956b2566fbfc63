"""The layout of the database, and how to tell whether a file has it."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from functools import cache
from pathlib import Path

from signseg_rig.errors import RecordError
from signseg_rig.files.regular import refuse_link
from signseg_rig.files.whole import write_whole
from signseg_rig.records.faults import DAMAGED, explained, file_error

DATABASE_NAME = "run.sqlite"
# Records of earlier versions can be read, and not be gone on with. Version 1 named images and codes
# by their values alone, so that two of equal values and other shapes had one name. Up to version 2
# there were rates and no recordings, images had no places, and their role was called origin.
SCHEMA_VERSION = 3
READABLE_VERSIONS = (1, 2, SCHEMA_VERSION)
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
    with explained(database, "made"), closing(sqlite3.connect(":memory:")) as connection:
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        connection.executescript(_SCHEMA)
        content = bytearray(connection.serialize())
    # "Read and written with a write-ahead log" (SQLite's file format, 1.3.3). Were SQLite to change
    # a file to that, it would keep a journal meanwhile, and a kill -9 could leave it behind.
    content[18:20] = b"\2\2"
    try:
        write_whole(database, bytes(content))
    except OSError as error:
        raise file_error(database, "made", error) from error


def refuse_strange_files(database: Path) -> None:
    """Make sure that SQLite would open files of this folder only, and play no journal back.

    A journal can name further files, which SQLite would remove. A run never has one.

    Raises
    ------
    RecordError
        One of the database's files is a link, a pipe or a device, or there is a journal.
    """
    for suffix in ("", "-wal", "-shm"):
        path = database.with_name(f"{database.name}{suffix}")
        try:
            refuse_link(path)
        except OSError as error:
            raise file_error(path, "opened", error) from None
    journal = database.with_name(f"{database.name}-journal")
    if os.path.lexists(journal):
        raise RecordError(
            f"{journal} is there, and no run writes such a file. Restore the run record from a "
            "copy, or take this file away if you know where it comes from."
        )


def check_identity(database: Path, connection: sqlite3.Connection) -> int:
    """Return the version of a run record's database, if it is one, with nothing else in it."""
    (application_id,) = connection.execute("PRAGMA application_id").fetchone()
    if application_id != APPLICATION_ID:
        raise RecordError(
            f"{database} is no run record: it is empty, or another program made it. Restore it "
            "from a copy of the run record."
        )
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version not in READABLE_VERSIONS:
        raise RecordError(
            f"{database} has record version {version}; this program reads versions "
            f"{READABLE_VERSIONS[0]} to {READABLE_VERSIONS[-1]}. Use the version of signseg-rig "
            "that its manifest.json names."
        )
    if _layout(connection) != _expected_layout():
        raise RecordError(
            f"{database} has other tables, views or triggers than a run record: something else "
            "changed it. Restore it from a copy of the run record."
        )
    return int(version)


def refuse_version_to_write(database: Path, version: int) -> None:
    """Make sure that a run can be gone on with in its record."""
    if version != SCHEMA_VERSION:
        raise RecordError(
            f"{database} has record version {version}, and runs are resumed in version "
            f"{SCHEMA_VERSION}. Its report can be made; resume it with the version of signseg-rig "
            "that its manifest.json names, or start a new run."
        )


def check_integrity(database: Path, connection: sqlite3.Connection) -> None:
    """Make sure that a database is whole; with a broken index events would seem to be missing."""
    (verdict,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
    if verdict != "ok":
        raise RecordError(f"{database} fails its check: {verdict}. {DAMAGED}")


def _layout(connection: sqlite3.Connection) -> list[tuple[str, ...]]:
    return connection.execute(
        "SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY type, name"
    ).fetchall()


@cache
def _expected_layout() -> list[tuple[str, ...]]:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(_SCHEMA)
        return _layout(connection)
