"""A display that waits for its loop says so, from the beginning and again."""

import logging
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from signseg_rig.display import process
from signseg_rig.experiment import Experiment, write_experiment


def lonely(experiment: Experiment) -> Experiment:
    """Give it a loop that never comes, and little patience."""
    wire = experiment.wire.model_copy(update={"connect_timeout_s": 0.3})
    return experiment.model_copy(update={"wire": wire})


def test_a_display_says_at_once_where_it_seeks_the_loop(
    experiment: Experiment, tmp_path: Path
) -> None:
    file = tmp_path / "experiment.toml"
    file.write_text(write_experiment(lonely(experiment)))
    command = [sys.executable, "-m", "signseg_rig", "display", str(file), "--one-run"]
    told = subprocess.run(command, check=False, capture_output=True, text=True).stderr
    seeking = f"Seeking the loop at {experiment.wire.address}."
    assert seeking in told
    assert told.index(seeking) < told.index("No loop for")


def test_a_display_says_it_again_now_and_then(
    experiment: Experiment,
    start_display: Callable,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(process, "SEEKING_NOTE_INTERVAL_S", 0.0)
    caplog.set_level(logging.INFO)
    start_display(lonely(experiment)).join()
    assert sum("Seeking the loop" in line for line in caplog.messages) > 1
