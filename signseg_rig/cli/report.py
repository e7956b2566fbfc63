"""``signseg-rig report RUN``: one HTML page about a run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def report(
    run_dir: Annotated[Path, typer.Argument(help="Folder of the run record.")],
) -> None:
    """Write the report of a run, finished or still going on."""
    from signseg_rig.report import write_report

    typer.echo(write_report(run_dir))
