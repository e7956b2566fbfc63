"""Find plugins by entry point, import them only when they are used."""

from __future__ import annotations

import inspect
import os
import sys
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Literal, get_args

from signseg_rig.errors import PluginLoadError, PluginNotFoundError
from signseg_rig.wording import close_match_hint

Group = Literal[
    "protocols",
    "generators",
    "optimizers",
    "networks",
    "displays",
    "response_sources",
    "simulators",
    "metrics",
]
GROUPS: tuple[Group, ...] = get_args(Group)


@dataclass(frozen=True, slots=True)
class PluginInfo:
    """Where a plugin comes from.

    Parameters
    ----------
    group, name : str
    target : str
        The module and class that it names.
    distribution, version : str
        The installed package that offers it.
    """

    group: Group
    name: str
    target: str
    distribution: str
    version: str


def list_plugins(group: Group | None = None) -> list[PluginInfo]:
    """List what is installed, without importing any of it.

    Parameters
    ----------
    group : str, optional
        One of `GROUPS`; all of them by default.

    Returns
    -------
    plugins : list of PluginInfo
        Sorted by group and name.
    """
    groups = GROUPS if group is None else (group,)
    found = [_info(one, point) for one in groups for point in _points(one)]
    return sorted(found, key=lambda info: (info.group, info.name, info.distribution))


def find_plugin(group: Group, name: str) -> PluginInfo:
    """Tell which distribution offers a plugin.

    Raises
    ------
    PluginNotFoundError
        No plugin of this name; the message lists the known ones.
    PluginLoadError
        Two distributions offer this name.
    """
    return _info(group, _point(group, name))


def load_plugin(group: Group, name: str) -> Any:
    """Import a plugin's class.

    Parameters
    ----------
    group : str
        One of `GROUPS`.
    name : str
        The name that `kind = "name"` chooses in an experiment file.

    Returns
    -------
    plugin : class

    Raises
    ------
    PluginNotFoundError
        No plugin of this name; the message lists the known ones.
    PluginLoadError
        Two distributions offer this name, its module cannot be imported, or its class lacks
        methods.
    """
    point = _point(group, name)
    info = _info(group, point)
    try:
        plugin = point.load()
    except Exception as error:
        raise PluginLoadError(
            f"The plugin {name!r} ({group}, from {info.distribution} {info.version}) cannot be "
            f"imported from {point.value}: {type(error).__name__}: {error}. Repair or reinstall "
            f"{info.distribution}; 'signseg-rig plugins' lists what works."
        ) from error
    if inspect.isabstract(plugin):
        missing = ", ".join(sorted(plugin.__abstractmethods__))
        raise PluginLoadError(
            f"The plugin {name!r} ({group}, from {info.distribution} {info.version}) cannot be "
            f"used: {point.value} lacks what its interface asks for: {missing}. Add that to the "
            "class, or choose another plugin; 'signseg-rig plugins' lists what works."
        )
    return plugin


def _points(group: Group) -> list[EntryPoint]:
    return list(_installed(_state_of_path())[group])


def _state_of_path() -> tuple[tuple[str, int], ...]:
    """Tell what importlib.metadata looks through, and when something was last installed there."""
    return tuple((folder, _changed_ns(folder or ".")) for folder in sys.path)


def _changed_ns(folder: str) -> int:
    try:
        return os.stat(folder).st_mtime_ns
    except OSError:
        return 0


@lru_cache(maxsize=1)
def _installed(_state: object) -> dict[Group, tuple[EntryPoint, ...]]:
    """Read the metadata of everything that is installed: a tenth of a second, once."""
    everything = entry_points()
    found = {}
    for group in GROUPS:
        # An editable install beside a wheel shows one entry point twice: same target, same place.
        unique = {
            (point.name, point.value, _distribution(point)): point
            for point in everything.select(group=f"signseg_rig.{group}")
        }
        found[group] = tuple(unique.values())
    return found


def _point(group: Group, name: str) -> EntryPoint:
    points = _points(group)
    matching = [point for point in points if point.name == name]
    if len(matching) == 1:
        return matching[0]
    if matching:
        claims = " and ".join(f"{_distribution(point)} ({point.value})" for point in matching)
        raise PluginLoadError(
            f"Two plugins claim the name {name!r} in {group}: {claims}. Uninstall one of them."
        )
    known = ", ".join(sorted(f"{point.name} ({_distribution(point)})" for point in points))
    hint = close_match_hint(name, [point.name for point in points])
    raise PluginNotFoundError(
        f"There is no plugin {name!r} in {group}.{hint} Installed are: {known or 'none'}."
    )


def _info(group: Group, point: EntryPoint) -> PluginInfo:
    version = point.dist.version if point.dist is not None else "?"
    return PluginInfo(group, point.name, point.value, _distribution(point), version)


def _distribution(point: EntryPoint) -> str:
    return point.dist.name if point.dist is not None else "unknown distribution"
