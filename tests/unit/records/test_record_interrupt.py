"""A Ctrl-C in the middle of a commit or of the last images: nothing is left half done."""

import contextlib
import signal
import sqlite3
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from signseg_rig.records import RunRecord
from signseg_rig.records.blobs import BlobStore
from signseg_rig.records.events import Event, EventTable
from signseg_rig.records.schema import DATABASE_NAME, create_database
from signseg_rig.values import ImageArray, array_sha256


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


@pytest.fixture
def puts(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """What happens to images, as it happens; Ctrl-C comes when the first is about to be written."""
    happened: list[str] = []
    put_image = BlobStore.put_image
    main = threading.get_ident()

    def put(blobs: BlobStore, key: str, image: ImageArray) -> None:
        happened.append("begun")
        if len(happened) == 1:
            signal.pthread_kill(main, signal.SIGINT)
        put_image(blobs, key, image)
        happened.append("written")

    monkeypatch.setattr(BlobStore, "put_image", put)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield happened
    signal.signal(signal.SIGINT, before)


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_record_is_given_free_only_once_no_image_is_written_any_more(
    tmp_path: Path, create: Callable[[Path], RunRecord], puts: list[str]
) -> None:
    rng = np.random.default_rng(0)
    made = rng.integers(0, 256, (40, 256, 256, 3), dtype=np.uint8)
    record = create(tmp_path / "run")
    when_free: list[str] = []
    record._held.callback(lambda: when_free.extend(puts))
    record.save_images({array_sha256(image): image for image in made})
    with pytest.raises(KeyboardInterrupt):
        record.close()
    assert when_free.count("begun") == when_free.count("written") > 0
    record.close()
    RunRecord.reopen(tmp_path / "run").close()
    assert puts == when_free
