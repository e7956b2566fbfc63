"""Settings from TOML files: the base of every model, plugins by name, all that is wrong at once."""

from signseg_rig.settings.base import (
    BASE_DIR,
    Conflict,
    InputPath,
    OutDir,
    PluginChoice,
    PluginGroup,
    Settings,
    Sha256,
    all_conflicts,
    all_settings,
    named_again,
    plugin_choices,
    settings_of,
    without_setting,
)
from signseg_rig.settings.toml_file import Problem, read_as_far_as_possible, read_settings

__all__ = [
    "BASE_DIR",
    "Conflict",
    "InputPath",
    "OutDir",
    "PluginChoice",
    "PluginGroup",
    "Problem",
    "Settings",
    "Sha256",
    "all_conflicts",
    "all_settings",
    "named_again",
    "plugin_choices",
    "read_as_far_as_possible",
    "read_settings",
    "settings_of",
    "without_setting",
]
