"""What no test can pull the plug for: the disk is asked to keep things, in the right order."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from signseg_rig.files.whole import write_whole
from signseg_rig.records import RunRecord
from signseg_rig.records.events import Event, EventTable
from signseg_rig.values import ImageArray

SYNCHRONOUS_FULL = 2


def pragma(record: RunRecord, name: str) -> object:
    return record._table._connection.execute(f"PRAGMA {name}").fetchone()[0]


@pytest.mark.parametrize("is_resumed", [False, True])
def test_every_commit_waits_for_the_disk(
    path: Path, create: Callable[[Path], RunRecord], is_resumed: bool
) -> None:
    record = create(path)
    if is_resumed:
        record.close()
        record = RunRecord.reopen(path)
    with record:
        assert pragma(record, "journal_mode") == "wal"
        assert pragma(record, "synchronous") == SYNCHRONOUS_FULL


def test_a_file_gets_its_name_when_it_is_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    syncs: list[tuple[str, list[str]]] = []
    fsync = os.fsync

    def note(descriptor: int) -> None:
        fsync(descriptor)
        is_folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        syncs.append(
            ("folder" if is_folder else "file", [item.suffix for item in tmp_path.iterdir()])
        )

    monkeypatch.setattr(os, "fsync", note)
    write_whole(tmp_path / "blob", b"content")
    expected = [("file", [".part"]), ("folder", [""])]
    assert syncs == (expected[:1] if sys.platform == "win32" else expected)


@pytest.mark.parametrize("verb", ["responses", "responses_in_part"])
def test_images_are_on_the_disk_before_their_responses(
    record: RunRecord,
    block: Any,
    images: dict[str, ImageArray],
    verb: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one = block(0)
    n_there: list[int] = []
    append = EventTable.append

    def note(table: EventTable, events: Sequence[Event], *, session: int) -> None:
        n_there.append(sum(record.reader.has_image(key) for key in images))
        append(table, events, session=session)

    record.planned(one.plan, one.codes, ())
    record.save_images(images)
    monkeypatch.setattr(EventTable, "append", note)
    record.shown(0, 0, one.shown)
    getattr(record, verb)(0, 0, one.responses)
    assert n_there == [0, len(images)]


def test_codes_are_on_the_disk_before_their_plan(
    record: RunRecord, block: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = block(0)
    is_planned: list[bool] = []
    fsync = os.fsync

    def note(descriptor: int) -> None:
        is_planned.append(record.reader.find_pass(0, 0) is not None)
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", note)
    record.planned(one.plan, one.codes, ())
    assert set(is_planned) == {False}
    assert record.reader.find_pass(0, 0) is not None
