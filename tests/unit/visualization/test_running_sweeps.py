"""How tasks are handed out, by an executor of threads that only pretends to do them."""

import json
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path
from threading import Event

import numpy as np
import pytest
from typer.testing import CliRunner

from signseg_rig import visualization
from signseg_rig.cli import app
from signseg_rig.errors import SweepError
from signseg_rig.visualization import (
    Result,
    ResultFolder,
    list_tasks,
    read_sweep,
    run_sweep,
    sweep,
)
from signseg_rig.visualization.software import read_software


def test_progress_does_not_wait_for_the_slowest(sweep_file, monkeypatch):
    settings = read_sweep(sweep_file).model_copy(update={"n_together": 7})
    first = list_tasks(settings)[0]
    is_told = Event()
    told = []

    def pretend(_sweep, _folder, tasks, _files):
        if first in tasks:
            assert is_told.wait(60)
        return len(tasks)

    def on_progress(n_done, _n_all):
        told.append(n_done)
        if n_done:
            is_told.set()

    monkeypatch.setattr(sweep, "do_tasks", pretend)
    assert run_sweep(settings, lambda: ThreadPoolExecutor(2), on_progress=on_progress) == 14
    assert told == [0, 7, 14]


def pretend_to_do(_sweep, folder, tasks, _files):
    for task in tasks:
        one = np.zeros(1)
        image = np.zeros((2, 2, 3), dtype=np.uint8)
        ResultFolder(Path(folder)).write(task.key, Result(one, image, one, one, one, one))
    return len(tasks)


@pytest.fixture
def pretends(monkeypatch):
    monkeypatch.setattr(sweep, "do_tasks", pretend_to_do)
    monkeypatch.setattr(visualization, "local_processes", ThreadPoolExecutor)


def test_visualize_goes_on_or_begins_anew(sweep_file, pretends):
    def visualized(*options):
        answer = CliRunner().invoke(app, ["visualize", str(sweep_file), "--json", *options])
        assert answer.exit_code == 0, answer.output
        return json.loads(answer.stdout)

    folder = str(sweep_file.parent / "small")
    told = {"folder": folder, "n_evolutions": 14, "n_evolved_now": 14, "put_aside": None}
    assert visualized() == told
    assert visualized() == {**told, "n_evolved_now": 0}
    assert visualized("--no-resume") == {**told, "put_aside": f"{folder}-old1"}
    for name in ("small", "small-old1"):
        assert len(ResultFolder(sweep_file.parent / name).finished()) == 14


def visualize(file, *, exit_code=0):
    answer = CliRunner().invoke(app, ["visualize", str(file)])
    assert answer.exit_code == exit_code, answer.output
    return " ".join(answer.stderr.split())


def test_software_is_recorded_and_a_change_of_it_warned_of_once(sweep_file, pretends):
    folder, text = sweep_file.parent / "small", sweep_file.read_text()
    assert "Warning" not in visualize(sweep_file)
    (software,) = read_software(folder)
    assert software["numpy"] == np.__version__
    assert software["cma"] == version("cma")
    assert {"python", "torch", "signseg-rig"} <= software.keys()
    manifest = folder / "manifest.json"
    (recorded,) = json.loads(manifest.read_text())
    recorded["distributions"]["numpy"] = "1.0"
    recorded["distributions"]["of no matter"] = "1.0"
    manifest.write_text(json.dumps([recorded]))
    assert "Warning" not in visualize(sweep_file)  # nothing was left to do
    sweep_file.write_text(text.replace("n_repeats = 1", "n_repeats = 2"))
    said = visualize(sweep_file)
    assert f"begun with: numpy is {np.__version__}, was 1.0. What" in said
    sweep_file.write_text(text.replace("n_repeats = 1", "n_repeats = 3"))
    assert "Warning" not in visualize(sweep_file)
    assert [one["numpy"] for one in read_software(folder)] == ["1.0", np.__version__]
    # Of another seed there is no result yet that others could be mixed with.
    sweep_file.write_text(f"seed = 9\n{text}")
    assert "Warning" not in visualize(sweep_file)
    assert [one["numpy"] for one in read_software(folder)] == [np.__version__]


@pytest.mark.parametrize("content", ["{", "[3]", "[{}]", '{"seed": 1}', '[{"distributions": {}}]'])
def test_a_manifest_that_is_none_says_what_to_do(sweep_file, pretends, content):
    visualize(sweep_file)
    (sweep_file.parent / "small" / "manifest.json").write_text(content)
    with pytest.raises(SweepError, match="Restore it from a copy"):
        read_software(sweep_file.parent / "small")


def test_an_out_dir_that_cannot_be_written_is_a_sentence(sweep_file, pretends):
    (sweep_file.parent / "small").write_text("a file in the place of the folder")
    said = visualize(sweep_file, exit_code=1)
    assert "small cannot be written: File exists. Make room there, or name another place" in said


def test_a_full_disk_leaves_the_settings_of_a_sweep_whole(sweep_file, pretends, small_disk):
    text = sweep_file.read_text().replace(str(sweep_file.parent), str(small_disk.path))
    sweep_file.write_text(text)
    visualize(sweep_file)
    kept = small_disk.path / "small" / "sweep.toml"
    before = kept.read_bytes()
    small_disk.fill()
    sweep_file.write_text(text.replace("n_repeats = 1", "n_repeats = 2"))
    assert "cannot be written: No space left" in visualize(sweep_file, exit_code=1)
    assert kept.read_bytes() == before
