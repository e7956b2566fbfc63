"""Which files the plugins that settings choose will load: a record keeps their hashes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from signseg_rig.settings import PluginChoice, Settings, all_settings, plugin_choices
from signseg_rig.weights.catalogue import CATALOGUE
from signseg_rig.weights.files import find_weights
from signseg_rig.weights.hashes import file_sha256


def used_weights(settings: Settings | PluginChoice) -> dict[str, str]:
    """Hash the files that the plugins which settings choose will load, and that their tables name.

    Parameters
    ----------
    settings : Settings or PluginChoice

    Returns
    -------
    hashes : dict of str to str
        sha256 by path.

    Raises
    ------
    WeightsMissingError, WeightsError
        A file of the catalogue is not there, or is another.
    """
    paths = {path for _, choice in plugin_choices(settings) for path in _used_files(choice)}
    # Those of a table within a plugin's, such as the pattern of a score.
    tables = [table for place, table in all_settings(settings) if place]
    paths.update(path for table in tables for path in _read_files(table))
    return {str(path): file_sha256(path) for path in sorted(paths)}


def named_files(settings: Settings) -> dict[str, Path]:
    """Return the files that settings name themselves, such as `weights_path`, by the setting."""
    return {name: value for name, value in settings if isinstance(value, Path) and value.is_file()}


def _read_files(settings: Settings) -> Iterator[Path]:
    """Yield the files that settings name, without weights that are drawn instead."""
    is_drawn = getattr(settings, "random_seed", None) is not None
    for name, path in named_files(settings).items():
        if not (is_drawn and name == "weights_path"):
            yield path


def _used_files(choice: PluginChoice) -> Iterator[Path]:
    yield from _read_files(choice.settings)
    if getattr(choice.settings, "random_seed", None) is not None:
        return
    # Metrics are called otherwise than the network or detector that they use.
    name = getattr(choice.settings, "weights_name", choice.kind)
    if name in CATALOGUE and hasattr(choice.settings, "weights_path"):
        yield find_weights(name, choice.settings.weights_path)
