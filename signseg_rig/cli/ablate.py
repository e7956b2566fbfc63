"""``signseg-rig ablate``: what neuron models predict as their weights are removed."""

from __future__ import annotations

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
from signseg_rig.cli.outputs import require_writable
from signseg_rig.wording import counted

if TYPE_CHECKING:
    from signseg_rig.neurons import AblationPoint

RATES = ("mean_rate_hz", "preferred_rate_hz")
CONTROLS = {"number": "  as many, random", "magnitude": "  as much, random"}


def ablate(
    models: Annotated[Path, typer.Argument(help="A neuron-model file.")],
    *,
    images: Annotated[Path, typer.Option(help="Folder or zip archive of images.")],
    strengths: Annotated[
        str,
        typer.Option(help="Shares of summed magnitude to remove, 0 to 1, comma-separated."),
    ] = "0,0.1,0.2,0.3,0.4,0.5,0.6,0.7,0.8,0.9,1",
    seed: Annotated[int, typer.Option(help="Seed of the random controls.", min=0)] = 0,
    n_draws: Annotated[
        int,
        typer.Option(help="Number of draws of each random control.", min=1),
    ] = 10,
    report: Annotated[
        Path | None, typer.Option(help="Folder for table and figure; beside the models by default.")
    ] = None,
    settings: NetworkSettings = None,
    cache_dir: CacheDir = None,
    signed_features_anyway: SignedFeaturesAnyway = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Remove positive or negative weights of neuron models by degrees, with controls."""
    from rich.console import Console

    from signseg_rig.cli.stages import StageProgress
    from signseg_rig.datasets import open_images
    from signseg_rig.neurons import (
        FeatureCache,
        NeuronModels,
        ablation_curves,
        allow_sign_ablation,
        describe_signs,
    )
    from signseg_rig.report import write_ablation_report
    from signseg_rig.report.ablation_page import summarize

    neurons = NeuronModels.load(models)
    degrees = _parsed(strengths)
    # Before features are computed, which takes minutes.
    allow_sign_ablation(
        neurons.signs, neurons.described, signed_features_anyway=signed_features_anyway
    )
    folder = report or models.with_name(f"{models.stem}-ablation")
    require_writable(folder, is_folder=True)
    reader = neurons.reader(network_of(neurons.features.network, settings))
    pictures = open_images(images)
    with StageProgress(Console(stderr=True)) as progress:
        features = FeatureCache(features_folder(cache_dir), reader).features(
            pictures.read(),
            on_progress=lambda n_done: progress("features", n_done, len(pictures)),
        )
        points = ablation_curves(
            neurons,
            features,
            strengths=degrees,
            seed=seed,
            n_draws=n_draws,
            spec=reader.spec,
            signed_features_anyway=signed_features_anyway,
        )
    figure = write_ablation_report(points, folder)
    summary = summarize(points)
    if as_json:
        print_json(summary)
        return
    _print_table(summary, points)
    typer.echo(describe_signs(neurons.signs))
    typer.echo(f"Table:  {folder / 'ablation.csv'}")
    typer.echo(f"Figure: {figure}")


def _parsed(strengths: str) -> list[float]:
    from signseg_rig.errors import ConfigError

    try:
        degrees = [float(strength) for strength in strengths.split(",")]
    except ValueError:
        degrees = []
    if not degrees or not all(0 <= degree <= 1 for degree in degrees):
        raise ConfigError(
            f"--strengths should be numbers from 0 to 1, such as 0,0.3,0.7,1; got {strengths!r}."
        )
    return degrees


def _print_table(summary: list[dict[str, Any]], points: list[AblationPoint]) -> None:
    """Print a line for each sign, control and strength, with both conventions side by side.

    Below each sign are its controls: random weights, matched in number and in magnitude.
    """
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Column, Table

    lines: dict[tuple[str, str, float], dict[str, dict[str, Any]]] = {}
    for row in summary:
        key = (row["sign"], row["control"], row["strength"])
        lines.setdefault(key, {})[row["convention"]] = row
    n_units = len({point.unit for point in points})
    table = Table(
        Column("removed", no_wrap=True),
        *("strength", "weights"),
        *("mean\nraw", "\ncentered", "preferred\nraw", "\ncentered", "r with\nintact"),
        title=f"Mean rates of {counted(n_units, 'neuron')}, in spikes/s",
        box=SIMPLE_HEAD,
    )
    for (sign, control, strength), row in lines.items():
        raw, centered = row["raw"], row["centered"]
        table.add_row(
            CONTROLS[control] if control else sign,
            f"{strength:g}",
            f"{raw['n_removed']:.0f}",
            *(f"{one[name]:.2f}" for name in RATES for one in (raw, centered)),
            "" if raw["r_intact"] is None else f"{raw['r_intact']:.3f}",
        )
    Console().print(table)
