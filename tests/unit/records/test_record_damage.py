"""Every kind of damage is an error that says what is wrong, and never another value."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from signseg_rig.errors import RecordError
from signseg_rig.records import RunReader, RunRecord
from signseg_rig.records.events import EventTable
from signseg_rig.records.schema import _expected_layout
from signseg_rig.values import ImageArray

N_BLOCKS = 12
TRIGGER = next(sql for _, name, _, sql in _expected_layout() if name == "events_are_not_changed")


@pytest.fixture
def run(
    path: Path,
    create: Callable[[Path], RunRecord],
    block: Any,
    images: dict[str, ImageArray],
) -> Path:
    """A run of some blocks, whose writer has closed it."""
    with create(path) as record:
        for number in range(N_BLOCKS):
            block(number).write(record)
        record.save_images(images)
    return path


def read_everything(path: Path, images: dict[str, ImageArray]) -> list[object]:
    with RunReader.open(path) as reader:
        passes = list(reader.passes())
        return [
            reader.notes(),
            reader.told(),
            reader.result(),
            [(one.plan, one.shown, one.responses) for one in passes],
            [reader.codes(one.plan) for one in passes],
            [reader.image(key) for key in images],
        ]


@pytest.mark.parametrize("open_it", [RunReader.open, RunRecord.reopen])
def test_a_folder_without_a_record(tmp_path: Path, open_it: Callable[[Path], object]) -> None:
    for path in (tmp_path, tmp_path / "nothing"):
        with pytest.raises(RecordError, match=r"is no run record: it has no run\.sqlite"):
            open_it(path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("open_it", [RunReader.open, RunRecord.reopen])
@pytest.mark.parametrize("content", [b"", b"not a database" * 400])
def test_a_file_that_is_no_database(
    run: Path, content: bytes, open_it: Callable[[Path], object]
) -> None:
    (run / "run.sqlite").write_bytes(content)
    with pytest.raises(RecordError, match=r"run\.sqlite .*Restore it from a copy|restore it from"):
        open_it(run)


@pytest.mark.parametrize("open_it", [RunReader.open, RunRecord.reopen])
def test_a_database_of_another_program(run: Path, open_it: Callable[[Path], object]) -> None:
    (run / "run.sqlite").unlink()
    with closing(sqlite3.connect(run / "run.sqlite")) as connection:
        connection.execute("CREATE TABLE events (body TEXT)")
        connection.execute("PRAGMA user_version = 1")
    with pytest.raises(RecordError, match="another program made it"):
        open_it(run)


@pytest.mark.parametrize("open_it", [RunReader.open, RunRecord.reopen])
def test_a_record_of_another_version(run: Path, open_it: Callable[[Path], object]) -> None:
    with closing(sqlite3.connect(run / "run.sqlite")) as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(RecordError, match="record version 99; this program reads versions 1 to 3"):
        open_it(run)


def test_a_record_of_the_first_version_is_read_and_not_gone_on_with(
    run: Path, images: dict[str, ImageArray]
) -> None:
    """It named images by their values alone."""
    (key, pixels), *_ = images.items()
    name = hashlib.sha256(pixels.tobytes()).hexdigest()
    (run / "blobs" / f"{key}.png").rename(run / "blobs" / f"{name}.png")
    with closing(sqlite3.connect(run / "run.sqlite")) as connection:
        connection.execute("PRAGMA user_version = 1")
    assert len(read_everything(run, {name: pixels})[3]) == N_BLOCKS  # type: ignore[arg-type]
    with pytest.raises(RecordError, match="record version 1, and runs are resumed in version 3"):
        RunRecord.reopen(run)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_truncated_database_is_not_written_to(run: Path, share: float) -> None:
    database = run / "run.sqlite"
    content = database.read_bytes()
    database.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(RecordError, match="restore it from a copy"):
        RunRecord.reopen(run)
    with pytest.raises(RecordError, match="restore it from a copy"):
        read_everything(run, {})


def test_flipped_bits_of_the_database_never_change_a_value(
    run: Path, images: dict[str, ImageArray]
) -> None:
    database = run / "run.sqlite"
    content = database.read_bytes()
    intact = [repr(part) for part in read_everything(run, images)]
    rng = np.random.default_rng(0)
    n_noticed = 0
    for position in rng.integers(len(content), size=120):
        damaged = bytearray(content)
        damaged[position] ^= 1 << int(rng.integers(8))
        database.write_bytes(damaged)
        try:
            # Bits that mean nothing, such as those of free space, may flip.
            assert [repr(part) for part in read_everything(run, images)] == intact
        except RecordError:
            n_noticed += 1
    assert n_noticed > 30


def test_a_changed_event_is_noticed_where_sqlite_notices_nothing(run: Path) -> None:
    with closing(sqlite3.connect(run / "run.sqlite")) as connection:
        connection.execute("DROP TRIGGER events_are_not_changed")
        connection.execute("UPDATE events SET body = replace(body, 'left', 'lift') WHERE block = 3")
        connection.execute(TRIGGER)
        connection.commit()
    with RunReader.open(run) as reader:
        assert reader.find_pass(2, 0) is not None
        with pytest.raises(RecordError, match=r"other 'responses' in event \d+ than was written"):
            reader.find_pass(3, 0)


@pytest.mark.parametrize("suffix", ["npy", "png"])
def test_a_missing_blob(run: Path, suffix: str, images: dict[str, ImageArray]) -> None:
    for blob in (run / "blobs").glob(f"*.{suffix}"):
        blob.unlink()
    with pytest.raises(RecordError, match=rf"\.{suffix} cannot be read.*Restore it from a copy"):
        read_everything(run, images)


@pytest.mark.parametrize("suffix", ["npy", "png"])
def test_a_blob_whose_hash_does_not_fit(
    run: Path, suffix: str, images: dict[str, ImageArray]
) -> None:
    first, second, *_ = (run / "blobs").glob(f"*.{suffix}")
    first.write_bytes(second.read_bytes())
    with pytest.raises(RecordError, match="does not hold what its name says"):
        read_everything(run, images)


def test_damaged_images_are_never_other_images(run: Path, images: dict[str, ImageArray]) -> None:
    key, pixels = next(iter(images.items()))
    blob = run / "blobs" / f"{key}.png"
    content = blob.read_bytes()
    rng = np.random.default_rng(0)
    cuts = [content[:length] for length in (0, 7, 20, 40, len(content) - 20)]
    flips = [
        content[:position] + bytes([content[position] ^ 255]) + content[position + 1 :]
        for position in [*range(60), *rng.integers(60, len(content), size=60)]
    ]
    n_noticed = 0
    with RunReader.open(run) as reader:
        for damaged in cuts + flips:
            blob.write_bytes(damaged)
            try:
                # What follows the pixels in a PNG file does not matter.
                np.testing.assert_array_equal(reader.image(key), pixels)
            except RecordError:
                n_noticed += 1
    assert n_noticed > 100


def test_a_damaged_blob_is_written_again(run: Path, block: Any) -> None:
    one = block(0)
    with RunRecord.reopen(run) as record:
        event = EventTable.open_to_read(run).find("planned", block=0)[0]
        (run / "blobs" / event.body["codes"]["linear"]).write_bytes(b"damaged")
        record.planned(one.plan, one.codes, ())
        np.testing.assert_array_equal(record.reader.codes(one.plan)["linear"], one.codes["linear"])


@pytest.mark.parametrize("name", ["experiment.toml", "manifest.json"])
@pytest.mark.parametrize("open_it", [RunReader.open, RunRecord.reopen])
def test_a_missing_file(run: Path, name: str, open_it: Callable[[Path], object]) -> None:
    (run / name).unlink()
    with pytest.raises(RecordError, match=f"{name} cannot be read.*Restore it from a copy"):
        open_it(run)


def test_a_manifest_that_is_no_json(run: Path) -> None:
    (run / "manifest.json").write_text('{"seed": ', encoding="utf-8")
    with pytest.raises(RecordError, match=r"manifest\.json is no JSON.*restore it from a copy"):
        RunReader.open(run)


def test_an_experiment_that_is_no_text(run: Path) -> None:
    (run / "experiment.toml").write_bytes(b"name = \xff")
    with pytest.raises(RecordError, match=r"experiment\.toml cannot be read.*from a copy"):
        RunReader.open(run)


def test_codes_of_a_plan_from_elsewhere(run: Path, block: Any) -> None:
    with RunReader.open(run) as reader, pytest.raises(RecordError, match="holds no block 99"):
        reader.codes(block(99).plan)


def test_a_failed_reopening_leaves_the_record_free(run: Path) -> None:
    manifest = (run / "manifest.json").read_bytes()
    (run / "manifest.json").unlink()
    with pytest.raises(RecordError) as caught:
        RunRecord.reopen(run)
    (run / "manifest.json").write_bytes(manifest)
    RunRecord.reopen(run).close()
    del caught
