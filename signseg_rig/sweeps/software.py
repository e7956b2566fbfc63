"""The software that a sweep is computed with: kept beside it, compared when it goes on."""

from __future__ import annotations

import json
import platform
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from signseg_rig.errors import SweepError
from signseg_rig.files.guarded import read_file
from signseg_rig.files.whole import write_whole
from signseg_rig.plugins import PluginInfo, find_plugin
from signseg_rig.records import build_manifest, differences
from signseg_rig.records.differences import ABSENT
from signseg_rig.settings import plugin_choices
from signseg_rig.sweeps.results import explained
from signseg_rig.sweeps.settings import SweepSettings
from signseg_rig.weights import used_weights

MANIFEST_NAME = "manifest.json"
# Of some hundred manifests; a sweep that is interrupted often has a few.
MAX_BYTES = 2**24
UNREADABLE = (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError)
# What computes, besides the packages of the plugins that a sweep chooses.
PACKAGES = ("signseg-rig", "numpy", "scipy", "pillow", "torch", "torchvision", "cma")

Software = Mapping[str, str]


def software_here(settings: SweepSettings) -> Software:
    """Return what computes a sweep in this process.

    Parameters
    ----------
    settings : SweepSettings

    Returns
    -------
    software : mapping of package to version
    """
    versions = {}
    for name in (*PACKAGES, *(_plain(plugin.distribution) for plugin in _plugins(settings))):
        # Not all packages are needed for every sweep.
        with suppress(PackageNotFoundError):
            versions[name] = version(name)
    return {"python": platform.python_version(), **versions}


def record_software(settings: SweepSettings) -> None:
    """Keep a manifest of what computes now, after those that are there, unless it is the last.

    It is that of this process; what workers have stands in their results.

    Parameters
    ----------
    settings : SweepSettings
        Of a sweep whose folder is there.

    Raises
    ------
    SweepError
        The manifest cannot be read or written.
    """
    manifests = _read(settings.folder)
    now = build_manifest(
        seed=settings.seed, plugins=_plugins(settings), weights_sha256=used_weights(settings)
    )
    if manifests and _what_counts(manifests[-1]) == _what_counts(now):
        return
    path = settings.folder / MANIFEST_NAME
    with explained(path):
        write_whole(path, json.dumps([*manifests, now], indent=2).encode())


def describe_change(now: Software, before: Iterable[Software]) -> str | None:
    """Say which software results came with, where it is other than what computes now.

    Parameters
    ----------
    now : mapping of package to version
    before : iterable of mapping of package to version
        Of the results with which others are going to be mixed.

    Returns
    -------
    warning : str or None
        None where nothing has changed.
    """
    earlier: dict[str, list[str]] = {}
    for software in before:
        for name, (was, _) in differences(software, now).items():
            earlier.setdefault(name, []).append(str(was))
    if not earlier:
        return None
    changes = (
        f"{name} is {now.get(name, ABSENT)}, was {' and '.join(dict.fromkeys(versions))}"
        for name, versions in sorted(earlier.items())
    )
    return (
        f"The sweep goes on with other software than it has results of: {'; '.join(changes)}. What "
        "is computed from here on may differ from those results for that reason alone. To have all "
        "of one kind, put those versions back, or begin anew with --no-resume."
    )


def used_software(folder: Path, said: Iterable[Software]) -> list[Software]:
    """Return with what results were computed.

    Parameters
    ----------
    folder : Path
        Of the sweep.
    said : iterable of mapping of package to version
        What each result says; of one that says nothing it is all that the sweep's manifests list.

    Returns
    -------
    software : list of mapping of package to version
        Each once.

    Raises
    ------
    SweepError
        The manifests cannot be read.
    """
    recorded = read_software(folder)
    return _each_once(one for own in said for one in ([own] if own else recorded))


def read_software(folder: Path) -> Sequence[Software]:
    """Return with what a sweep was computed, as far as that is recorded.

    Parameters
    ----------
    folder : Path
        Of the sweep.

    Returns
    -------
    software : sequence of mapping of package to version
        Each once, in the order in which they were used first.

    Raises
    ------
    SweepError
        The manifest cannot be read.
    """
    return _each_once(_software_of(one) for one in _read(folder))


def _each_once(found: Iterable[Software]) -> list[Software]:
    distinct: list[Software] = []
    for software in found:
        if software not in distinct:
            distinct.append(software)
    return distinct


def _plugins(settings: SweepSettings) -> list[PluginInfo]:
    chosen = (find_plugin(one.group, one.kind) for _, one in plugin_choices(settings))
    return list(dict.fromkeys(chosen))


def _what_counts(manifest: Mapping[str, Any]) -> tuple[object, ...]:
    """Return what makes a manifest another than the one before it."""
    return _software_of(manifest), manifest.get("seed"), manifest.get("weights_sha256")


def _read(folder: Path) -> list[dict[str, Any]]:
    path = folder / MANIFEST_NAME
    try:
        manifests: list[dict[str, Any]] = json.loads(read_file(path, max_bytes=MAX_BYTES))
        for one in manifests:
            _software_of(one)
    except FileNotFoundError:
        return []
    except UNREADABLE as error:
        raise SweepError(
            f"{path} cannot be read as the manifests of a sweep ({type(error).__name__}: {error}). "
            "Restore it from a copy; without it nobody knows what software the results are of."
        ) from error
    return manifests


def _software_of(manifest: Mapping[str, Any]) -> Software:
    versions = {_plain(name): version for name, version in manifest["distributions"].items()}
    computing = [*PACKAGES, *(_plain(one["distribution"]) for one in manifest["plugins"])]
    return {
        "python": manifest["python"].split()[0],
        **{name: versions[name] for name in dict.fromkeys(computing) if name in versions},
    }


def _plain(name: str) -> str:
    """Write a distribution's name as packages are asked for: it may be Pillow or pillow."""
    return name.lower().replace("_", "-")
