"""Options that choose a network on the command line."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from signseg_rig.errors import ConfigError
from signseg_rig.interfaces import Network

NetworkName = Annotated[
    str, typer.Option("--network", help="Kind of network, see 'signseg-rig plugins'.")
]
NetworkSettings = Annotated[
    list[str] | None,
    typer.Option("--set", help="A setting of the network, such as input_size_px=112; repeatable."),
]
Rectification = Annotated[
    str,
    typer.Option(
        help="How values are read: as_is, or split into max(x, 0) and max(-x, 0). Split values are "
        "as accurate, and never negative, so that the signs of weights mean something."
    ),
]
SignedFeaturesAnyway = Annotated[
    bool,
    typer.Option(
        "--signed-features-anyway",
        help="Ablate by sign even where features take both signs, so that the signs of weights are "
        "arbitrary. Results say so.",
    ),
]
CacheDir = Annotated[
    Path | None,
    typer.Option(help="Folder where computed features are kept; by default the user's cache."),
]


def open_network(kind: str, settings: Sequence[str] | None) -> Network:
    """Load a network with settings as ``key=value``.

    Raises
    ------
    ConfigError
        A setting is not of this form, or not one of the network.
    """
    from signseg_rig.networks import load_network

    return load_network(kind, **dict(map(_parsed, settings or ())))


def network_of(
    identity: Mapping[str, str | int | float], settings: Sequence[str] | None
) -> Network:
    """Load the network that neuron models were fitted on, as far as their file tells.

    Parameters
    ----------
    identity : mapping
        Of the models' network; what is a setting of it by name is set likewise.
    settings : sequence of str
        Further ones, such as the path of its weights.
    """
    from signseg_rig.plugins import load_plugin

    kind = str(identity.get("kind"))
    known = load_plugin("networks", kind).Config.model_fields
    told = [f"{key}={json.dumps(value)}" for key, value in identity.items() if key in known]
    return open_network(kind, [*told, *(settings or ())])


def features_folder(cache_dir: Path | None) -> Path:
    """Return the folder where features are kept."""
    import platformdirs

    if cache_dir is not None:
        return cache_dir
    return platformdirs.user_cache_path("signseg-rig", appauthor=False) / "features"


def _parsed(setting: str) -> tuple[str, Any]:
    key, equals, value = setting.partition("=")
    if not (key and equals):
        raise ConfigError(f"--set should be KEY=VALUE, such as input_size_px=112; got {setting!r}.")
    try:
        return key, json.loads(value)
    except ValueError:
        return key, value  # text needs no quotes
