"""What a worker keeps between tasks: the models of the sweep that it works for, and no others."""

import gc
import re
import shutil
import subprocess
import sys
import weakref
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from PIL import Image

from signseg_rig.errors import SweepError
from signseg_rig.networks import load_network
from signseg_rig.neurons import FeatureSigns, FeatureSpec, NeuronModels
from signseg_rig.sweeps import ResultFolder, list_tasks, read_sweep, write_sweep
from signseg_rig.sweeps import workbench as module
from signseg_rig.sweeps.files import hash_files
from signseg_rig.sweeps.software import software_here
from signseg_rig.weights import find_weights


@pytest.fixture(autouse=True)
def without_models(monkeypatch):
    monkeypatch.setattr("torch.set_num_threads", lambda _n: None)  # is of the whole process
    module._workbench.cache_clear()
    yield
    module._workbench.cache_clear()


def do(settings, tasks, files=None):
    files = files or hash_files(settings)
    return module.do_tasks(write_sweep(settings), str(settings.folder), tasks, files.stamps)


class NoUnits:
    """Stands for what takes memory."""


def test_models_are_loaded_once_for_a_sweep_and_let_go_for_the_next(sweep_file, monkeypatch):
    first = read_sweep(sweep_file)
    second = first.model_copy(update={"seed": 5})
    loaded = []

    def load(settings):
        units = NoUnits()
        loaded.append((settings.seed, weakref.ref(units)))
        return units

    monkeypatch.setattr(module, "load_units", load)
    for settings in (first, first, second, second, first):
        module._workbench(write_sweep(settings), hash_files(settings).stamps)
    gc.collect()
    assert [seed for seed, _ in loaded] == [first.seed, 5, first.seed]
    assert [units() is not None for _, units in loaded] == [False, False, True]


def test_threads_of_one_worker_come_to_what_one_thread_comes_to(sweep_file, tmp_path, monkeypatch):
    text = sweep_file.read_text().replace("input_size_px", "random_seed = 3\ninput_size_px")
    sweep_file.write_text(text)
    one, three = (
        read_sweep(sweep_file).model_copy(update={"name": name}) for name in ("one", "three")
    )
    tasks = list_tasks(one)
    do(one, tasks)
    loaded = []
    load = module.load_units

    def counted(settings):
        loaded.append(settings.name)
        return load(settings)

    monkeypatch.setattr(module, "load_units", counted)
    with ThreadPoolExecutor(3) as threads:
        for done in [threads.submit(do, three, [task]) for task in tasks]:
            assert done.result() == 1
    assert loaded == ["three"]
    for task in tasks:
        apart, together = (ResultFolder(sweep.folder).read(task.key) for sweep in (one, three))
        np.testing.assert_array_equal(together.scores, apart.scores)


TWO_THREADS = """
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import torch

from signseg_rig.sweeps import list_tasks, read_sweep, write_sweep
from signseg_rig.sweeps.files import hash_files
from signseg_rig.sweeps.workbench import do_tasks

settings = read_sweep(Path(sys.argv[1]))


def n_threads(task):
    do_tasks(write_sweep(settings), str(settings.folder), [task], hash_files(settings).stamps)
    return torch.get_num_threads()


with ThreadPoolExecutor(1) as first, ThreadPoolExecutor(1) as second:
    for thread in (first, second):  # as whoever computed in them before may have left them
        thread.submit(torch.set_num_threads, 3).result()
        assert thread.submit(torch.get_num_threads).result() == 3
    for thread, task in zip((first, second), list_tasks(settings)):
        print(thread.submit(n_threads, task).result())
"""


