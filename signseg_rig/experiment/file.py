"""Experiment files: read one, write one out in full."""

from __future__ import annotations

from pathlib import Path

import tomli_w

from signseg_rig.experiment.tables import Experiment
from signseg_rig.settings import read_settings


def read_experiment(path: Path) -> Experiment:
    """Read an experiment file.

    Paths of what it reads are relative to its folder, `run.out_dir` to the working directory.

    Parameters
    ----------
    path : Path

    Returns
    -------
    experiment : Experiment

    Raises
    ------
    ConfigError
        It cannot be used; the message lists every problem with its line.
    """
    return read_settings(path, Experiment)


def write_experiment(experiment: Experiment) -> str:
    """Write an experiment as TOML with every default spelled out.

    Returns
    -------
    text : str
        Read back, it gives an equal experiment.
    """
    return tomli_w.dumps(experiment.to_toml_table())
