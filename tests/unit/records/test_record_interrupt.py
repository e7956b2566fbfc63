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
    """Python sees a signal as soon as a statement is done."""

    interrupted_after = ""

    def execute(self, sql: str, *parameters: Any) -> sqlite3.Cursor:
        return self._done(sql, super().execute(sql, *parameters))

    def executemany(self, sql: str, rows: Iterable[Any]) -> sqlite3.Cursor:
        return self._done(sql, super().executemany(sql, rows))

    def _done(self, sql: str, cursor: sqlite3.Cursor) -> sqlite3.Cursor:
        if self.interrupted_after and sql.startswith(self.interrupted_after):
            raise KeyboardInterrupt
        return cursor


@pytest.mark.parametrize("statement", ["BEGIN", "INSERT"])
def test_interrupted_commit_is_taken_back(tmp_path: Path, statement: str) -> None:
    create_database(tmp_path)
    database = tmp_path / DATABASE_NAME
    with contextlib.closing(
        sqlite3.connect(database, factory=InterruptedConnection, isolation_level=None)
    ) as connection:
        table = EventTable(database, connection)
        connection.interrupted_after = statement
        with pytest.raises(KeyboardInterrupt):
            table.append([Event("note", {"topic": "half"})], session=0)
        connection.interrupted_after = ""
        table.append([Event("note", {"topic": "whole"})], session=0)
        assert [event.body["topic"] for event in table.find("note")] == ["whole"]
