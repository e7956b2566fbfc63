"""Results are whole or not there."""

import os
import tracemalloc
import zipfile
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from signseg_rig.errors import SweepError
from signseg_rig.sweeps import Result, ResultFolder, put_aside
from signseg_rig.sweeps.results import ARRAYS


@pytest.fixture
def result():
    rng = np.random.default_rng(0)
    return Result(
        best_code=rng.standard_normal(7),
        best_image=rng.integers(0, 256, (4, 4, 3), dtype=np.uint8),
        scores=rng.standard_normal((3, 5)),
        intact_score=np.array(1.5),
        n_removed=np.array(3),
        realized_strength=np.array(np.nan),
        removed_magnitude=np.array(0.25),
        software={"numpy": "2.0", "python": "3.11"},
    )


def test_round_trip(result, tmp_path):
    folder = ResultFolder(tmp_path)
    assert folder.finished() == set()
    folder.write("abc", result)
    assert folder.finished() == {"abc"}
    again = folder.read("abc")
    for name in ("best_code", "best_image", "scores", "intact_score", "n_removed"):
        np.testing.assert_array_equal(getattr(again, name), getattr(result, name))
    assert np.isnan(again.realized_strength)
    assert again.software == folder.software("abc") == result.software
    assert [path.name for path in (tmp_path / "results").iterdir()] == ["abc.npz"]


def test_a_result_that_does_not_say_what_computed_it(result, tmp_path):
    folder = ResultFolder(tmp_path)
    folder.write("abc", result)
    path = tmp_path / "results" / "abc.npz"
    with np.load(path) as file:
        arrays = {name: file[name] for name in file.files if name != "software"}
    np.savez(path, **arrays)
    assert folder.read("abc").software == folder.software("abc") == {}


def test_a_draft_that_a_crash_left_is_no_result(tmp_path):
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / ".abc.17.part").write_bytes(b"half")
    assert ResultFolder(tmp_path).finished() == set()


def test_a_draft_of_another_machine_is_left_alone(result, tmp_path):
    theirs = tmp_path / "results" / f".abc.{os.getpid()}.part"
    theirs.parent.mkdir()
    theirs.write_bytes(b"half")
    ResultFolder(tmp_path).write("abc", result)
    assert theirs.read_bytes() == b"half"


def test_drafts_of_killed_workers_are_cleared_once_they_are_old(result, tmp_path):
    folder = ResultFolder(tmp_path)
    folder.clear()
    folder.write("abc", result)
    for name in (".abc.17.part", "abc.npz.18.part"):
        (tmp_path / "results" / name).write_bytes(b"half")
    os.utime(tmp_path / "results" / ".abc.17.part", (0, 0))
    folder.clear()
    assert {path.name for path in (tmp_path / "results").iterdir()} == {
        "abc.npz",
        "abc.npz.18.part",
    }


@pytest.mark.parametrize("content", [b"", b"garbage", None])
def test_damaged_and_missing_results_say_what_to_do(result, tmp_path, content):
    folder = ResultFolder(tmp_path)
    folder.write("abc", result)
    path = tmp_path / "results" / "abc.npz"
    path.write_bytes(path.read_bytes()[:200] if content is None else content)
    for read in (folder.read, folder.software):
        with pytest.raises(SweepError, match=r"Start the sweep again .*made anew"):
            read("abc")
    with pytest.raises(SweepError, match=r"cannot be used\. It cannot be read"):
        folder.read("missing")


def changed(folder, key, **arrays):
    """Write a result of which some arrays are others; without those that are None."""
    path = folder / "results" / f"{key}.npz"
    with np.load(path) as file:
        own = {name: file[name] for name in file.files} | arrays
    np.savez(path, **{name: array for name, array in own.items() if array is not None})


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"scores": np.full((3, 5), np.nan)}, "15 of its scores are not finite"),
        ({"best_code": np.array([1, np.inf])}, "1 of its best_code are not finite"),
        ({"intact_score": np.array(np.nan)}, "1 of its intact_score are not finite"),
        ({"scores": np.zeros(3)}, r"array of float64 of shape \(3,\), and should have 2 axes"),
        ({"scores": np.zeros((2, 5))}, "2 generations of 5 codes, and its sweep is of 3"),
        ({"scores": np.zeros((3, 0))}, "3 generations of 0 codes"),
        ({"best_image": np.zeros((4, 4, 4), np.uint8)}, r"image of shape \(4, 4, 4\)"),
        ({"best_image": np.zeros((4, 4, 3))}, "array of float64"),
        ({"n_removed": np.array("3")}, "array of <U1"),
        ({"removed_magnitude": np.array(-1.0)}, "fewer than no weights"),
        ({"removed_magnitude": None}, "KeyError"),
        ({"scores": np.array([[object()]])}, "array of object"),
    ],
)
def test_what_is_no_result_of_an_evolution_is_named(result, tmp_path, arrays, said):
    folder = ResultFolder(tmp_path)
    folder.write("abc", result)
    changed(tmp_path, "abc", **arrays)
    with pytest.raises(SweepError, match=rf"abc\.npz cannot be used\. .*{said}.*made anew"):
        folder.read("abc", n_generations=3)
    assert set(folder.faults(["abc"], 3)) == {"abc"}


