"""The append-only table of events, in SQLite with every commit on the disk before it returns."""

from __future__ import annotations

import datetime as dt
import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from signseg_rig.errors import RecordError

SCHEMA_VERSION = 1
DATABASE_NAME = "run.sqlite"
FULL_DISK_REMEDY = "Free some space and resume the run: nothing that was recorded is lost."

_SCHEMA = """
CREATE TABLE events (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    at_utc TEXT NOT NULL,
    session INTEGER NOT NULL,
    kind TEXT NOT NULL,
    block INTEGER,
    attempt INTEGER,
    body TEXT NOT NULL,
    data BLOB
);
CREATE INDEX events_by_pass ON events (block, attempt, kind);
CREATE INDEX events_by_kind ON events (kind);
CREATE TRIGGER events_are_not_changed BEFORE UPDATE ON events
    BEGIN SELECT RAISE(ABORT, 'events are only ever appended'); END;
CREATE TRIGGER events_are_not_deleted BEFORE DELETE ON events
    BEGIN SELECT RAISE(ABORT, 'events are only ever appended'); END;
"""


class Event(NamedTuple):
    """One row of the table.

    Parameters
    ----------
    kind : str
    body : mapping
        What JSON can hold.
    block, attempt : int or None
    data : bytes
        Numbers that JSON cannot hold exactly, or not at all (NaN).
    session : int
    sequence : int
    """

    kind: str
    body: dict[str, Any]
    block: int | None = None
    attempt: int | None = None
    data: bytes = b""
    session: int = 0
    sequence: int = 0


class EventTable:
    """The events of one run record.

    Parameters
    ----------
    path : Path
        Folder of the run record.
    is_writer : bool
        Readers cannot change anything, not even by accident.

    Raises
    ------
    RecordError
        There is no record, it is damaged, or another version of this program wrote it.
    """

    def __init__(self, path: Path, *, is_writer: bool) -> None:
        self._path = path / DATABASE_NAME
        if not self._path.exists():
            raise RecordError(
                f"{path} is no run record: it has no {DATABASE_NAME}. A run record is a folder "
                "that 'signseg-rig run' made."
            )
        with self._explained("opened"):
            self._connection = sqlite3.connect(
                self._uri(is_writer), uri=True, isolation_level=None, timeout=10.0
            )
            if is_writer:
                self._connection.execute("PRAGMA journal_mode=WAL")
                self._connection.execute("PRAGMA synchronous=FULL")
            self._check_version()

    @classmethod
    def create(cls, path: Path) -> EventTable:
        """Make an empty table and open it for writing."""
        database = path / DATABASE_NAME
        draft = database.with_suffix(".part")
        draft.unlink(missing_ok=True)
        try:
            connection = sqlite3.connect(draft)
            connection.executescript(_SCHEMA)
            connection.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
            connection.close()
            draft.replace(database)
        except (sqlite3.Error, OSError) as error:
            raise RecordError(
                f"The run record cannot be made in {path}: {error}. Is the disk full, or the "
                "folder read-only?"
            ) from None
        return cls(path, is_writer=True)

    def append(self, events: Sequence[Event], *, session: int) -> None:
        """Append events, all or none; they are on the disk when this returns.

        Raises
        ------
        RecordError
            The disk is full, or the database cannot be written.
        """
        at_utc = dt.datetime.now(dt.UTC).isoformat()
        rows = [
            (
                at_utc,
                session,
                event.kind,
                event.block,
                event.attempt,
                json.dumps(event.body, allow_nan=False, separators=(",", ":")),
                event.data or None,
            )
            for event in events
        ]
        with self._explained("written"):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                self._connection.executemany(
                    "INSERT INTO events (at_utc, session, kind, block, attempt, body, data) "
                    "VALUES (?, ?, ?, ?, ?, ?, ?)",
                    rows,
                )
                self._connection.execute("COMMIT")
            except sqlite3.Error:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    def find(
        self, *kinds: str, block: int | None = None, attempt: int | None = None
    ) -> list[Event]:
        """Read events of some kinds, oldest first, of a block and attempt or of all."""
        conditions = [f"kind IN ({', '.join('?' * len(kinds))})"]
        values: list[object] = list(kinds)
        for column, value in (("block", block), ("attempt", attempt)):
            if value is not None:
                conditions.append(f"{column} = ?")
                values.append(value)
        query = (
            "SELECT kind, body, block, attempt, data, session, sequence FROM events "  # noqa: S608 - only names of this file
            f"WHERE {' AND '.join(conditions)} ORDER BY sequence"
        )
        with self._explained("read"):
            rows = self._connection.execute(query, values).fetchall()
        return [
            Event(kind, json.loads(body), block, attempt, data or b"", session, sequence)
            for kind, body, block, attempt, data, session, sequence in rows
        ]

    def last_session(self) -> int:
        """Give the number of the latest session that wrote anything; -1 where none did."""
        with self._explained("read"):
            (session,) = self._connection.execute("SELECT MAX(session) FROM events").fetchone()
        return -1 if session is None else int(session)

    def close(self) -> None:
        """Close the database; may be called more than once."""
        self._connection.close()

    def _uri(self, is_writer: bool) -> str:
        uri = self._path.absolute().as_uri()
        if is_writer:
            return f"{uri}?mode=rw"
        # Reading a WAL database writes its -shm file. On a medium that cannot be written that
        # only works where nobody else writes either, which SQLite must be told.
        has_log = self._path.with_name(f"{DATABASE_NAME}-wal").exists()
        return f"{uri}?mode=ro" if has_log or _is_writable(self._path) else f"{uri}?immutable=1"

    def _check_version(self) -> None:
        (version,) = self._connection.execute("PRAGMA user_version").fetchone()
        if version != SCHEMA_VERSION:
            raise RecordError(
                f"{self._path} has record version {version}; this program reads {SCHEMA_VERSION}. "
                "Use the version of signseg-rig that its manifest.json names."
            )

    @contextmanager
    def _explained(self, done: str) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            code = getattr(error, "sqlite_errorname", "")
            remedy = {
                "SQLITE_FULL": f"The disk is full. {FULL_DISK_REMEDY}",
                "SQLITE_READONLY": "Its folder is read-only: copy it to where it can be written.",
                "SQLITE_CANTOPEN": "Is its folder readable, and on a local disk?",
                "SQLITE_NOTADB": "The file is damaged: restore it from a copy.",
                "SQLITE_CORRUPT": "The file is damaged: restore it from a copy.",
            }.get(code.split("_ROLLBACK")[0], "Is its folder on a local disk with space left?")
            raise RecordError(f"{self._path} cannot be {done}: {error}. {remedy}") from error


def _is_writable(path: Path) -> bool:
    try:
        with path.open("ab"):
            return True
    except OSError:
        return False
