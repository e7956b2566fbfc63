"""What a worker keeps between tasks: the models of the sweep that it works for, and no others."""

import gc
import weakref
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from signseg_rig.visualization import ResultFolder, list_tasks, read_sweep, write_sweep
from signseg_rig.visualization import workbench as module


class NoUnits:
    def lesion(self, tasks):
        return []


def test_models_are_loaded_once_for_a_sweep_and_let_go_for_the_next(sweep_file, monkeypatch):
    first = read_sweep(sweep_file)
    second = first.model_copy(update={"seed": 5})
    loaded = []

    def load(settings):
        units = NoUnits()
        loaded.append((settings.seed, weakref.ref(units)))
        return units

    monkeypatch.setattr("torch.set_num_threads", lambda _n: None)  # is of the whole process
    monkeypatch.setattr(module, "load_units", load)
    module._workbench.cache_clear()
    for settings in (first, first, second, second, first):
        module.do_tasks(write_sweep(settings), str(settings.folder), [])
    gc.collect()
    assert [seed for seed, _ in loaded] == [first.seed, 5, first.seed]
    assert [units() is not None for _, units in loaded] == [False, False, True]
    module._workbench.cache_clear()


def test_threads_of_one_worker_come_to_what_one_thread_comes_to(sweep_file, tmp_path, monkeypatch):
    monkeypatch.setattr("torch.set_num_threads", lambda _n: None)  # is of the whole process
    text = sweep_file.read_text().replace("input_size_px", "random_seed = 3\ninput_size_px")
    sweep_file.write_text(text)
    settings = read_sweep(sweep_file)
    tasks, sweep = list_tasks(settings), write_sweep(settings)
    module._workbench.cache_clear()
    module.do_tasks(sweep, str(tmp_path / "one"), tasks)
    module._workbench.cache_clear()
    n_loaded = []
    load = module.load_units

    def counted(settings):
        n_loaded.append(1)
        return load(settings)

    monkeypatch.setattr(module, "load_units", counted)
    with ThreadPoolExecutor(3) as threads:
        for done in [
            threads.submit(module.do_tasks, sweep, str(tmp_path / "three"), [task])
            for task in tasks
        ]:
            assert done.result() == 1
    module._workbench.cache_clear()
    assert len(n_loaded) == 1
    one, three = ResultFolder(tmp_path / "one"), ResultFolder(tmp_path / "three")
    for task in tasks:
        np.testing.assert_array_equal(three.read(task.key).scores, one.read(task.key).scores)