def test_results_of_other_sizes_than_most_are_none_of_the_sweep(result, tmp_path):
    folder = ResultFolder(tmp_path)
    for key in "abcd":
        folder.write(key, result)
    changed(tmp_path, "b", best_image=np.zeros((8, 8, 3), np.uint8))
    changed(tmp_path, "d", best_code=np.zeros(8))
    faults = folder.faults("abcd", 3)
    assert set(faults) == {"b", "d"}
    assert "image of shape (8, 8, 3)" in faults["b"]
    assert "code is of 8 dimensions" in faults["d"]


def header_of(shape):
    header = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}".encode()
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header


def archive(path, content, *, compression=zipfile.ZIP_STORED, n_more=0):
    with zipfile.ZipFile(path, "w", compression) as file:
        for name in ARRAYS:
            file.writestr(f"{name}.npy", content)
        for index in range(n_more):
            file.writestr(str(index), b"")


@pytest.mark.parametrize(
    ("make", "said"),
    [
        # 80 MB that are 80 kB on the disk, and headers that claim more than there is memory.
        (lambda path: archive(path, bytes(10**7), compression=zipfile.ZIP_DEFLATED), "packed"),
        (lambda path: archive(path, header_of((10**6, 10**6)) + bytes(8)), r"shape \(1000000, 1"),
        (lambda path: archive(path, header_of((-1, 5)) + bytes(8)), "shape"),
        (lambda path: archive(path, header_of("((" * 900)), "cannot be read"),
        (lambda path: archive(path, b"", n_more=100), "107 members, more than any result"),
        (lambda path: path.write_bytes(b"PK\5\6" + bytes(18)), "cannot be read|no archive"),
        (lambda path: path.mkdir(), "it is a folder"),
        (os.mkfifo, "it is a pipe and not a regular file"),
        (lambda path: path.symlink_to("/dev/zero"), "cannot be read"),
    ],
)
def test_a_strangers_file_takes_no_memory_and_no_time(tmp_path, make, said):
    (tmp_path / "results").mkdir()
    make(tmp_path / "results" / "abc.npz")
    tracemalloc.start()
    try:
        with pytest.raises(SweepError, match=rf"abc\.npz cannot be used\. .*({said})"):
            ResultFolder(tmp_path).read("abc")
        assert tracemalloc.get_traced_memory()[1] < 2**21
    finally:
        tracemalloc.stop()


def test_members_that_overlap_take_no_more_than_the_file(result, tmp_path):
    folder = ResultFolder(tmp_path)
    folder.write("abc", result)
    path = tmp_path / "results" / "abc.npz"
    content = bytearray(path.read_bytes())
    # In the table of contents each member now claims 4 GB.
    for place in range(len(content)):
        if content[place : place + 4] == b"PK\1\2":
            content[place + 20 : place + 28] = b"\xfe\xff\xff\xff" * 2
    path.write_bytes(content)
    with pytest.raises(SweepError, match=r"claims 3.* bytes of arrays, and has"):
        folder.read("abc")


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A folder with a small result, and what is in its file."""
    one, folder = np.array(1.0), tmp_path_factory.mktemp("written")
    small = Result(np.zeros(3), np.zeros((2, 2, 3), np.uint8), np.zeros((2, 2)), *[one] * 4)
    ResultFolder(folder).write("a", small)
    return folder, (folder / "results" / "a.npz").read_bytes()


@given(
    edits=st.lists(st.tuples(st.integers(0, 4000), st.binary(max_size=6)), min_size=1, max_size=4),
    n_kept=st.integers(0, 8000),
)
def test_whatever_a_file_holds_it_is_a_result_or_a_sentence(written, edits, n_kept):
    folder, before = written
    content = bytearray(before)
    for place, others in edits:
        content[place : place + len(others)] = others
    (folder / "results" / "a.npz").write_bytes(content[:n_kept])
    for read in (ResultFolder(folder).read, ResultFolder(folder).software):
        with suppress(SweepError):
            read("a")


def test_a_result_that_cannot_be_used_is_put_aside(result, tmp_path):
    folder = ResultFolder(tmp_path)
    folder.write("abc", result)
    folder.put_aside("abc")
    assert folder.finished() == set()
    assert [path.name for path in (tmp_path / "results").iterdir()] == ["abc.unusable"]


def test_a_folder_that_cannot_be_written_to(result, tmp_path):
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "abc.npz").mkdir()
    with pytest.raises(SweepError, match="what is finished is kept"):
        ResultFolder(tmp_path).write("abc", result)


def test_a_folder_is_put_aside_under_the_next_free_name(tmp_path):
    folder = tmp_path / "faces.v2"
    assert put_aside(folder) is None
    for number in (1, 2):
        folder.mkdir()
        (folder / "number").write_text(str(number))
        kept = put_aside(folder)
        assert kept == tmp_path / f"faces.v2-old{number}"
        assert (kept / "number").read_text() == str(number)
        assert not folder.exists()


def test_a_folder_that_cannot_be_put_aside(tmp_path, monkeypatch):
    def refuses(*_paths):
        raise PermissionError("in use")

    monkeypatch.setattr(Path, "rename", refuses)
    (tmp_path / "small").mkdir()
    with pytest.raises(SweepError, match="cannot be renamed to small-old1: in use"):
        put_aside(tmp_path / "small")
