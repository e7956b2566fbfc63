"""A record that somebody made to do harm is refused by a sentence: no traceback, and no wait."""

from __future__ import annotations

import io
import os
import sqlite3
import struct
import sys
import zlib
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from signseg_rig.errors import RecordError
from signseg_rig.records import RunReader, RunRecord
from signseg_rig.records.events import EventTable, _crc32
from signseg_rig.records.json_text import to_json
from signseg_rig.values import ImageArray

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX links and pipes")
Open = Callable[[Path], Any]
OPENERS = pytest.mark.parametrize("open_it", [RunReader.open, RunRecord.reopen])
ENDLESS_VIEW = """
CREATE VIEW events AS
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)
SELECT i AS sequence, '' AS at_utc, 0 AS session, 'note' AS kind, 0 AS block, 0 AS attempt,
    '' AS body, '' AS data, 0 AS crc32 FROM n
"""


@pytest.fixture
def run(
    path: Path, create: Callable[[Path], RunRecord], block: Any, images: dict[str, ImageArray]
) -> Path:
    with create(path) as record:
        record.save_images(images)
        block(0).write(record)
    return path


def sql(run: Path, *statements: str) -> None:
    with closing(sqlite3.connect(run / "run.sqlite")) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


def add_event(run: Path, kind: str, body: Any, data: bytes = b"", block: Any = 0) -> None:
    """Append an event with the sum that it should have."""
    texts = ("2026-01-01T00:00:00+00:00", 0, kind, block, 0, to_json(body))
    with closing(sqlite3.connect(run / "run.sqlite")) as connection:
        connection.execute(
            "INSERT INTO events (at_utc, session, kind, block, attempt, body, data, crc32) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (*texts, data, _crc32(texts, data)),
        )
        connection.commit()


@OPENERS
@pytest.mark.parametrize(
    "statements",
    [
        ("DROP TABLE events", ENDLESS_VIEW),
        ("ALTER TABLE events ADD COLUMN more AS (zeroblob(1000000000))",),
        ("CREATE TRIGGER more AFTER INSERT ON events BEGIN SELECT zeroblob(1000000000); END",),
        ("CREATE TABLE more (x CHECK (length(randomblob(1000000000)) > x))",),
        ("DROP INDEX one_answer",),
    ],
)
def test_other_tables_views_and_triggers(
    run: Path, statements: tuple[str, ...], open_it: Open
) -> None:
    sql(run, *statements)
    with pytest.raises(RecordError, match="other tables, views or triggers than a run record"):
        open_it(run)


@OPENERS
def test_a_layout_that_is_no_text(run: Path, open_it: Open) -> None:
    database = run / "run.sqlite"
    content = database.read_bytes()
    assert b"only ever appended" in content
    database.write_bytes(content.replace(b"only ever appended", b"only ever ap\xffended", 1))
    with pytest.raises(RecordError, match="Could not decode to UTF-8"):
        open_it(run)
    # Here SQLite itself quotes it, in an error that Python cannot decode.
    database.write_bytes(content.replace(b"events_by_kind", b"events_by_\xff\xfe\xfd\xfc"))
    with pytest.raises(RecordError, match="from a copy"):
        open_it(run)


@OPENERS
@pytest.mark.parametrize("suffix", ["", "-wal", "-shm"])
@pytest.mark.parametrize("kind", ["link", "pipe"])
def test_files_of_the_database_that_are_links_or_pipes(
    run: Path, tmp_path: Path, suffix: str, kind: str, open_it: Open
) -> None:
    file = run / f"run.sqlite{suffix}"
    mine = tmp_path / "mine"
    if file.exists():
        file.rename(mine)
    else:
        mine.write_bytes(b"kept")
    content = mine.read_bytes()
    if kind == "link":
        file.symlink_to(mine)
    else:
        os.mkfifo(file)
    with pytest.raises(RecordError, match=f"it is a {kind}|is no run record"):
        open_it(run)
    assert mine.read_bytes() == content


