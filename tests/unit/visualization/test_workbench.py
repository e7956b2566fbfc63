"""What a worker keeps between tasks: the models of the sweep that it works for, and no others."""

import gc
import weakref

from signseg_rig.visualization import read_sweep, write_sweep
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
