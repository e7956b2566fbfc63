"""``signseg-rig fit``: models of recorded neurons from responses and images."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from signseg_rig.cli.console import print_json
from signseg_rig.cli.fit_table import is_unknown
from signseg_rig.cli.network_options import (
    CacheDir,
    NetworkName,
    NetworkSettings,
    Rectification,
    SignedFeaturesAnyway,
    features_folder,
    open_network,
)
from signseg_rig.cli.outputs import require_writable
from signseg_rig.errors import ConfigError
from signseg_rig.wording import counted

if TYPE_CHECKING:
    from rich.console import Console

    from signseg_rig.datasets import RecordedData
    from signseg_rig.studies import NeuronFit

Window = tuple[float, float]


def fit(
    *,
    responses: Annotated[
        list[Path],
        typer.Option(
            help="Rates as .npy, .npz, .mat, .csv or .nwb, an XDream folder, or a recording "
            "together with --stimuli. Without image ids they are in the order of the images. Or "
            "the folder of a run's record, with its images; repeatable for several runs."
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
            help="Count the spikes of a response from and to these seconds after each onset: "
            "0.05,0.2 by default.",
        ),
    ] = None,
    baseline_window_s: Annotated[
        str | None,
        typer.Option(
            metavar="FROM,TO",
            help="Count the spikes of the baseline, which is taken off the response, from and to "
            "these seconds after each onset: 0,0.045 by default.",
        ),
    ] = None,
    key: Annotated[
        str | None, typer.Option(help="Name of the responses in a .npz or .mat file.")
    ] = None,
    count_window_s: Annotated[
        float | None,
        typer.Option(help="Length of the window of an array of spike counts, in seconds."),
    ] = None,
    table: Annotated[
        str | None, typer.Option(help="Name of the table of presentations in an NWB file.")
    ] = None,
    image_column: Annotated[
        str | None,
        typer.Option(help="Column of an NWB file's table that names the image."),
    ] = None,
    onset_column: Annotated[
        str | None,
        typer.Option(help="Column of an NWB file's table that holds onsets."),
    ] = None,
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
        str | None,
        typer.Option(
            help="Layer of the network; by default what its readout reads, which is rectified in "
            "most networks."
        ),
    ] = None,
    pool_px: Annotated[
        int | None, typer.Option(help="Average the layer's map to so many by so many positions.")
    ] = None,
    rectify: Rectification = "as_is",
    max_components: Annotated[
        int, typer.Option(help="Largest number of PLS components to choose from.", min=1)
    ] = 25,
    n_folds: Annotated[int, typer.Option(help="Number of folds of the test.", min=2)] = 10,
    n_shuffles: Annotated[
        int,
        typer.Option(
            help="Number of fits with shuffled images, for p-values. They take minutes, and are "
            "begun anew if interrupted; 0 leaves them out.",
            min=0,
        ),
    ] = 200,
    shuffle_blocks: Annotated[
        int,
        typer.Option(
            help="Cut images that stand in the order of showing into so many stretches, leave out "
            "whole ones, and shift responses over them in place of shuffling them.",
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
    seed: Annotated[int, typer.Option(help="Seed of the random folds and shuffles.", min=0)] = 0,
    report: Annotated[
        Path | None, typer.Option(help="Folder for the report; by default it is beside the models.")
    ] = None,
    cache_dir: CacheDir = None,
    signed_features_anyway: SignedFeaturesAnyway = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the table as JSON.")] = False,
) -> None:
    """Fit models of recorded neurons by partial least squares (PLS), test and keep them."""
    from rich.console import Console

    from signseg_rig.cli.stages import StageProgress
    from signseg_rig.neurons import FeatureReader
    from signseg_rig.report import write_fit_report
    from signseg_rig.studies import FitSettings, fit_recorded

    console = Console(stderr=True)
    folder = _checked_places(out, report)
    rules = FitSettings(
        n_components=range(1, max_components + 1),
        n_folds=n_folds,
        n_shuffles=n_shuffles,
        compare=compare or (),
        shuffle_blocks=shuffle_blocks,
        seed=seed,
        n_workers=os.cpu_count() or 1,
        signed_features_anyway=signed_features_anyway,
    )
    given = _read(
        responses,
        {"images": images, "stimulus_table": stimuli, "leave_out": _names(leave_out) or ()}
        | {"table": table, "image_column": image_column, "onset_column": onset_column}
        | {"key": key, "count_window_s": count_window_s},
        response_window_s=_window("--window-s", window_s),
        baseline_window_s=_window("--baseline-window-s", baseline_window_s),
        units=_names(units),
        incomplete=drop_incomplete,  # checked there
    )
    data = _prepared(given, console)
    of_network = open_network(network, settings)
    reader = FeatureReader(of_network, layer, pool_px, cast("Any", rectify))  # checked there
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


def _read(responses: list[Path], of_files: dict[str, Any], **options: Any) -> RecordedData:
    """Read a file of responses with its options, or run records, which have none of these."""
    from signseg_rig.datasets import read_recorded
    from signseg_rig.studies import is_run, read_runs

    if not any(map(is_run, responses)):
        if len(responses) > 1:
            raise ConfigError(
                f"--responses names {len(responses)} files; one is read at a time, or several run "
                "records."
            )
        return read_recorded(responses[0], **of_files, **options)
    if others := [path for path in responses if not is_run(path)]:
        raise ConfigError(
            f"{', '.join(map(str, others))} holds no run record, and is not read together with "
            "one. Fit runs together, or one file."
        )
    if given := [f"--{name.replace('_', '-')}" for name, value in of_files.items() if value]:
        given = ["--stimuli" if name == "--stimulus-table" else name for name in given]
        raise ConfigError(
            f"{', '.join(given)} means nothing for a run record, which holds its images and their "
            "order. Leave it out."
        )
    return read_runs(responses, **options)


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


def _checked_places(out: Path, report: Path | None) -> Path:
    """Return the folder of the report, once it is known that everything can be written."""
    folder = report or out.with_name(f"{out.stem}-report")
    require_writable(out)
    require_writable(folder, is_folder=True)
    return folder


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
    from rich.console import Console

    from signseg_rig.cli.fit_table import fit_table
    from signseg_rig.neurons import describe_signs

    models = fitted.models
    console = Console()
    console.print(fit_table(fitted.columns(), models.quality))
    n_images, n_units = fitted.measured_hz.shape
    told = f"{counted(n_units, 'neuron')}, {n_images} images; features: {models.features}."
    console.print(f"{told} {describe_signs(models.signs)}", highlight=False, markup=False)


def _as_json(fitted: NeuronFit) -> list[dict[str, Any]]:
    columns = {
        name: [None if is_unknown(cell) else cell for cell in cells]
        for name, cells in fitted.columns().items()
    }
    rows = zip(*columns.values(), strict=True)
    return [dict(zip(columns, row, strict=True)) for row in rows]
