"""``signseg-rig report``: one HTML page about a run, a sweep, or sweeps of several networks."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from signseg_rig.errors import ConfigError

if TYPE_CHECKING:
    from signseg_rig.visualization import SweepStudy

SWEEP_FILE = "sweep.toml"


def report(
    folders: Annotated[
        list[Path], typer.Argument(help="Folder of the run record, or of one or more sweeps.")
    ],
    out: Annotated[
        Path, typer.Option(help="Folder for what several sweeps have in common.")
    ] = Path("sweeps-compared"),
) -> None:
    """Write the report of a run or a sweep, finished or still going on.

    Of several sweeps each gets its own, and one tells what they have in common.
    """
    if len(folders) == 1 and not (folders[0] / SWEEP_FILE).is_file():
        from signseg_rig.report import write_report

        typer.echo(write_report(folders[0]))
        return
    if runs := [folder for folder in folders if not (folder / SWEEP_FILE).is_file()]:
        raise ConfigError(
            f"{', '.join(map(str, runs))} holds no sweep (no {SWEEP_FILE}). Name one run, or one "
            "or more sweeps."
        )
    from signseg_rig.report import write_sweep_report, write_sweeps_report

    studies = []
    for folder in folders:
        studies.append(_study(folder))
        typer.echo(write_sweep_report(studies[-1]))
    if len(studies) > 1:
        typer.echo(write_sweeps_report(studies, out))


def _study(folder: Path) -> SweepStudy:
    from rich.console import Console

    from signseg_rig.cli.stages import StageProgress
    from signseg_rig.visualization import study_sweep

    with StageProgress(Console(stderr=True)) as progress:
        return study_sweep(folder, on_progress=partial(progress, f"{folder.name}: units measured"))
