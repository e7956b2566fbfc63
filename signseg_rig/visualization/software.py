"""The software that a sweep is computed with: kept beside it, compared when it goes on."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from signseg_rig.errors import SweepError
from signseg_rig.plugins import find_plugin
from signseg_rig.records import build_manifest, differences
from signseg_rig.settings import plugin_choices
from signseg_rig.visualization.results import explained
from signseg_rig.visualization.sweep_settings import SweepSettings
from signseg_rig.weights import used_weights
from signseg_rig.whole_files import write_whole

MANIFEST_NAME = "manifest.json"
# What computes, besides the packages of the plugins that a sweep chooses.
PACKAGES = ("signseg-rig", "numpy", "scipy", "pillow", "torch", "torchvision", "cma")

Software = Mapping[str, str]


def record_software(settings: SweepSettings, *, is_begun: bool) -> str | None:
    """Keep a manifest of what computes now, unless there is one of the same software.

    It is that of this process: the workers of a Dask cluster have to have the same.

    Parameters
    ----------
    settings : SweepSettings
        Of a sweep whose folder is there.
    is_begun : bool
        Whether some of its results are there, so that others would be mixed with them.

    Returns
    -------
    warning : str or None
        What has changed since; None where nothing has, or no result is there yet.

    Raises
    ------
    SweepError
        The manifest cannot be read or written.
    """
    manifests = _read(settings.folder) if is_begun else []
    plugins = dict.fromkeys(find_plugin(one.group, one.kind) for _, one in plugin_choices(settings))
    now = build_manifest(
        seed=settings.seed, plugins=list(plugins), weights_sha256=used_weights(settings)
    )
    earlier, software = [_software_of(one) for one in manifests], _software_of(now)
    if software in earlier:
        return None
    path = settings.folder / MANIFEST_NAME
    with explained(path):
        write_whole(path, json.dumps([*manifests, now], indent=2).encode())
    if not earlier:
        return None
    changes = (
        f"{name} is {after}, was {before}"
        for name, (before, after) in differences(earlier[-1], software).items()
    )
    return (
        f"The sweep goes on with other software than it was begun with: {'; '.join(changes)}. What "
        "is computed from here on may differ from the results before for that reason alone. To "
        "have all of one kind, put those versions back, or begin anew with --no-resume."
    )


def read_software(folder: Path) -> Sequence[Software]:
    """Tell with what a sweep was computed, as far as that is recorded.

    Parameters
    ----------
    folder : Path
        Of the sweep.

    Returns
    -------
    software : sequence of mapping of package to version
        In the order in which they were used; more than one where it changed meanwhile.

    Raises
    ------
    SweepError
        The manifest cannot be read.
    """
    return [_software_of(one) for one in _read(folder)]


def _read(folder: Path) -> list[dict[str, Any]]:
    path = folder / MANIFEST_NAME
    try:
        manifests: list[dict[str, Any]] = json.loads(path.read_bytes())
        for one in manifests:
            _software_of(one)
    except FileNotFoundError:
        return []
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
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
