"""A lock is its process's until that ends, and tells others whose it is."""

import errno
import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from signseg_rig.files.locks import HeldElsewhereError, take_lock

HOLD = """
import sys
from pathlib import Path
from signseg_rig.files.locks import take_lock

held = take_lock(*map(Path, sys.argv[1:]))
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def paths(tmp_path: Path) -> tuple[Path, Path]:
    return tmp_path / "a.lock", tmp_path / "a.owner"


def test_is_free_again_once_it_is_released(paths):
    held = take_lock(*paths)
    with pytest.raises(HeldElsewhereError) as caught:
        take_lock(*paths)
    assert caught.value.owner == f"process {os.getpid()} on {platform.node()}"
    held.release()
    take_lock(*paths).release()


def test_is_free_again_once_its_process_is_killed(paths):
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, *paths], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline().strip() == b"held"
        with pytest.raises(HeldElsewhereError, match=f"by process {other.pid} on"):
            take_lock(*paths)
        other.kill()
        other.wait()
        take_lock(*paths).release()


@pytest.mark.parametrize("content", [None, ""])
def test_an_owner_that_left_no_name(paths, content):
    lock, owner = paths
    held = take_lock(lock, owner)
    owner.unlink() if content is None else owner.write_text(content)
    with pytest.raises(HeldElsewhereError, match="by another process"):
        take_lock(lock, owner)
    held.release()


def test_is_given_back_where_the_owner_cannot_be_written(paths):
    lock, owner = paths
    owner.mkdir()
    with pytest.raises(OSError, match=r"a\.owner"):
        take_lock(lock, owner)
    owner.rmdir()
    take_lock(lock, owner).release()


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX locks")
def test_a_file_system_without_locks_is_an_error_of_the_disk(paths, monkeypatch):
    def refuses(_descriptor, _operation):
        raise OSError(errno.ENOSYS, "no locks here")

    monkeypatch.setattr("fcntl.flock", refuses)
    lock, owner = paths
    with pytest.raises(OSError, match="no locks here"):
        take_lock(lock, owner)
    assert not owner.exists()


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX links")
def test_files_that_links_lead_to_are_neither_emptied_nor_written(paths, tmp_path):
    mine = tmp_path / "mine"
    mine.write_text("kept")
    lock, owner = paths
    owner.symlink_to(mine)
    take_lock(lock, owner).release()
    lock.unlink()
    lock.symlink_to(mine)
    with pytest.raises(OSError, match="it is a link"):
        take_lock(lock, owner)
    assert mine.read_text() == "kept"
