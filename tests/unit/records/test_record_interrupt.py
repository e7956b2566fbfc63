"""A Ctrl-C in the middle of a commit: nothing half is recorded, and the record still works."""

import contextlib
import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from signseg_rig.records.events import Event, EventTable
from signseg_rig.records.schema import DATABASE_NAME, create_database


class InterruptedConnection(sqlite3.Connection):
    """Python sees a signal between two statements."""

    is_interrupted = False

    def executemany(self, sql: str, rows: Iterable[Any]) -> sqlite3.Cursor:
        cursor = super().executemany(sql, rows)
        if self.is_interrupted:
            raise KeyboardInterrupt
        return cursor


def test_interrupted_commit_is_taken_back(tmp_path: Path) -> None:
    create_database(tmp_path)
    database = tmp_path / DATABASE_NAME
    with contextlib.closing(
        sqlite3.connect(database, factory=InterruptedConnection, isolation_level=None)
    ) as connection:
        table = EventTable(database, connection)
        connection.is_interrupted = True
        with pytest.raises(KeyboardInterrupt):
            table.append([Event("note", {"topic": "half"})], session=0)
        connection.is_interrupted = False
        table.append([Event("note", {"topic": "whole"})], session=0)
        assert [event.body["topic"] for event in table.find("note")] == ["whole"]
