"""Which files the plugins that settings choose will load: a record keeps their hashes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from signseg_rig.settings import PluginChoice, Settings, plugin_choices
from signseg_rig.weights.catalogue import CATALOGUE
from signseg_rig.weights.files import find_weights
from signseg_rig.weights.hashes import file_sha256


def used_weights(settings: Settings | PluginChoice) -> dict[str, str]:
    """Hash the files that the plugins which settings choose will load.

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
    return {str(path): file_sha256(path) for path in sorted(paths)}


def named_files(settings: Settings) -> dict[str, Path]:
    """Give the files that settings name themselves, such as `weights_path`, by the setting."""
    return {name: value for name, value in settings if isinstance(value, Path) and value.is_file()}


def _used_files(choice: PluginChoice) -> Iterator[Path]:
    files = named_files(choice.settings)
    if getattr(choice.settings, "random_seed", None) is not None:
        yield from (path for name, path in files.items() if name != "weights_path")
        return
    yield from files.values()
    # Metrics are called otherwise than the network or detector that they use.
    name = getattr(choice.settings, "weights_name", choice.kind)
    if name in CATALOGUE and hasattr(choice.settings, "weights_path"):
        yield find_weights(name, choice.settings.weights_path)
