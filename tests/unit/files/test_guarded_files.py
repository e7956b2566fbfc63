"""A folder of somebody else leads nowhere: neither by a name, nor by a link, nor by a pipe."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signseg_rig.files.guarded import file_name, make_folder, open_to_append, read_file
from signseg_rig.files.regular import refuse_link

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX links and pipes")


def append(path: Path) -> None:
    open_to_append(path).close()


def read(path: Path) -> None:
    read_file(path, max_bytes=10)


@pytest.mark.parametrize("text", ["best_thread 0", "a.b", "Größe", "x-y_z"])
def test_a_name_that_can_be_one_is_kept(text: str) -> None:
    assert file_name(text) == text


@given(st.lists(st.text(st.characters()), min_size=2, max_size=2, unique=True))
def test_any_text_names_a_file_of_its_own_in_the_folder(texts: list[str]) -> None:
    names = [file_name(text) for text in texts]
    assert len(set(names)) == 2
    for name in names:
        assert Path("folder", name).parent == Path("folder")
        assert name not in {"", ".", ".."}
        assert not name.startswith(".")
        assert len(name.encode()) < 200
        assert not set(name) & set('/\\:*?"<>|\0')


@pytest.mark.parametrize("text", ["CON", "nul", "../a", "/etc/passwd", "C:\\x", "..", "", "a/b"])
def test_a_name_that_leads_elsewhere_or_is_a_device_is_changed(text: str) -> None:
    assert file_name(text) != text


@pytest.mark.parametrize("use", [append, read, refuse_link])
def test_links_pipes_and_folders_are_no_files(tmp_path: Path, use: Callable[[Path], None]) -> None:
    (tmp_path / "mine").write_text("kept")
    (tmp_path / "link").symlink_to(tmp_path / "mine")
    (tmp_path / "dangling").symlink_to(tmp_path / "nothing")
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    for name, said in (
        ("link", "is a link"),
        ("dangling", "is a link"),
        ("folder", "is a folder"),
        ("pipe", "is a pipe"),
    ):
        with pytest.raises(OSError, match=said):
            use(tmp_path / name)
    assert (tmp_path / "mine").read_text() == "kept"
    assert not (tmp_path / "nothing").exists()


def test_a_file_is_read_whole_and_no_further_than_it_may_be_long(tmp_path: Path) -> None:
    path = tmp_path / "file"
    with open_to_append(path) as file:
        file.write(b"0123456789")
    assert read_file(path, max_bytes=10) == b"0123456789"
    with pytest.raises(OSError, match="more than 9 bytes"):
        read_file(path, max_bytes=9)
    with pytest.raises(FileNotFoundError):
        read_file(tmp_path / "nothing", max_bytes=9)


def test_a_folder_that_is_a_link_is_not_written_into(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "figures").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="is a link"):
        make_folder(tmp_path / "figures")
    # What is above was named by whoever writes.
    make_folder(tmp_path / "figures" / "below")
    make_folder(tmp_path / "new" / "below")
    assert (tmp_path / "new" / "below").is_dir()
    (tmp_path / "file").touch()
    with pytest.raises(FileExistsError):
        make_folder(tmp_path / "file")
