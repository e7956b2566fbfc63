"""``signseg-rig report RUN``: one HTML page about a run, or about a sweep."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer


def report(
    folder: Annotated[Path, typer.Argument(help="Folder of the run record, or of the sweep.")],
) -> None:
    """Write the report of a run or a sweep, finished or still going on."""
    if (folder / "sweep.toml").is_file():
        typer.echo(_sweep_report(folder))
        return
    from signseg_rig.report import write_report

    typer.echo(write_report(folder))


def _sweep_report(folder: Path) -> Path:
    from rich.console import Console

    from signseg_rig.cli.stages import StageProgress
    from signseg_rig.report import write_sweep_report

    with StageProgress(Console(stderr=True)) as progress:
        return write_sweep_report(folder, on_progress=partial(progress, "units measured"))
