"""How tasks are handed out, by an executor of threads that only pretends to do them."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import numpy as np
from typer.testing import CliRunner

from signseg_rig import visualization
from signseg_rig.cli import app
from signseg_rig.visualization import (
    Result,
    ResultFolder,
    list_tasks,
    read_sweep,
    run_sweep,
    sweep,
)


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


def test_visualize_goes_on_or_begins_anew(sweep_file, monkeypatch):
    def pretend(_sweep, folder, tasks):
        for task in tasks:
            one = np.zeros(1)
            image = np.zeros((2, 2, 3), dtype=np.uint8)
            ResultFolder(Path(folder)).write(task.key, Result(one, image, one, one, one, one))
        return len(tasks)

    def visualized(*options):
        answer = CliRunner().invoke(app, ["visualize", str(sweep_file), "--json", *options])
        assert answer.exit_code == 0, answer.output
        return json.loads(answer.stdout)

    monkeypatch.setattr(sweep, "do_tasks", pretend)
    monkeypatch.setattr(visualization, "local_processes", ThreadPoolExecutor)
    folder = str(sweep_file.parent / "small")
    told = {"folder": folder, "n_evolutions": 14, "n_evolved_now": 14, "put_aside": None}
    assert visualized() == told
    assert visualized() == {**told, "n_evolved_now": 0}
    assert visualized("--no-resume") == {**told, "put_aside": f"{folder}-old1"}
    for name in ("small", "small-old1"):
        assert len(ResultFolder(sweep_file.parent / name).finished()) == 14
