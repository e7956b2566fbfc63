"""What is written is read back, once and in order, whoever planned it how often."""

from __future__ import annotations

import datetime as dt
import json
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from signseg_rig.errors import RecordError
from signseg_rig.records import RunReader, RunRecord
from signseg_rig.records.events import Event
from signseg_rig.values import (
    ClockLine,
    ImageArray,
    PassPlan,
    ProtocolResult,
    ResponseBatch,
    Told,
    array_sha256,
)

Create = Callable[[Path], RunRecord]
Blocks = Callable[..., Any]


def rows_of(path: Path, columns: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(path / "run.sqlite")) as connection:
        return connection.execute(f"SELECT {columns} FROM events ORDER BY sequence").fetchall()


def test_a_pass_is_read_back(record: RunRecord, block: Blocks) -> None:
    one = block(0)
    one.write(record)

    read = record.reader.find_pass(0, 0)

    assert read is not None
    assert read.plan == one.plan
    assert list(read.shown) == one.shown
    assert read.responses is not None
    assert read.responses.reasons == one.responses.reasons
    np.testing.assert_array_equal(read.responses.evoked_hz, one.responses.evoked_hz)
    np.testing.assert_array_equal(record.reader.codes(one.plan)["linear"], one.codes["linear"])


def test_replayed_responses_may_be_changed_like_live_ones(record: RunRecord, block: Blocks) -> None:
    block(0).write(record)
    read = record.reader.find_pass(0, 0)
    assert read is not None
    assert read.responses is not None
    read.responses.evoked_hz[1, 1] = 5.0


def test_passes_come_by_block_and_attempt(record: RunRecord, block: Blocks) -> None:
    for number, attempt in [(1, 0), (0, 0), (10, 0), (2, 1), (2, 0)]:
        block(number, attempt).write(record)
    keys = [(one.plan.block, one.plan.attempt) for one in record.reader.passes()]
    assert keys == [(0, 0), (1, 0), (2, 0), (2, 1), (10, 0)]
    assert record.reader.n_blocks == 4


def test_a_pass_that_was_not_planned_is_none(record: RunRecord, block: Blocks) -> None:
    block(0).write(record)
    assert record.reader.find_pass(0, 1) is None


def test_an_interrupted_pass_that_is_planned_again(path: Path, create: Create, block: Any) -> None:
    one = block(0)
    with create(path) as record:
        record.planned(one.plan, one.codes, ())
        record.shown(0, 0, one.shown[:2])
    again = PassPlan(0, 0, one.plan.stimuli, one.plan.presentations[::-1])
    with RunRecord.reopen(path) as record:
        record.planned(again, one.codes, ())
        record.shown(0, 0, one.shown[2:])

    with RunReader.open(path) as reader:
        read = reader.find_pass(0, 0)
        n_passes = len(list(reader.passes()))

    assert read is not None
    assert read.plan == again
    assert list(read.shown) == one.shown[2:]
    assert read.responses is None
    assert n_passes == 1


def test_parts_of_a_pass_outlive_the_session_and_what_had_no_answer_does_not(
    path: Path, create: Create, block: Any
) -> None:
    one = block(0)
    rows = one.responses
    part = ResponseBatch(
        rows.presentation_ids[:1],
        rows.stimulus_index[:1],
        rows.evoked_hz[:1],
        rows.baseline_hz[:1],
        rows.reasons[:1],
        rows.unit_names,
    )
    with create(path) as record:
        record.planned(one.plan, one.codes, ())
        record.shown(0, 0, one.shown[:2])
        record.responses_in_part(0, 0, part, ClockLine(100.0, 3.0))
    with RunRecord.reopen(path) as record:
        record.planned(one.plan, one.codes, ())
        unfinished = record.reader.find_pass(0, 0)
        record.shown(0, 0, one.shown[1:])
        record.responses(0, 0, one.responses, ClockLine(100.5, 9.0))
        finished = record.reader.find_pass(0, 0)

    assert unfinished is not None
    assert finished is not None
    assert unfinished.parts[0].presentation_ids == rows.presentation_ids[:1]
    assert (unfinished.shown, unfinished.responses) == (tuple(one.shown[:1]), None)
    assert unfinished.clock_line == ClockLine(100.0, 3.0)
    assert list(finished.shown) == one.shown
    assert finished.responses is not None
    assert finished.clock_line == ClockLine(100.5, 9.0)


def test_a_repeated_pass_has_the_codes_of_its_block(record: RunRecord, block: Blocks) -> None:
    first, second = block(0), block(0, attempt=1)
    record.planned(first.plan, first.codes, ())
    record.planned(second.plan, {}, ())
    np.testing.assert_array_equal(record.reader.codes(second.plan)["linear"], first.codes["linear"])


