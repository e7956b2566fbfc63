"""The experiment file: one frozen model, read from TOML and written out in full."""

from signseg_rig.experiment.file import read_experiment, write_experiment
from signseg_rig.experiment.tables import (
    Experiment,
    FixationSettings,
    MonitorSettings,
    Name,
    RunSettings,
    SafeguardAction,
    SafeguardSettings,
    StimulusSettings,
    SyncPatchSettings,
    SyncSettings,
    WindowSettings,
    WireSettings,
    is_loopback,
)

__all__ = [
    "Experiment",
    "FixationSettings",
    "MonitorSettings",
    "Name",
    "RunSettings",
    "SafeguardAction",
    "SafeguardSettings",
    "StimulusSettings",
    "SyncPatchSettings",
    "SyncSettings",
    "WindowSettings",
    "WireSettings",
    "is_loopback",
    "read_experiment",
    "write_experiment",
]
