"""Files are whole or not there: for readers, other writers, and after any end of the writer."""

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from signseg_rig.files.whole import remove_drafts, sync_folder, whole_file, write_whole

HALF_WRITTEN = """
import sys, signal
from pathlib import Path
from signseg_rig.files.whole import whole_file

with whole_file(Path(sys.argv[1])) as file:
    file.write(b"half of it")
    file.flush()
    print("half", flush=True)
    sys.stdin.read()
"""


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_readers_see_the_old_file_until_the_new_one_is_whole(tmp_path: Path) -> None:
    target = tmp_path / "a.bin"
    write_whole(target, b"old")
    with whole_file(target) as file:
        file.write(b"new")
        file.flush()
        assert target.read_bytes() == b"old"
    assert target.read_bytes() == b"new"
    assert names(tmp_path) == ["a.bin"]


def test_writers_of_one_file_do_not_mix(tmp_path: Path) -> None:
    target = tmp_path / "a.bin"
    with whole_file(target) as one, whole_file(target) as other:
        one.write(b"one")
        other.write(b"other")
    assert target.read_bytes() == b"one"
    assert names(tmp_path) == ["a.bin"]


@pytest.mark.parametrize("error", [OSError("full"), ValueError("wrong"), KeyboardInterrupt()])
def test_nothing_is_left_of_what_failed(tmp_path: Path, error: BaseException) -> None:
    target = tmp_path / "a.bin"
    write_whole(target, b"old")

    def fail() -> None:
        with whole_file(target) as file:
            file.write(b"half")
            raise error

    with pytest.raises(type(error)):
        fail()
    assert target.read_bytes() == b"old"
    assert names(tmp_path) == ["a.bin"]


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_a_killed_writer_leaves_a_draft_that_can_be_removed(tmp_path: Path) -> None:
    target = tmp_path / "a.bin"
    with subprocess.Popen(
        [sys.executable, "-c", HALF_WRITTEN, str(target)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"half\n"
        writer.send_signal(signal.SIGKILL)
    assert not target.exists()
    assert len(names(tmp_path)) == 1
    remove_drafts(tmp_path, "a.bin.*", min_age_s=3600)
    remove_drafts(tmp_path, "b.bin.*")
    assert len(names(tmp_path)) == 1  # its writer might be alive; it is of another file
    (draft,) = tmp_path.iterdir()
    os.utime(draft, (0, 0))
    remove_drafts(tmp_path, "a.bin.*", min_age_s=3600)
    assert names(tmp_path) == []


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no call for it")
@pytest.mark.parametrize("code", [errno.EINVAL, errno.EIO])
def test_a_file_system_without_a_call_for_names_is_no_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    def refuse(_descriptor: int) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "fsync", refuse)
    if code == errno.EINVAL:
        sync_folder(tmp_path)
        return
    with pytest.raises(OSError, match="Input/output error"):
        sync_folder(tmp_path)


@pytest.mark.skipif(os.name == "nt", reason="POSIX links and devices")
def test_a_link_is_replaced_and_a_device_is_not(tmp_path: Path) -> None:
    mine, link = tmp_path / "mine", tmp_path / "figure.png"
    mine.write_bytes(b"kept")
    link.symlink_to(mine)
    write_whole(link, b"drawn")
    assert (mine.read_bytes(), link.read_bytes(), link.is_symlink()) == (b"kept", b"drawn", False)
    with pytest.raises(OSError, match="it is a device"):
        write_whole(Path("/dev/null"), b"drawn")
