"""``signseg-rig fit``: models of recorded neurons from responses and images."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from signseg_rig.cli.console import print_json
from signseg_rig.cli.network_options import (
    CacheDir,
    NetworkName,
    NetworkSettings,
    features_folder,
    open_network,
)
from signseg_rig.cli.outputs import require_writable
from signseg_rig.errors import ConfigError

if TYPE_CHECKING:
    from rich.console import Console

    from signseg_rig.datasets import RecordedData
    from signseg_rig.fitting import NeuronFit

Window = tuple[float, float]


def fit(
    *,
    responses: Annotated[
        Path,
        typer.Option(
            help="Rates as .npy, .npz, .mat, .csv or .nwb, an XDream folder, or a recording "
            "together with --stimuli. Without image ids they are in the order of the images."
        ),
    ],
    out: Annotated[Path, typer.Option(help="The neuron-model file to write.")],
    images: Annotated[
        Path | None,
        typer.Option(
            help="Folder or zip archive of the images, which are sorted by name as text; an NWB "
            "file may hold them."
        ),
    ] = None,
    stimuli: Annotated[
        Path | None,
        typer.Option(help="CSV of the stimuli of a recording, with onset_s and image."),
    ] = None,
    leave_out: Annotated[
        str | None,
        typer.Option(
            help="Images whose presentations do not count, separated by commas, such as "
            "omitted,blank."
        ),
    ] = None,
    window_s: Annotated[
        str | None,
        typer.Option(
            metavar="FROM,TO",
            help="Count spikes from and to these seconds after the onset: 0.05,0.2 by default.",
        ),
    ] = None,
    baseline_window_s: Annotated[
        str | None,
        typer.Option(
            metavar="FROM,TO",
            help="Count the spikes of the baseline from and to these seconds after the onset: "
            "0,0.045 by default.",
        ),
    ] = None,
    key: Annotated[
        str | None, typer.Option(help="Name of the responses in a .npz or .mat file.")
    ] = None,
    count_window_s: Annotated[
        float | None,
        typer.Option(help="For an array of spike counts, the length of their window."),
    ] = None,
    table: Annotated[
        str | None, typer.Option(help="Of an NWB file, the table of presentations.")
    ] = None,
    image_column: Annotated[
        str | None, typer.Option(help="Its column that names the image.")
    ] = None,
    onset_column: Annotated[str | None, typer.Option(help="Its column of onsets.")] = None,
    units: Annotated[
        str | None, typer.Option(help="Names of the units to fit, separated by commas.")
    ] = None,
    drop_incomplete: Annotated[
        str | None,
        typer.Option(
            help="Where a unit has no trial of an image, leave out such units or such images: "
            "units or images."
        ),
    ] = None,
    network: NetworkName = "efficientnet_lite0",
    settings: NetworkSettings = None,
    layer: Annotated[
        str | None, typer.Option(help="Layer of the network; by default what its readout reads.")
    ] = None,
    pool_px: Annotated[
        int | None, typer.Option(help="Average the layer's map to so many by so many positions.")
    ] = None,
    max_components: Annotated[
        int, typer.Option(help="Largest number of PLS components to choose from.", min=1)
    ] = 25,
    n_folds: Annotated[int, typer.Option(help="Folds of the test.", min=2)] = 10,
    n_shuffles: Annotated[
        int,
        typer.Option(
            help="Fits with shuffled images, for p-values: minutes, and begun anew if interrupted. "
            "0, without any, is quick.",
            min=0,
        ),
    ] = 200,
    shuffle_blocks: Annotated[
        int,
        typer.Option(
            help="For images that stand in the order of showing: cut it into so many stretches, "
            "leave out whole ones, and shift responses over it in place of shuffling them.",
            min=0,
        ),
    ] = 0,
    compare: Annotated[
        list[str] | None,
        typer.Option(
            help="Test another model as well: ridge, lasso, or of one sign positive-only, "
            "negative-only, positive-refit, negative-refit; repeatable."
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Of folds and shuffles.", min=0)] = 0,
    report: Annotated[
        Path | None, typer.Option(help="Folder for the report; beside the models by default.")
    ] = None,
    cache_dir: CacheDir = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the table as JSON.")] = False,
) -> None:
    """Fit PLS models to recorded neurons, test them, and write them to a file."""
    from rich.console import Console

    from signseg_rig.cli.stages import StageProgress
    from signseg_rig.datasets import read_recorded
    from signseg_rig.fitting import FitSettings, fit_recorded
    from signseg_rig.neurons import FeatureReader
    from signseg_rig.report import write_fit_report

    console = Console(stderr=True)
    folder = report or out.with_name(f"{out.stem}-report")
    require_writable(out)
    require_writable(folder, is_folder=True)
    rules = FitSettings(
        n_components=range(1, max_components + 1),
        n_folds=n_folds,
        n_shuffles=n_shuffles,
        compare=compare or (),
        shuffle_blocks=shuffle_blocks,
        seed=seed,
        n_workers=os.cpu_count() or 1,
    )
    given = read_recorded(
        responses,
        images,
        stimulus_table=stimuli,
        leave_out=_names(leave_out) or (),
        response_window_s=_window("--window-s", window_s),
        baseline_window_s=_window("--baseline-window-s", baseline_window_s),
        table=table,
        image_column=image_column,
        onset_column=onset_column,
        key=key,
        count_window_s=count_window_s,
        units=_names(units),
        incomplete=cast("Any", drop_incomplete),  # checked there
    )
    data = _prepared(given, console)
    reader = FeatureReader(open_network(network, settings), layer, pool_px)
    with StageProgress(console) as progress:
        fitted = fit_recorded(
            data,
            reader,
            cache_dir=features_folder(cache_dir),
            settings=rules,
            on_progress=progress,
        )
    fitted.models.save(out)
    page = write_fit_report(fitted, folder)
    _print_notes(fitted, console)
    _print(fitted, f"Models: {out}\nReport: {page}", as_json=as_json)


def _names(text: str | None) -> list[str] | None:
    return None if text is None else [name.strip() for name in text.split(",")]


def _window(option: str, text: str | None) -> Window | None:
    """Read two times as they are written on the command line."""
    if text is None:
        return None
    try:
        start_s, end_s = map(float, text.replace(",", " ").split())
    except ValueError as error:
        raise ConfigError(
            f"{option} should be two times in seconds, such as 0.05,0.2; got {text!r}."
        ) from error
    return start_s, end_s


def _print(fitted: NeuronFit, places: str, *, as_json: bool) -> None:
    if as_json:
        print_json(_as_json(fitted))
        return
    _print_table(fitted)
    typer.echo(places)


def _print_notes(fitted: NeuronFit, console: Console) -> None:
    from rich.markup import escape

    for note in fitted.notes:
        console.print(f"[yellow]Note:[/] {escape(note)}", highlight=False)


def _prepared(recorded: RecordedData, console: Console) -> RecordedData:
    from signseg_rig.datasets import prepare_for_fit

    data, warnings = prepare_for_fit(recorded)
    for warning in warnings:
        console.print(f"[yellow]Warning:[/] {warning.message}", highlight=False)
    return data


def _print_table(fitted: NeuronFit) -> None:
    import numpy as np
    from rich.console import Console
    from rich.table import Table

    columns = fitted.columns()
    # A column that nothing is known of, such as p-values without shuffles, only takes room.
    shown = {name: cells for name, cells in columns.items() if not all(map(_is_unknown, cells))}
    table = Table(*shown, show_footer=True)
    for column, (name, _cells) in zip(table.columns, shown.items(), strict=True):
        column.overflow = "fold"
        if name in fitted.models.quality:
            column.justify = "right"
            column.footer = f"{np.nanmedian(fitted.models.quality[name]):.3g}"
    table.columns[0].footer = "median"
    for row in zip(*shown.values(), strict=True):
        table.add_row(*map(_cell, row))
    Console().print(table)


def _cell(value: object) -> str:
    if isinstance(value, float):
        return "" if math.isnan(value) else f"{value:.3g}"
    return str(value)


def _as_json(fitted: NeuronFit) -> list[dict[str, Any]]:
    columns = {
        name: [None if _is_unknown(cell) else cell for cell in cells]
        for name, cells in fitted.columns().items()
    }
    rows = zip(*columns.values(), strict=True)
    return [dict(zip(columns, row, strict=True)) for row in rows]


def _is_unknown(cell: object) -> bool:
    return isinstance(cell, float) and math.isnan(cell)
