"""Disks that are full, may only be read, or belong to another machine."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any

import numpy as np
import psutil
import pytest

from signseg_rig.errors import RecordError
from signseg_rig.records import RunReader, RunRecord
from signseg_rig.records.places import Mount, network_file_system
from signseg_rig.values import ImageArray

Create = Callable[[Path], RunRecord]
NOBODY = 65534


def write_until_full(record: RunRecord, block: Any, *, n_dims: int) -> int:
    """Write blocks until the disk is full; give the number of the first that failed."""
    for number in range(10_000):
        try:
            block(number, n_dims=n_dims).write(record)
        except RecordError as caught:
            error = caught
            break
    else:
        pytest.fail("The disk was never full.")
    assert "The disk is full. Free some space" in str(error)
    return number


# Few dimensions fill the disk by events, many by codes.
@pytest.mark.parametrize("n_dims", [1, 8192])
def test_a_full_disk_loses_nothing(
    small_disk: Any, create: Create, block: Any, n_dims: int
) -> None:
    path = small_disk.path / "run"
    with create(path) as record:
        small_disk.fill(but_bytes=600_000)
        n_written = write_until_full(record, block, n_dims=n_dims)
        assert n_written > 0
        with RunReader.open(path) as reader:
            complete = [one for one in reader.passes() if one.responses is not None]
        assert len(complete) == n_written

        small_disk.clear()
        block(n_written + 1, n_dims=n_dims).write(record)

    with RunRecord.reopen(path) as record:
        block(n_written + 2, n_dims=n_dims).write(record)
    with RunReader.open(path) as reader:
        numbers = {one.plan.block for one in reader.passes() if one.responses is not None}
        assert numbers >= {*range(n_written), n_written + 1, n_written + 2}
        for number in numbers:
            one = block(number, n_dims=n_dims)
            np.testing.assert_array_equal(reader.codes(one.plan)["linear"], one.codes["linear"])


def test_a_full_disk_leaves_no_half_files(small_disk: Any, create: Create, block: Any) -> None:
    with create(small_disk.path / "run") as record:
        small_disk.fill(but_bytes=600_000)
        write_until_full(record, block, n_dims=8192)
        assert [one.name for one in small_disk.path.rglob("*.part")] == []


def test_what_was_answered_is_asked_again_where_its_image_finds_the_disk_full(
    small_disk: Any, create: Create, block: Any, images: dict[str, ImageArray]
) -> None:
    one = block(0)
    with create(small_disk.path / "run") as record:
        record.planned(one.plan, one.codes, ())
        record.save_images(images)
        small_disk.fill(but_bytes=16 * 1024)
        record.shown(0, 0, one.shown)
        with pytest.raises(RecordError, match=r"\.png cannot be written: .* The disk is full"):
            record.responses(0, 0, one.responses)
        small_disk.clear()
        assert record.reader.find_pass(0, 0).responses is None  # type: ignore[union-attr]
        record.save_images(images)
        record.responses(0, 0, one.responses)
        assert all(record.reader.has_image(key) for key in images)


def test_closing_reports_an_image_that_found_the_disk_full_and_frees_the_record(
    small_disk: Any, create: Create, images: dict[str, ImageArray]
) -> None:
    path = small_disk.path / "run"
    record = create(path)
    record.save_images(images)
    small_disk.fill()
    with pytest.raises(RecordError, match="The disk is full"):
        record.close()
    small_disk.clear()
    RunRecord.reopen(path).close()


def test_a_record_on_a_full_disk_is_reopened_once_there_is_space(
    small_disk: Any, create: Create, block: Any
) -> None:
    path = small_disk.path / "run"
    with create(path) as record:
        block(0).write(record)
    small_disk.fill()
    with pytest.raises(RecordError, match="The disk is full"):
        RunRecord.reopen(path)
    small_disk.clear()
    with RunRecord.reopen(path) as record:
        assert record.reader.n_blocks == 1


@pytest.mark.parametrize("free_bytes", [0, 4096, 8192, 16384, 32768])
def test_a_record_that_cannot_be_made_can_be_made_later(
    small_disk: Any, create: Create, free_bytes: int
) -> None:
    path = small_disk.path / "run"
    small_disk.fill(but_bytes=free_bytes)
    with pytest.raises(RecordError, match="The disk is full"):
        create(path)
    small_disk.clear()
    if (path / "run.sqlite").exists():
        RunRecord.reopen(path).close()
    else:
        create(path).close()


def test_a_read_only_disk(small_disk: Any, create: Create, block: Any) -> None:
    path = small_disk.path / "run"
    with create(path) as record:
        block(0).write(record)
    small_disk.make_read_only()

    with RunReader.open(path) as reader:
        assert reader.n_blocks == 1
    with pytest.raises(RecordError, match="copy the run record to where you may write"):
        RunRecord.reopen(path)
    with pytest.raises(RecordError, match="may be read but not written"):
        create(small_disk.path / "other")


@pytest.mark.parametrize("was_read_before", [False, True])
def test_a_killed_run_on_a_read_only_disk(
    small_disk: Any, create: Create, was_read_before: bool
) -> None:
    path = small_disk.path / "run"
    create(path).close()
    script = (
        "import os, sys; from pathlib import Path; from signseg_rig.records import RunRecord; "
        "record = RunRecord.reopen(Path(sys.argv[1])); record.note('last words'); os._exit(9)"
    )
    subprocess.run([sys.executable, "-c", script, str(path)], check=False)
    if was_read_before:
        RunReader.open(path).close()
    small_disk.make_read_only()
    with RunReader.open(path) as reader:
        assert len(reader.notes("last words")) == 1


def test_a_killed_run_whose_log_cannot_be_read_is_not_read_without_it(
    small_disk: Any, create: Create
) -> None:
    path = small_disk.path / "run"
    record = create(path)
    record.note("in the log")
    copy = small_disk.path / "copy"
    copy.mkdir()
    for name in ("run.sqlite", "run.sqlite-wal", "experiment.toml", "manifest.json"):
        (copy / name).write_bytes((path / name).read_bytes())
    record.close()
    small_disk.make_read_only()
    with pytest.raises(RecordError, match="must be copied to where it can be written"):
        RunReader.open(copy)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no other user to become here.")
def test_a_reader_who_may_not_write(create: Create, block: Any) -> None:
    if os.geteuid() != 0:
        pytest.skip("Only root can become another user.")
    # pytest's own folders are closed to others.
    with TemporaryDirectory() as folder:
        path = Path(folder) / "run"
        with create(path) as record:
            block(0).write(record)
        Path(folder).chmod(0o755)
        os.seteuid(NOBODY)
        try:
            with RunReader.open(path) as reader:
                assert reader.n_blocks == 1
            with pytest.raises(RecordError, match="may be read but not written"):
                RunRecord.reopen(path)
        finally:
            os.seteuid(0)


MOUNTS = [
    Mount("/", "ext4"),
    Mount("/home", "nfs4"),
    Mount("/home/local", "xfs"),
    Mount("/data", "ext4"),
    Mount("/data", "cifs"),
    Mount("C:\\", "NTFS", "rw,fixed"),
    Mount("Z:\\", "NTFS", "rw,remote"),
]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (PurePosixPath("/runs/1"), None),
        (PurePosixPath("/home/jane/1"), "nfs4"),
        (PurePosixPath("/home/local/1"), None),
        (PurePosixPath("/homes/1"), None),
        (PurePosixPath("/data/1"), "cifs"),
        (PureWindowsPath("C:/runs/1"), None),
        (PureWindowsPath("Z:/runs/1"), "NTFS"),
        (PureWindowsPath("//server/share/1"), "\\\\server\\share"),
    ],
)
def test_network_drives_are_told_from_disks(path: PurePath, expected: str | None) -> None:
    assert network_file_system(path, MOUNTS) == expected


@pytest.mark.parametrize(
    "name",
    [
        *(
            "lustre",
            "gpfs",
            "ceph",
            "beegfs",
            "afs",
            "vboxsf",
            "nfs",
            "cifs",
            "smb",
            "smb2",
            "smb3",
        ),
        *("fuse.sshfs", "fuse.glusterfs", "fuse.ceph", "fuse.ceph-fuse", "fuse.rclone"),
    ],
)
def test_file_systems_of_other_machines_are_known(name: str) -> None:
    assert network_file_system(PurePosixPath("/lab/1"), [Mount("/lab", name)]) == name


@pytest.mark.parametrize("name", ["ext4", "xfs", "btrfs", "zfs", "tmpfs", "apfs", "fuseblk"])
def test_file_systems_of_this_machine_are_known(name: str) -> None:
    assert network_file_system(PurePosixPath("/disk/1"), [Mount("/disk", name)]) is None


def test_a_run_on_a_network_drive_is_refused(
    tmp_path: Path, create: Create, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "run"
    create(path).close()
    part = SimpleNamespace(mountpoint=str(tmp_path.resolve()), fstype="nfs", opts="rw")
    monkeypatch.setattr(psutil, "disk_partitions", lambda **_options: [part])
    with pytest.raises(RecordError, match=r"network drive \(nfs\).*on a disk of this machine"):
        create(tmp_path / "other")
    with pytest.raises(RecordError, match="network drive"):
        RunRecord.reopen(path)
    RunReader.open(path).close()