def test_what_was_told_is_recorded_with_the_plan(record: RunRecord, block: Blocks) -> None:
    told = [
        Told("a", 0, np.array([1.0, np.nan]), np.array([3.0])),
        Told("b", 0, np.array([-0.0, 2.5e-320])),
    ]
    one = block(1)
    record.planned(one.plan, one.codes, told)

    read = record.reader.told()

    assert [(item.thread, item.generation) for item in read] == [("a", 0), ("b", 0)]
    for ours, theirs in zip(told, read, strict=True):
        assert ours.scores.tobytes() == theirs.scores.tobytes()
        assert ours.reference_scores.tobytes() == theirs.reference_scores.tobytes()


def test_told_and_plan_are_recorded_together_or_not_at_all(
    record: RunRecord, block: Blocks
) -> None:
    one = block(1)
    unwritable = PassPlan(1, 0, (object(),), ())  # type: ignore[arg-type]
    with pytest.raises(AttributeError):
        record.planned(unwritable, {}, [Told("a", 0, np.zeros(1))])
    record.responses(1, 0, one.responses)
    with pytest.raises(RecordError, match="one set of responses"):
        record.responses(1, 0, one.responses)
    assert record.reader.told() == []


def test_a_finished_run_has_a_result(record: RunRecord) -> None:
    assert record.reader.result() is None
    rows: tuple[tuple[str | float, ...], ...] = (("a", 1 / 3, 7), ("b", float("-inf"), 0))
    told = Told("a", 9, np.array([4.0]))
    record.finished(ProtocolResult(True, ("thread", "score", "n"), rows), (told,))

    result = record.reader.result()

    assert result is not None
    assert result.is_success
    assert result.columns == ("thread", "score", "n")
    assert result.rows == rows
    assert [item.generation for item in record.reader.told()] == [9]


def test_a_run_ends_once(record: RunRecord) -> None:
    record.finished(ProtocolResult(True, (), ()))
    with pytest.raises(RecordError, match="a run one result"):
        record.finished(ProtocolResult(False, (), ()), (Told("a", 0, np.zeros(1)),))
    assert record.reader.told() == []


def test_notes_keep_topic_time_and_session(path: Path, create: Create) -> None:
    before = dt.datetime.now(dt.UTC)
    create(path).close()
    with RunRecord.reopen(path) as record:
        record.note("display lost", n=np.int64(3), offset_s=float("nan"), where=("a", 1.5))
        notes = record.reader.notes("display lost")
        sessions = [note.session for note in record.reader.notes("session")]
        assert record.session == 1
        assert record.reader.n_sessions == 2

    assert sessions == [0, 1]
    assert len(notes) == 1
    assert notes[0].body["n"] == 3
    assert np.isnan(notes[0].body["offset_s"])
    assert notes[0].body["where"] == ["a", 1.5]
    assert before <= notes[0].at_utc <= dt.datetime.now(dt.UTC)


def test_a_note_that_json_cannot_hold_leaves_the_record_usable(record: RunRecord) -> None:
    with pytest.raises(TypeError, match="keeps no Event"):
        record.note("clock", clock=threading.Event())
    record.note("clock", clock=1)


def test_experiment_and_manifest_are_read_back(path: Path, create: Create) -> None:
    create(path).close()
    with RunReader.open(path) as reader:
        assert reader.experiment_toml == "version = 1\n"
        assert reader.manifest == {"seed": 4}
    assert json.loads((path / "manifest.json").read_text(encoding="utf-8")) == {"seed": 4}


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE events SET body = '{}'",
        "DELETE FROM events",
        "INSERT OR REPLACE INTO events SELECT * FROM events WHERE sequence = 1",
        "REPLACE INTO events (sequence, at_utc, session, kind, body, crc32) VALUES (1,1,1,1,1,1)",
    ],
)
def test_events_are_only_ever_appended(path: Path, create: Create, statement: str) -> None:
    create(path).close()
    before = rows_of(path, "*")
    with (
        closing(sqlite3.connect(path / "run.sqlite")) as connection,
        pytest.raises(sqlite3.IntegrityError, match="only ever appended"),
    ):
        connection.execute(statement)
    assert rows_of(path, "*") == before


def test_a_reader_cannot_write(path: Path, create: Create) -> None:
    create(path).close()
    with RunReader.open(path) as reader, pytest.raises(RecordError, match="copy the run record"):
        reader._table.append([Event("note", {})], session=1)


def test_a_reader_sees_what_was_written_since_it_was_opened(
    record: RunRecord, path: Path, block: Blocks
) -> None:
    with RunReader.open(path) as reader:
        assert reader.n_blocks == 0
        block(0).write(record)
        assert reader.n_blocks == 1


def test_images_are_written_once_the_display_is_busy(
    path: Path, create: Create, block: Any, images: dict[str, ImageArray]
) -> None:
    one = block(0)
    with create(path) as record:
        record.planned(one.plan, one.codes, ())
        record.save_images(images)
        assert not any(record.reader.has_image(key) for key in images)
        record.shown(0, 0, one.shown)

    with RunReader.open(path) as reader:
        for key, pixels in images.items():
            np.testing.assert_array_equal(reader.image(key), pixels)


