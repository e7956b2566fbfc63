"""Results are whole or not there."""

import os
from pathlib import Path

import numpy as np
import pytest

from signseg_rig.errors import SweepError
from signseg_rig.visualization import Result, ResultFolder, put_aside


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
    with pytest.raises(SweepError, match="cannot be used: it cannot be read"):
        folder.read("missing")


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
