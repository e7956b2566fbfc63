"""``signseg-rig predict``: rates that neuron models predict for images."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from signseg_rig.cli.console import print_json
from signseg_rig.cli.network_options import (
    CacheDir,
    NetworkSettings,
    SignedFeaturesAnyway,
    features_folder,
    network_of,
)
from signseg_rig.cli.outputs import explained, require_writable

if TYPE_CHECKING:
    from signseg_rig.neurons import NeuronModels
    from signseg_rig.types import FloatArray


def predict(
    models: Annotated[Path, typer.Argument(help="A neuron-model file.")],
    *,
    images: Annotated[Path, typer.Option(help="Folder or zip archive of images.")],
    out: Annotated[
        Path | None, typer.Option(help="CSV file for the rates; printed by default.")
    ] = None,
    sign: Annotated[
        str | None, typer.Option(help="Remove weights of this sign first: positive or negative.")
    ] = None,
    strength: Annotated[
        float | None,
        typer.Option(help="How much of them, from 0 to 1; by default all.", min=0, max=1),
    ] = None,
    convention: Annotated[
        str | None,
        typer.Option(help="raw, the default, keeps the intercept, centered the mean rate."),
    ] = None,
    settings: NetworkSettings = None,
    cache_dir: CacheDir = None,
    signed_features_anyway: SignedFeaturesAnyway = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the rates as JSON.")] = False,
) -> None:
    """Predict the rates of modelled neurons for images, intact or ablated."""
    import csv

    from rich.console import Console

    from signseg_rig.cli.stages import StageProgress
    from signseg_rig.datasets import open_images
    from signseg_rig.errors import ConfigError
    from signseg_rig.neurons import FeatureCache, NeuronModels

    neurons = NeuronModels.load(models)
    if out is not None:
        require_writable(out)
    if sign is not None:
        chosen: Any = {"sign": sign, "convention": convention or "raw"}  # checked by ablate
        share = 1.0 if strength is None else strength
        neurons = neurons.ablate(
            **chosen, strength=share, signed_features_anyway=signed_features_anyway
        )
    elif strength is not None or convention is not None:
        raise ConfigError(
            "--strength and --convention say how weights are removed, but not which. Give "
            "--sign positive or --sign negative too, or leave them out for intact neurons."
        )
    reader = neurons.reader(network_of(neurons.features.network, settings))
    pictures = open_images(images)
    with StageProgress(Console(stderr=True)) as progress:
        features = FeatureCache(features_folder(cache_dir), reader).features(
            pictures.read(),
            on_progress=lambda n_done: progress("features", n_done, len(pictures)),
        )
    rates = neurons.predict(features, spec=reader.spec)
    noted = _notes(neurons)
    if as_json:
        print_json(
            {
                name: {**dict(zip(neurons.unit_ids, row.tolist(), strict=True)), **noted}
                for name, row in zip(pictures.ids, rates, strict=True)
            }
        )
        return
    rows = _rows(("image", *neurons.unit_ids), pictures.ids, rates, noted)
    if out is None:
        csv.writer(sys.stdout, lineterminator="\n").writerows(rows)
        return
    with explained(out):
        out.parent.mkdir(parents=True, exist_ok=True)
        with out.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows(rows)
    typer.echo(out)


def _rows(
    columns: Sequence[str], names: Sequence[str], rates: FloatArray, noted: Mapping[str, bool]
) -> list[tuple[object, ...]]:
    """Return the rows of the table of rates, its heading first."""
    return [
        (*columns, *noted),
        *(
            (name, *row.round(4).tolist(), *noted.values())
            for name, row in zip(names, rates, strict=True)
        ),
    ]


def _notes(neurons: NeuronModels) -> dict[str, bool]:
    """Give the column that says where rates are of models whose signs may mean nothing."""
    is_anyway = neurons.ablation is not None and neurons.ablation.signed_features_anyway
    return {"signed_features_anyway": True} if is_anyway else {}