def test_closing_waits_for_images_that_were_never_shown(
    path: Path, create: Create, images: dict[str, ImageArray]
) -> None:
    with create(path) as record:
        record.save_images(images)
    with RunReader.open(path) as reader:
        assert all(reader.has_image(key) for key in images)


def test_an_image_that_is_there_is_not_written_again(
    path: Path, create: Create, images: dict[str, ImageArray]
) -> None:
    with create(path) as record:
        record.save_images(images)
    before = {item: item.stat().st_mtime_ns for item in (path / "blobs").iterdir()}
    with RunRecord.reopen(path) as record:
        record.save_images(images)
    assert {item: item.stat().st_mtime_ns for item in (path / "blobs").iterdir()} == before


@pytest.mark.parametrize("damage", ["cut off", "another image", "empty"])
def test_an_image_that_is_damaged_is_written_again(
    path: Path, create: Create, images: dict[str, ImageArray], damage: str
) -> None:
    with create(path) as record:
        record.save_images(images)
    first, second = ((path / "blobs" / f"{key}.png") for key in list(images)[:2])
    content = {
        "cut off": first.read_bytes()[:40],
        "another image": second.read_bytes(),
        "empty": b"",
    }
    first.write_bytes(content[damage])
    with RunRecord.reopen(path) as record:
        assert record.reader.has_image(first.stem)
        assert not record.reader.holds_image(first.stem)
        record.restore_images(images)
    with RunReader.open(path) as reader:
        for key, pixels in images.items():
            assert reader.holds_image(key)
            np.testing.assert_array_equal(reader.image(key), pixels)


def test_more_images_than_the_backlog_holds(path: Path, create: Create, block: Any) -> None:
    pixels = [np.full((2, 2, 3), index, dtype=np.uint8) for index in range(256)]
    images = {array_sha256(image): image for image in pixels}
    with create(path) as record:
        record.save_images(images)
        record.shown(0, 0, block(0).shown)
    assert len(list((path / "blobs").iterdir())) == 256


def test_something_that_is_no_image_is_an_error_of_the_next_pass(
    record: RunRecord, block: Any
) -> None:
    one = block(0)
    record.save_images({"0" * 64: np.zeros((2, 2, 7), np.uint8)})
    record.shown(0, 0, one.shown)
    record._images.close()
    with pytest.raises(TypeError, match="Cannot handle this data type"):
        record.planned(one.plan, one.codes, ())
    record.planned(one.plan, one.codes, ())


def test_equal_codes_are_stored_once(path: Path, create: Create, block: Any) -> None:
    one = block(0)
    with create(path) as record:
        record.planned(one.plan, {"x": one.codes["linear"], "y": one.codes["linear"]}, ())
        record.planned(one.plan, one.codes, ())
    assert len(list((path / "blobs").iterdir())) == 1


def test_closing_twice_does_no_harm(record: RunRecord) -> None:
    record.close()
    record.close()


def test_another_thread_may_not_write(record: RunRecord) -> None:
    errors: list[Exception] = []

    def write() -> None:
        try:
            record.note("from another thread")
        except sqlite3.ProgrammingError as error:
            errors.append(error)

    thread = threading.Thread(target=write)
    thread.start()
    thread.join()
    assert len(errors) == 1
    assert record.reader.notes("from another thread") == []


def test_a_folder_that_holds_a_run_is_refused(record: RunRecord, path: Path, create: Any) -> None:
    record.close()
    with pytest.raises(RecordError, match=r"holds a run already.*resume"):
        create(path)


def test_a_folder_that_holds_other_files_is_refused(path: Path, create: Create) -> None:
    path.mkdir()
    (path / "thesis.tex").touch()
    with pytest.raises(RecordError, match=r"other files \(thesis.tex\)"):
        create(path)
    (path / "thesis.tex").unlink()
    create(path).close()


def test_a_file_where_the_folder_should_be_is_refused(path: Path, create: Create) -> None:
    path.touch()
    with pytest.raises(RecordError, match="cannot be made a run record"):
        create(path)


@pytest.mark.parametrize("name", ["ä b", "50%", "what?", "a#b", "file:x", "semi;colon"])
def test_a_folder_may_have_any_name(tmp_path: Path, create: Create, name: str) -> None:
    path = tmp_path / name
    try:
        path.mkdir()
    except OSError:
        pytest.skip(f"This system has no folder of the name {name!r}.")
    create(path).close()
    with RunReader.open(path) as reader:
        assert reader.n_sessions == 1


def test_drafts_of_a_killed_writer_are_removed(path: Path, create: Create) -> None:
    create(path).close()
    drafts = [path / "blobs" / "0.npy.part", path / "manifest.json.part"]
    for draft in drafts:
        draft.write_bytes(b"half")
    RunRecord.reopen(path).close()
    assert not any(draft.exists() for draft in drafts)
