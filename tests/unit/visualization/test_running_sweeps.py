"""How tasks are handed out, by an executor of threads that only pretends to do them."""

from concurrent.futures import ThreadPoolExecutor
from threading import Event

from signseg_rig.visualization import list_tasks, read_sweep, run_sweep, sweep


def test_progress_does_not_wait_for_the_slowest(sweep_file, monkeypatch):
    settings = read_sweep(sweep_file).model_copy(update={"n_together": 7})
    first = list_tasks(settings)[0]
    is_told = Event()
    told = []

    def pretend(_sweep, _folder, tasks):
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