@OPENERS
def test_a_journal_that_names_a_file_to_remove(run: Path, tmp_path: Path, open_it: Open) -> None:
    """SQLite would remove it where it plays the journal back."""
    mine = tmp_path / "mine"
    mine.write_bytes(b"kept")
    magic = bytes([0xD9, 0xD5, 0x05, 0xF9, 0x20, 0xA1, 0x63, 0xD7])
    name = str(mine).encode()
    pointer = struct.pack(">I", 0x40000000 // 4096 + 1) + name
    pointer += struct.pack(">II", len(name), sum(name)) + magic
    header = magic + struct.pack(">IIIII", 0, 0, 1, 512, 4096)
    (run / "run.sqlite-journal").write_bytes(header.ljust(512, b"\0") + pointer)
    with pytest.raises(RecordError, match="no run writes such a file"):
        open_it(run)
    assert mine.read_bytes() == b"kept"


@OPENERS
@pytest.mark.parametrize("name", ["experiment.toml", "manifest.json"])
def test_texts_that_are_links_pipes_or_too_long(run: Path, name: str, open_it: Open) -> None:
    file = run / name
    file.unlink()
    file.symlink_to("/etc/hostname")
    with pytest.raises(RecordError, match="it is a link"):
        open_it(run)
    file.unlink()
    os.mkfifo(file)
    with pytest.raises(RecordError, match="it is a pipe"):
        open_it(run)
    file.unlink()
    with file.open("wb") as sparse:
        sparse.truncate(2**40)
    with pytest.raises(RecordError, match="it has more than"):
        open_it(run)


def test_blobs_that_lead_elsewhere(run: Path, tmp_path: Path, images: dict[str, Any]) -> None:
    key, *_ = images
    blob = run / "blobs" / f"{key}.png"
    blob.rename(tmp_path / "elsewhere.png")
    for make in (lambda: blob.symlink_to(tmp_path / "elsewhere.png"), lambda: os.mkfifo(blob)):
        make()
        with (
            RunReader.open(run) as reader,
            pytest.raises(RecordError, match=r"it is a (link|pipe)"),
        ):
            reader.image(key)
        blob.unlink()
    (run / "blobs").rename(tmp_path / "blobs")
    (run / "blobs").symlink_to(tmp_path / "blobs")
    with RunReader.open(run) as reader, pytest.raises(RecordError, match="it is a link"):
        reader.image(key)
    with pytest.raises(RecordError, match="it is a link"):
        RunRecord.reopen(run)


@pytest.mark.parametrize("name", ["../run.sqlite", "/dev/zero", "", "x" * 64, 5, None])
def test_names_of_blobs_that_are_none(run: Path, block: Any, name: Any) -> None:
    with closing(EventTable.open_to_read(run)) as table:
        body = {**table.find("planned")[0].body, "codes": {"linear": name}}
    add_event(run, "planned", body)
    with RunReader.open(run) as reader, pytest.raises(RecordError, match="no run writes"):
        reader.codes(block(0).plan)


def png_of(width: int, height: int) -> bytes:
    """Give a PNG file of a kilobyte that says that it holds a picture of any size."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        crc = struct.pack(">I", zlib.crc32(kind + content))
        return struct.pack(">I", len(content)) + kind + content + crc

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes(1000))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        chunk(*one) for one in ((b"IHDR", header), (b"IDAT", pixels), (b"IEND", b""))
    )


@pytest.mark.parametrize("size", [(60_000, 60_000), (9_000, 9_000), (2**31 - 1, 1), (0, 5)])
def test_pictures_larger_than_any_screen(
    run: Path, images: dict[str, Any], size: tuple[int, int]
) -> None:
    key, *_ = images
    (run / "blobs" / f"{key}.png").write_bytes(png_of(*size))
    with RunReader.open(run) as reader, pytest.raises(RecordError, match="does not hold what"):
        reader.image(key)


def npy_of(shape: str, dtype: str = "'<f8'") -> bytes:
    text = f"{{'descr': {dtype}, 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode() + bytes(64)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no array",
        npy_of("(1000000000000,)"),
        npy_of("(0, 99999999999999999999)"),
        npy_of("(-8,)"),
        npy_of("(-1, -8)"),
        npy_of("(8,)", "'|O'"),
        npy_of("(8,)", "[('a', '<f8')]"),
        npy_of("(8,)", "'<U2'"),
        npy_of("('a',)"),
        npy_of("(" * 3000),
        b"\x93NUMPY\x09\x00" + bytes(100),
    ],
)
def test_arrays_that_are_none(run: Path, data: bytes) -> None:
    add_event(run, "told", {"thread": "a", "generation": 0}, data)
    with RunReader.open(run) as reader, pytest.raises(RecordError, match="what no run writes"):
        reader.told()


TOLD = io.BytesIO()
for _ in range(2):
    np.save(TOLD, np.ones(3))


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("told", {"thread": 5, "generation": 0}),
        ("told", {"thread": "a", "generation": "0"}),
        ("told", {"thread": "a", "generation": 10**400}),
        ("told", {"thread": "a"}),
        ("told", [1, 2]),
        ("note", {"topic": [], "body": {}}),
        ("note", {"topic": "timing", "body": []}),
        ("note", {"body": {}}),
        ("finished", {"is_success": 1, "columns": "ab", "rows": []}),
        ("finished", {"is_success": True, "columns": ["a"], "rows": [[1, 2]]}),
        ("finished", {"is_success": True, "columns": ["a"], "rows": [[{}]]}),
        ("finished", None),
        ("shown", {"shown": [{"presentation_id": "a"}]}),
        ("shown", {"shown": 3}),
        ("planned", {"stimuli": [], "presentations": [{}], "codes": {}}),
        ("part", {"presentation_ids": [], "reasons": ["bored"], "unit_names": []}),
    ],
)
def test_values_of_other_types(run: Path, kind: str, body: Any) -> None:
    add_event(run, kind, body, TOLD.getvalue())
    with RunReader.open(run) as reader, pytest.raises(RecordError, match="what no run writes"):
        (list(reader.passes()), reader.told(), reader.notes(), reader.result())


@pytest.mark.parametrize("body", ["[" * 100_000, "{", '"\\ud800"', "9" * 5000, '{"$float": []}'])
def test_texts_that_are_no_json(run: Path, body: str) -> None:
    add_event(run, "note", {})
    with closing(EventTable.open_to_read(run)) as table:
        sequence = table.find("note")[-1].sequence
    trigger = "events_are_not_changed"
    with closing(sqlite3.connect(run / "run.sqlite")) as connection:
        query = "SELECT sql FROM sqlite_master WHERE name = ?"
        (again,) = connection.execute(query, (trigger,)).fetchone()
        texts = ("2026-01-01T00:00:00+00:00", 0, "note", 0, 0, body)
        connection.execute(f"DROP TRIGGER {trigger}")
        connection.execute(
            "UPDATE events SET body = ?, crc32 = ? WHERE sequence = ?",
            (body, _crc32(texts, b""), sequence),
        )
        connection.execute(again)
        connection.commit()
    with RunReader.open(run) as reader, pytest.raises(RecordError, match="what no run writes"):
        reader.notes()


@pytest.mark.parametrize("number", ["a", -1, None, 2.5])
def test_numbers_of_blocks_that_are_none(run: Path, number: Any) -> None:
    add_event(run, "planned", {"stimuli": [], "presentations": [], "codes": {}}, block=number)
    with RunReader.open(run) as reader, pytest.raises(RecordError, match="what no run writes"):
        list(reader.passes())


@OPENERS
@pytest.mark.parametrize("text", ["[]", "5", "[" * 100_000, "9" * 5000])
def test_a_manifest_that_is_no_table(run: Path, text: str, open_it: Open) -> None:
    (run / "manifest.json").write_text(text)
    with pytest.raises(RecordError, match=r"manifest\.json (is no JSON|holds a \w+ and no table)"):
        open_it(run)
