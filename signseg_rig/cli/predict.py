"""``signseg-rig predict``: rates that neuron models predict for images."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
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
from signseg_rig.cli.outputs import require_writable, write_output

if TYPE_CHECKING:
    from signseg_rig.neurons import NeuronModels
    from signseg_rig.values import FloatArray


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
        typer.Option(
            help="Share to remove of the summed magnitude of the weights of --sign, largest first; "
            "by default all.",
            min=0,
            max=1,
        ),
    ] = None,
    convention: Annotated[
        str | None,
        typer.Option(
            help="What an ablation keeps: the intercept (raw) or the mean rate (centered)."
        ),
    ] = None,
    settings: NetworkSettings = None,
    cache_dir: CacheDir = None,
    signed_features_anyway: SignedFeaturesAnyway = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the rates as JSON.")] = False,
) -> None:
    """Predict the rates of modelled neurons for images, intact or ablated."""
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
    text = _csv(neurons.unit_ids, pictures.ids, rates, noted)
    if out is None:
        sys.stdout.write(text.replace("\r\n", "\n"))
        return
    # Names of files that are no text are escaped, as they are where they are printed.
    write_output(out, text.encode(errors="backslashreplace"))
    typer.echo(out)


def _notes(neurons: NeuronModels) -> dict[str, bool]:
    """Return the column that says where rates are of models whose signs may mean nothing."""
    is_anyway = neurons.ablation is not None and neurons.ablation.signed_features_anyway
    return {"signed_features_anyway": True} if is_anyway else {}


def _csv(
    unit_ids: Iterable[str],
    names: Iterable[str],
    rates: Iterable[FloatArray],
    noted: Mapping[str, bool],
) -> str:
    """Write the rates of each image as a row below the names of the neurons."""
    from signseg_rig.files.csv_text import csv_text

    rows: list[tuple[object, ...]] = [("image", *unit_ids, *noted)]
    rows += [
        (name, *row.round(4).tolist(), *noted.values())
        for name, row in zip(names, rates, strict=True)
    ]
    return csv_text(rows)
