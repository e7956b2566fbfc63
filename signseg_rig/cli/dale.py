"""``signseg-rig dale FILE.toml``: how far the weights of networks are of one sign."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from signseg_rig.cli.console import as_records, print_json

if TYPE_CHECKING:
    from signseg_rig.studies import DaleSettings, LayerIndex


def dale(
    file: Annotated[Path, typer.Argument(help="The networks (TOML).")],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print path and layers as JSON.")] = False,
) -> None:
    """Survey how far weights are of one sign (Dale index), by layer, against random signs."""
    from rich.console import Console

    from signseg_rig.cli.stages import StageProgress
    from signseg_rig.report import write_dale_report
    from signseg_rig.studies import read_survey, survey_networks

    settings = read_survey(file)
    with StageProgress(Console(stderr=True)) as progress:
        layers = survey_networks(settings, on_progress=partial(progress, "networks"))
    page = write_dale_report(settings, layers)
    if as_json:
        print_json(_facts(settings, layers, page))
        return
    _print_readouts(layers)
    typer.echo(page)


def _facts(settings: DaleSettings, layers: list[LayerIndex], page: Path) -> dict[str, Any]:
    from signseg_rig.report.dale_page import (
        CORRELATION_COLUMNS,
        LAYER_COLUMNS,
        correlation_rows,
        layer_rows,
    )
    from signseg_rig.studies import correlate_with_accuracy

    correlations = correlate_with_accuracy(settings, layers)
    return {
        "report": str(page),
        "readouts_read": list(dict.fromkeys(one.reads for one in layers if one.reads)),
        "layers": as_records(LAYER_COLUMNS, layer_rows(layers)),
        "correlations": as_records(CORRELATION_COLUMNS, correlation_rows(correlations)),
    }


def _print_readouts(layers: list[LayerIndex]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("network", "readout", "mean Dale index", "random signs", "zeros")
    for one in layers:
        if one.is_readout:
            means = (one.mean, one.mean - one.excess, one.zero_fraction.mean())
            table.add_row(one.network, one.direction, *(f"{mean:.4f}" for mean in means))
    Console().print(table)
    for sentence in dict.fromkeys(one.reads for one in layers if one.reads):
        typer.echo(sentence)