def test_torch_computes_with_one_thread_whichever_thread_asks(sweep_file):
    answer = subprocess.run(
        [sys.executable, "-c", TWO_THREADS, str(sweep_file)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.stdout.split("\n") == ["1", "1", ""], answer.stderr


def test_what_is_finished_meanwhile_is_not_done_again(sweep_file):
    settings = read_sweep(sweep_file)
    tasks = list_tasks(settings)[:3]
    do(settings, tasks[:1])
    path = settings.folder / "results" / f"{tasks[0].key}.npz"
    before = path.stat().st_mtime_ns
    assert do(settings, tasks) == 3
    assert path.stat().st_mtime_ns == before
    found = ResultFolder(settings.folder)
    assert found.finished() == {task.key for task in tasks}
    assert [found.software(task.key) for task in tasks] == [software_here(settings)] * 3


def test_all_that_is_finished_meanwhile_needs_no_model(sweep_file, monkeypatch):
    settings = read_sweep(sweep_file)
    tasks = list_tasks(settings)[:1]
    do(settings, tasks)
    module._workbench.cache_clear()
    monkeypatch.setattr(module, "load_units", None)
    assert do(settings, tasks) == 1


def darkened(path):
    """Change the last weights of a generator's file."""
    content = torch.load(path, map_location="cpu", weights_only=True)
    state = content["netG_state_dict"]
    last = [name for name in state if name.endswith("weight")][-1]
    state[last].mul_(-1)
    torch.save(content, path)


def test_a_weight_file_that_was_changed_meanwhile_gives_no_result(sweep_file, tmp_path):
    path = tmp_path / "generator.pth"
    original = find_weights("dcgan_faces")
    shutil.copy(original, path)
    own = f'kind = "dcgan_faces"\nweights_path = "{path}"'
    sweep_file.write_text(sweep_file.read_text().replace('kind = "dcgan_faces"', own))
    settings = read_sweep(sweep_file)
    files, (task, *_) = hash_files(settings), list_tasks(settings)
    darkened(path)
    with pytest.raises(SweepError) as caught:
        do(settings, [task], files)
    said = str(caught.value)
    for place, sha256 in ((path, hash_files(settings)), (path, files)):
        assert f"{place} (sha256 {sha256.weights[str(path)][:12]}" in said
    assert "start the sweep again" in said
    assert ResultFolder(settings.folder).finished() == set()
    # Put back, or changed on purpose: both are done with what lies there then.
    shutil.copy(original, path)
    do(settings, [task], files)
    darkened(path)
    (other, *_) = list_tasks(settings)
    do(settings, [other])
    found = ResultFolder(settings.folder)
    assert found.finished() == {task.key, other.key}
    assert np.any(found.read(task.key).best_image != found.read(other.key).best_image)


def neuron_models(weight):
    network = load_network("efficientnet_lite0", input_size_px=32)
    layer = network.layer_names[-1]
    n_features = network.features(np.zeros((1, 32, 32, 3), np.uint8)).shape[1]
    return NeuronModels(
        unit_ids=("wig", "tench"),
        coef=np.full((2, n_features), weight),
        intercept=np.zeros(2),
        feature_mean=np.zeros(n_features),
        n_components=np.ones(2, int),
        features=FeatureSpec(dict(network.identity), layer, None),
        signs=FeatureSigns(is_rectified=True, negative_share=0.0),
        image_sha256=(),
    )


def test_neuron_models_that_were_changed_meanwhile_give_no_result(sweep_file, tmp_path):
    path = tmp_path / "v4.neurons"
    neuron_models(1.0).save(path)
    sweep_file.write_text(f"neurons = '{path}'\n{sweep_file.read_text()}")
    settings = read_sweep(sweep_file)
    files, (task, *_) = hash_files(settings), list_tasks(settings)
    neuron_models(2.0).save(path)
    with pytest.raises(SweepError, match=re.escape(f"{path} (sha256 ")):
        do(settings, [task], files)
    assert do(settings, [task]) == 1


def test_hidden_images_that_were_changed_meanwhile_give_no_result(sweep_file, tmp_path):
    folder = tmp_path / "judged"
    folder.mkdir()
    Image.fromarray(np.zeros((40, 40, 3), np.uint8)).save(folder / "a.png")
    sweep_file.write_text(
        f"{sweep_file.read_text()}\n[hidden]\nlayer = '_conv_head'\nimages = 'judged'\n"
    )
    settings = read_sweep(sweep_file)
    files, (task, *_) = hash_files(settings), list_tasks(settings)
    Image.fromarray(np.ones((40, 40, 3), np.uint8)).save(folder / "a.png")
    with pytest.raises(SweepError, match=re.escape(f"{folder} (sha256 ")):
        do(settings, [task], files)
    assert do(settings, [task]) == 1
