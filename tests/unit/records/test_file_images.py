"""Images of files: read once, and found again as they were."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from signseg_rig.errors import ConfigError, RecordError
from signseg_rig.records import FileImages, RunReader, RunRecord
from signseg_rig.values import ImageArray, array_sha256

Images = list[tuple[str, ImageArray]]
Create = Callable[[Path], RunRecord]


@pytest.fixture
def files() -> Images:
    pixels = np.random.default_rng(0).integers(0, 256, (3, 8, 8, 3), dtype=np.uint8)
    return list(zip(("a.png", "b.png", "c.png"), pixels, strict=True))


@pytest.fixture
def run(path: Path, create: Create, files: Images) -> Path:
    images = FileImages()
    assert images("references", lambda: files) == files
    with create(path) as record:
        images.save(record)
    return path


def resumed(run: Path, read: Callable[[], Images]) -> tuple[Images, list[str]]:
    with RunRecord.reopen(run) as record:
        images = FileImages(record.reader)
        found = images("references", read)
        images.save(record)
        return found, [
            str(note.body["change"]) for note in record.reader.notes("image files changed")
        ]


def gone() -> Images:
    raise ConfigError("There is no folder faces.")


def test_files_that_are_as_they_were_are_not_noted(run: Path, files: Images) -> None:
    found, changes = resumed(run, lambda: files)
    assert changes == []
    for (name, image), (label, pixels) in zip(files, found, strict=True):
        assert name == label
        np.testing.assert_array_equal(image, pixels)


def test_files_that_changed_are_named_and_not_used(run: Path, files: Images) -> None:
    first, second, _ = files
    now = [(first[0], second[1]), second, ("d.png", first[1])]
    found, changes = resumed(run, lambda: now)
    assert changes == ["gone: 'c.png'; new: 'd.png'; other pixels: 'a.png'"]
    for (_, image), (_, pixels) in zip(files, found, strict=True):
        np.testing.assert_array_equal(image, pixels)
    assert resumed(run, lambda: [*reversed(files)])[1][-1] == "another order"


def test_files_that_are_gone_are_noted_with_the_reason(run: Path, files: Images) -> None:
    found, changes = resumed(run, gone)
    assert [label for label, _ in found] == [label for label, _ in files]
    assert changes == ["they cannot be read any more: There is no folder faces."]


def test_what_neither_file_nor_record_has_is_an_error(run: Path, files: Images) -> None:
    lost = files[1]
    (run / "blobs" / f"{array_sha256(lost[1])}.png").unlink()
    assert resumed(run, lambda: files)[1] == []
    with pytest.raises(RecordError, match=r"'b.png' of the references is neither in its file"):
        resumed(run, gone)


def test_a_set_that_the_record_does_not_know_is_read_and_recorded(run: Path, files: Images) -> None:
    with RunRecord.reopen(run) as record:
        images = FileImages(record.reader)
        images("masks", lambda: files[:1])
        images.save(record)
    with RunReader.open(run) as reader:
        assert list(reader.file_images()) == ["references", "masks"]
        assert reader.file_images()["masks"] == [("a.png", array_sha256(files[0][1]))]
