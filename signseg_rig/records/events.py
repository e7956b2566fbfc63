"""The append-only table of events, in SQLite with every commit on the disk before it returns."""

from __future__ import annotations

import datetime as dt
import sqlite3
import time
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, NamedTuple, Self

from signseg_rig.errors import RecordError
from signseg_rig.records.faults import DAMAGED, explained, explained_decoding
from signseg_rig.records.json_text import from_json, to_json
from signseg_rig.records.schema import (
    DATABASE_NAME,
    SCHEMA_VERSION,
    check_identity,
    check_integrity,
    refuse_strange_files,
    refuse_version_to_write,
)

BUSY_TIMEOUT_S = 10.0
# Far more than any query takes: a database that somebody made cannot keep a report busy for ever.
MAX_QUERY_S = 60.0
MAX_QUERY_S_PER_MIB = 1.0
_STEPS_BETWEEN_LOOKS = 100_000

_INSERT = (
    "INSERT INTO events (at_utc, session, kind, block, attempt, body, data, crc32) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
)
_SELECT = (
    "SELECT kind, body, block, attempt, data, session, sequence, at_utc, crc32 FROM events "
    "WHERE kind IN ({kinds}) {conditions} ORDER BY sequence"
)
_SELECT_AFTER = (
    "SELECT kind, body, block, attempt, data, session, sequence, at_utc, crc32 FROM events "
    "WHERE sequence > ? ORDER BY sequence LIMIT ?"
)

Kind = Literal["planned", "shown", "recording", "part", "responses", "told", "note", "finished"]


class Event(NamedTuple):
    """One row of the table.

    Parameters
    ----------
    kind : str
    body : mapping
        What JSON can hold.
    block, attempt : int or None
    data : bytes
        Arrays, as in .npy files.
    session, sequence : int
    at_utc : str
        When it was recorded, ISO 8601.
    """

    kind: Kind
    body: dict[str, Any]
    block: int | None = None
    attempt: int | None = None
    data: bytes = b""
    session: int = 0
    sequence: int = 0
    at_utc: str = ""


