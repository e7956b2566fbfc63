"""How tasks are handed out, by an executor of threads that only pretends to do them."""

import json
import tomllib
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path
from threading import Event

import numpy as np
import pytest
from typer.testing import CliRunner

from signseg_rig import sweeps
from signseg_rig.cli import app
from signseg_rig.errors import SweepError
from signseg_rig.sweeps import (
    Result,
    ResultFolder,
    SweepSettings,
    list_tasks,
    read_sweep,
    run_sweep,
    software,
    sweep,
)
from signseg_rig.sweeps.software import read_software, used_software


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


def pretend_to_do(sweep, folder, tasks, _files):
    settings = SweepSettings.model_validate(tomllib.loads(sweep))
    here = software.software_here(settings)
    for task in tasks:
        one, scores = np.array(0.0), np.zeros((settings.n_generations, 4))
        image = np.zeros((2, 2, 3), dtype=np.uint8)
        result = Result(np.zeros(3), image, scores, one, one, one, one, here)
        ResultFolder(Path(folder)).write(task.key, result)
    return len(tasks)


@pytest.fixture
def pretends(monkeypatch):
    monkeypatch.setattr(sweep, "do_tasks", pretend_to_do)
    monkeypatch.setattr(sweeps, "local_processes", ThreadPoolExecutor)


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


def test_a_result_that_cannot_be_used_is_named_and_made_anew(sweep_file, pretends):
    assert visualize(sweep_file)
    settings = read_sweep(sweep_file)
    folder = settings.folder / "results"
    paths = sorted(folder.iterdir())
    paths[3].write_bytes(b"garbage")
    wrong = Result(
        np.zeros(3), np.zeros((2, 2, 3), np.uint8), np.full((2, 4), np.nan), *[np.array(0.0)] * 4
    )
    ResultFolder(settings.folder).write(paths[5].stem, wrong)
    refused = CliRunner().invoke(app, ["report", str(settings.folder)])
    assert refused.exit_code == 1
    # Lines are broken anywhere.
    for said in ("".join(refused.stderr.split()), "".join(visualize(sweep_file).split())):
        assert f"{paths[3]}cannotbeused.Itcannotberead" in said
        assert f"{paths[5]}cannotbeused.8ofitsscoresarenotfinite" in said
    assert len(ResultFolder(settings.folder).finished()) == 14
    assert len(list(folder.glob("*.unusable"))) == 2
    assert "Warning" not in visualize(sweep_file)


def visualize(file, *, exit_code=0):
    answer = CliRunner().invoke(app, ["visualize", str(file)])
    assert answer.exit_code == exit_code, answer.output
    return " ".join(answer.stderr.split())


def install_numpy(monkeypatch, folder, number):
    """Have the metadata of another numpy stand first on the path, and of something of no matter."""
    for name in ("numpy", "of_no_matter"):
        info = folder / f"with numpy {number}" / f"{name}-{number}.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {number}\n")
    monkeypatch.syspath_prepend(info.parent)


def numpy_versions(folder):
    return [one["numpy"] for one in read_software(folder)]


def test_software_is_recorded_and_results_of_other_software_are_warned_of(
    sweep_file, pretends, monkeypatch, tmp_path
):
    folder, text = sweep_file.parent / "small", sweep_file.read_text()
    with monkeypatch.context() as earlier:
        install_numpy(earlier, tmp_path, "1.0")
        assert "Warning" not in visualize(sweep_file)
    (recorded,) = read_software(folder)
    assert recorded["numpy"] == "1.0"
    assert recorded["cma"] == version("cma")
    assert {"python", "torch", "signseg-rig"} <= recorded.keys()
    assert "Warning" not in visualize(sweep_file)  # nothing was left to do
    assert numpy_versions(folder) == ["1.0"]
    for n_repeats in (2, 3):  # results of 1.0 are among those that are used, each time
        sweep_file.write_text(text.replace("n_repeats = 1", f"n_repeats = {n_repeats}"))
        assert f"results of: numpy is {np.__version__}, was 1.0. What" in visualize(sweep_file)
    assert numpy_versions(folder) == ["1.0", np.__version__]


def test_software_is_compared_with_that_of_the_workers(sweep_file, pretends, monkeypatch):
    """Their machines may have other versions than the one where the sweep is started."""
    visualize(sweep_file)
    text = sweep_file.read_text()
    sweep_file.write_text(text.replace("n_repeats = 1", "n_repeats = 2"))
    here = software.software_here(read_sweep(sweep_file))
    monkeypatch.setattr(sweep, "worker_software", lambda _sweep: {**here, "numpy": "9.9"})
    assert f"numpy is 9.9, was {np.__version__}. What" in visualize(sweep_file)


def test_software_of_results_is_known_whatever_was_computed_in_between(
    sweep_file, pretends, monkeypatch, tmp_path
):
    folder, text = sweep_file.parent / "small", sweep_file.read_text()
    with monkeypatch.context() as earlier:
        install_numpy(earlier, tmp_path, "1.0")
        visualize(sweep_file)
    # Of other results none is there yet that could be mixed with those of now.
    sweep_file.write_text(text.replace("n_generations = 2", "n_generations = 3"))
    assert "Warning" not in visualize(sweep_file)
    assert numpy_versions(folder) == ["1.0", np.__version__]
    more = text.replace("n_repeats = 1", "n_repeats = 2")
    sweep_file.write_text(more.replace("n_generations = 2", "n_generations = 3"))
    assert "Warning" not in visualize(sweep_file)
    sweep_file.write_text(more)
    assert f"numpy is {np.__version__}, was 1.0. What" in visualize(sweep_file)
    with monkeypatch.context() as earlier:
        install_numpy(earlier, tmp_path, "0.9")
        sweep_file.write_text(more.replace("n_repeats = 2", "n_repeats = 3"))
        said = visualize(sweep_file)
    assert f"numpy is 0.9, was 1.0 and {np.__version__}. What" in said
    assert numpy_versions(folder) == ["1.0", np.__version__, "0.9"]


def test_results_that_do_not_say_are_of_what_the_manifests_list(sweep_file, pretends):
    visualize(sweep_file)
    folder = sweep_file.parent / "small"
    (here,) = read_software(folder)
    other = {**here, "numpy": "1.0"}
    assert used_software(folder, [{}, {}]) == [here]
    assert used_software(folder, [other, {}, here]) == [other, here]
    assert used_software(folder, []) == []


def test_manifests_tell_of_the_seeds_that_there_were(sweep_file, pretends):
    visualize(sweep_file)
    text = sweep_file.read_text()
    for seed in (9, 9, 10):
        sweep_file.write_text(f"seed = {seed}\n{text}")
        visualize(sweep_file)
    manifests = json.loads((sweep_file.parent / "small" / "manifest.json").read_text())
    assert [one["seed"] for one in manifests] == [0, 9, 10]
    (recorded,) = read_software(sweep_file.parent / "small")
    assert recorded == software.software_here(read_sweep(sweep_file))


@pytest.mark.parametrize(
    "content", ["{", "[3]", "[{}]", '{"seed": 1}', '[{"distributions": {}}]', "[" * 100_000]
)
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
