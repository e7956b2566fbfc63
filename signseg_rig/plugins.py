"""Find plugins by entry point, import them only when they are used."""

from __future__ import annotations

import inspect
import sys
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

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
    found = [one.info for group in groups for one in _of_group(group)]
    return sorted(found, key=lambda info: (info.group, info.name, info.distribution))


def find_plugin(group: Group, name: str) -> PluginInfo:
    """Return which distribution offers a plugin.

    Raises
    ------
    PluginNotFoundError
        No plugin of this name; the message lists the known ones.
    PluginLoadError
        Two distributions offer this name.
    """
    return _find(group, name).info


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
    info, point = _find(group, name)
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


class _Found(NamedTuple):
    info: PluginInfo
    point: EntryPoint


def _of_group(group: Group) -> tuple[_Found, ...]:
    return _installed(_state_of_path())[group]


def _state_of_path() -> tuple[tuple[str, int], ...]:
    """Return what importlib.metadata looks through, and when something was last installed there."""
    return tuple((folder, _changed_ns(folder or ".")) for folder in sys.path)


def _changed_ns(folder: str) -> int:
    try:
        return Path(folder).stat().st_mtime_ns
    except OSError:
        return 0


@lru_cache(maxsize=1)
def _installed(_state: object) -> dict[Group, tuple[_Found, ...]]:
    """Read the metadata of everything that is installed: a tenth of a second, once."""
    everything = entry_points()
    installed = {}
    for group in GROUPS:
        points = everything.select(group=f"signseg_rig.{group}")
        found = [_Found(_info(group, point), point) for point in points]
        # An editable install beside a wheel shows one entry point twice: same target, same place.
        unique = {(one.info.name, one.info.target, one.info.distribution): one for one in found}
        installed[group] = tuple(unique.values())
    return installed


def _find(group: Group, name: str) -> _Found:
    found = _of_group(group)
    matching = [one for one in found if one.info.name == name]
    if len(matching) == 1:
        return matching[0]
    infos = [one.info for one in matching or found]
    if matching:
        claims = " and ".join(f"{info.distribution} ({info.target})" for info in infos)
        raise PluginLoadError(
            f"Two plugins claim the name {name!r} in {group}: {claims}. Uninstall one of them."
        )
    known = ", ".join(sorted(f"{info.name} ({info.distribution})" for info in infos))
    hint = close_match_hint(name, [info.name for info in infos])
    raise PluginNotFoundError(
        f"There is no plugin {name!r} in {group}.{hint} Installed are: {known or 'none'}."
    )


def _info(group: Group, point: EntryPoint) -> PluginInfo:
    distribution, version = "unknown distribution", "?"
    if point.dist is not None:
        distribution, version = point.dist.name, point.dist.version
    return PluginInfo(group, point.name, point.value, distribution, version)