class EventTable:
    """The events of one run record; made by `open_to_write` or `open_to_read`.

    Parameters
    ----------
    database : Path
    connection : sqlite3.Connection
        Used by the thread that made it.
    version : int
        Of the record.
    """

    def __init__(
        self, database: Path, connection: sqlite3.Connection, version: int = SCHEMA_VERSION
    ) -> None:
        self._database = database
        self._connection = connection
        self.version = version

    @classmethod
    def open_to_write(cls, path: Path) -> Self:
        """Open the table of a run record as its one writer.

        Raises
        ------
        RecordError
            There is no record, it is damaged, or another version of this program wrote it.
        """
        database = _existing(path)
        with explained(database, "opened"):
            connection, version = _connect(database, "mode=rw")
            try:
                refuse_version_to_write(database, version)
                _use_write_ahead_log(database, connection)
                connection.execute("PRAGMA synchronous = FULL")
            except BaseException:
                connection.close()
                raise
        return cls(database, connection, version)

    @classmethod
    def open_to_read(cls, path: Path) -> Self:
        """Open the table of a run record without changing anything, not even by accident.

        Raises
        ------
        RecordError
            There is no record, it is damaged, or another version of this program wrote it.
        """
        database = _existing(path)
        with explained(database, "opened"):
            try:
                return cls(database, *_connect(database, "mode=ro"))
            except sqlite3.OperationalError as error:
                if not _is_unwritable(error) or _has_log(database):
                    raise
            # SQLite reads a WAL database through files that it cannot make in a read-only folder.
            # Where no log is, the database is complete, and it may do without them.
            return cls(database, *_connect(database, "mode=ro&immutable=1"))

    def append(self, events: Sequence[Event], *, session: int) -> None:
        """Append events, all or none; they are on the disk when this returns.

        Raises
        ------
        RecordError
            The disk is full, or the database cannot be written.
        """
        at_utc = dt.datetime.now(dt.UTC).isoformat()
        rows = [_row(event, at_utc, session) for event in events]
        # A second Ctrl-C raises between any two statements, and what is noted after it must go
        # through: the connection as a context commits, or takes back whatever was begun.
        with explained(self._database, "written"), self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.executemany(_INSERT, rows)

    def find(self, *kinds: Kind, block: int | None = None, attempt: int = 0) -> list[Event]:
        """Read events of some kinds, oldest first: those of one pass, or all.

        Raises
        ------
        RecordError
            The database cannot be read, or an event is not what was written.
        """
        conditions, values = "", list[object](kinds)
        if block is not None:
            conditions = "AND block = ? AND attempt = ?"
            values += [block, attempt]
        query = _SELECT.format(kinds=", ".join("?" * len(kinds)), conditions=conditions)
        rows = self._rows(query, values)
        with explained_decoding(self._database):
            return [self._event(row) for row in rows]

    def after(self, sequence: int, limit: int) -> list[Event]:
        """Read the events that follow a sequence number, oldest first, so many at most."""
        query = _SELECT_AFTER
        rows = self._rows(query, (sequence, limit))
        with explained_decoding(self._database):
            return [self._event(row) for row in rows]

    def passes(self) -> list[tuple[int, int]]:
        """List block and attempt of every pass that was planned, in this order."""
        query = "SELECT DISTINCT block, attempt FROM events WHERE kind = 'planned' ORDER BY 1, 2"
        rows = self._rows(query)
        with explained_decoding(self._database):
            return [(_count(block), _count(attempt)) for block, attempt in rows]

    def last_session(self) -> int:
        """Return the number of the latest session that wrote anything; -1 where none did."""
        query = "SELECT session FROM events ORDER BY sequence DESC LIMIT 1"
        rows = self._rows(query)
        with explained_decoding(self._database):
            return _count(rows[0][0]) if rows else -1

    def close(self) -> None:
        """Close the database; may be called more than once."""
        self._connection.close()

    def _rows(self, query: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        with explained(self._database, "read"), _bounded(self._database, self._connection):
            return self._connection.execute(query, values).fetchall()

    def _event(self, row: tuple[Any, ...]) -> Event:
        kind, body, block, attempt, data, session, sequence, at_utc, crc32 = row
        data = data or b""
        if _crc32((at_utc, session, kind, block, attempt, body), data) != crc32:
            raise RecordError(
                f"{self._database} holds other {kind!r} in event {sequence} than was written. "
                f"{DAMAGED}"
            )
        content = from_json(body)
        if not isinstance(content, dict):
            raise TypeError(f"event {sequence} holds a {type(content).__name__} and no table")
        return Event(kind, content, block, attempt, data, _count(session), sequence, at_utc)


def _existing(path: Path) -> Path:
    database = path / DATABASE_NAME
    if not database.is_file():
        raise RecordError(
            f"{path} is no run record: it has no {DATABASE_NAME}. A run record is a folder that "
            "'signseg-rig run' made."
        )
    return database


def _connect(database: Path, mode: str) -> tuple[sqlite3.Connection, int]:
    refuse_strange_files(database)
    connection = sqlite3.connect(
        f"{database.absolute().as_uri()}?{mode}",
        uri=True,
        isolation_level=None,
        timeout=BUSY_TIMEOUT_S,
    )
    try:
        # What a stranger's tables, triggers and indices would compute is not computed.
        connection.execute("PRAGMA trusted_schema = OFF")
        with _bounded(database, connection):
            version = check_identity(database, connection)
            check_integrity(database, connection)
    except BaseException:
        connection.close()
        raise
    return connection, version


@contextmanager
def _bounded(database: Path, connection: sqlite3.Connection) -> Iterator[None]:
    """End a query that takes far longer than a database of this size can need."""
    n_mib = database.stat().st_size / 2**20
    end_s = time.monotonic() + MAX_QUERY_S + MAX_QUERY_S_PER_MIB * n_mib
    connection.set_progress_handler(lambda: time.monotonic() > end_s, _STEPS_BETWEEN_LOOKS)
    try:
        yield
    finally:
        connection.set_progress_handler(None, 0)


def _count(value: object) -> int:
    if not isinstance(value, int) or value < 0:
        raise TypeError(f"{value!r} is no number of a block, an attempt or a session")
    return value


def _is_unwritable(error: sqlite3.OperationalError) -> bool:
    # An error without a code is a text that is no text.
    return getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF in {
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_READONLY,
    }


def _has_log(database: Path) -> bool:
    log = database.with_name(f"{DATABASE_NAME}-wal")
    return log.exists() and log.stat().st_size > 0


def _use_write_ahead_log(database: Path, connection: sqlite3.Connection) -> None:
    (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
    if mode != "wal":
        raise RecordError(
            f"{database} is on a disk where SQLite cannot keep a write-ahead log (it offers "
            f"{mode!r}). Choose an out_dir on a local disk."
        )


def _row(event: Event, at_utc: str, session: int) -> tuple[object, ...]:
    texts = (at_utc, session, event.kind, event.block, event.attempt, to_json(event.body))
    return (*texts, event.data or None, _crc32(texts, event.data))


def _crc32(texts: tuple[object, ...], data: bytes) -> int:
    return zlib.crc32(data, zlib.crc32(repr(texts).encode()))
